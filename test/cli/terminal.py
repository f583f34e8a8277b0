"""A real terminal for a program: what it prints goes to the standard output, and each line of the standard input says what
is typed into it, or how large it is."""
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    rows, columns, *argv = sys.argv[1:]
    ready, go = os.pipe()
    pid, fd = pty.fork()
    if pid == 0:
        os.close(go)
        os.read(ready, 1)
        os.close(ready)
        os.execvp(argv[0], argv)
    resize(fd, int(rows), int(columns))
    os.write(go, b".")
    os.close(ready)
    os.close(go)
    commands = b""
    sources = [fd, 0]
    while fd in sources:
        for source in select.select(sources, [], [])[0]:
            try:
                data = os.read(source, 65536)
            except OSError:
                data = b""
            if not data:
                sources.remove(source)
            elif source == fd:
                os.write(1, data)
            else:
                commands += data
                *lines, commands = commands.split(b"\n")
                for line in lines:
                    command = json.loads(line)
                    if "type" in command:
                        os.write(fd, command["type"].encode())
                    else:
                        resize(fd, command["rows"], command["columns"])
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os._exit(status if status >= 0 else 128 - status)


main()
