/**
 * Programs that live on terminals, locks, sockets and events: bash with jobs, tmux, sqlite with a write-ahead log, watchers.
 */
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { countMarked, Listener, mark, until, within } from "../help.ts";
import { inEachMode, script } from "../ordinary.ts";

const CONTROL_C = "\x03";
const CONTROL_Z = "\x1a";

const SQLITE = `
import os, sqlite3, sys
def connect():
    database = sqlite3.connect("data.db", timeout=30)
    database.execute("pragma journal_mode=wal")
    return database
first = connect()
first.execute("create table if not exists entries (who text, number integer)")
first.commit()
before = first.execute("select count(*) from entries").fetchone()[0]
first.close()
children = []
for who in ("one", "two"):
    child = os.fork()
    if child == 0:
        database = connect()
        for number in range(100):
            database.execute("insert into entries values (?, ?)", (who, number))
            database.commit()
        database.close()
        os._exit(0)
    children.append(child)
reader = connect()
seen = 0
while seen < before + 200:
    (now,) = reader.execute("select count(*) from entries").fetchone()
    assert now >= seen
    seen = now
for child in children:
    assert os.waitpid(child, 0)[1] == 0
print(seen, reader.execute("pragma journal_mode").fetchone()[0], reader.execute("pragma integrity_check").fetchone()[0])
print(os.path.exists("data.db-wal"))
`;

const WATCHER = `
const { mkdirSync, watch } = require("node:fs");
mkdirSync("watched", { recursive: true });
const seen = new Set();
const watcher = watch("watched", (event, name) => {
  if (seen.has(name)) return;
  seen.add(name);
  console.log("saw", name);
  if (seen.size === 2) watcher.close();
});
console.log("watching");
`;

const TMUX = "tmux -f /dev/null -L case";

export const ordinaryServiceCases: readonly Case[] = [
  ...inEachMode("bash has job control on a terminal: stop, background, foreground, interrupt", {}, async (sandbox) => {
    const marked = mark();
    const command = await sandbox.spawn(["bash", "--norc", "--noprofile", "-i"], { pty: true, env: { PS1: "> " } });
    const listener = new Listener(command);
    await listener.hear("> ");
    await command.stdin.write(`sleep ${marked}\n`);
    await until(async () => (await countMarked(sandbox, `sleep\0${marked}`)) === 1, "it sleeps");
    await command.stdin.write(CONTROL_Z);
    await listener.hear("Stopped");
    await command.stdin.write("bg; jobs\n");
    await listener.hear(/Running[^\n]*\n/);
    await command.stdin.write("fg\n");
    await listener.hear(new RegExp(`fg\\r?\\n[^\\n]*sleep ${marked}`));
    await command.stdin.write(CONTROL_C);
    await until(async () => (await countMarked(sandbox, marked)) === 0, "it was interrupted");
    await command.stdin.write("echo cooked $((40 + 2)); cat < /dev/tty | tr a-z A-Z\n");
    await listener.hear("cooked 42");
    await command.stdin.write("typed\n\x04");
    await listener.hear("TYPED");
    await command.stdin.write("exit 7\n");
    expect((await within(20_000, "bash", command.exited)).exitCode).toBe(7);
    await listener.ended;
    expect(listener.text).not.toContain("no job control");
  }),
  ...inEachMode("tmux keeps a session that other commands type into", {}, async (sandbox) => {
    const env = { LC_ALL: "C.UTF-8", TERM: "xterm-256color", SHELL: "/bin/sh" };
    await script(sandbox, `${TMUX} new-session -d -s work -x 80 -y 24 sh`, env);
    await script(sandbox, `${TMUX} send-keys -t work 'echo answer-$((40 + 2)); tty' Enter`, env);
    let pane = "";
    await until(async () => {
      pane = await script(sandbox, `${TMUX} capture-pane -p -t work`, env);
      return pane.includes("answer-42") && pane.includes("/dev/pts/");
    }, "the session answers").catch((error: unknown) => expect.fail(`${error}: ${pane}`));
    expect(await script(sandbox, `${TMUX} split-window -d -t work sh; ${TMUX} list-panes -t work | wc -l`, env)).toBe(
      "2\n",
    );
    await script(sandbox, `${TMUX} kill-server`, env);
  }),
  ...inEachMode("sqlite writes ahead in two processes while a third reads", { "wal.py": SQLITE }, async (sandbox) => {
    expect(await script(sandbox, "python3 wal.py")).toBe("200 wal ok\nTrue\n");
    expect(await script(sandbox, "python3 wal.py")).toMatch(/^400 wal ok\n/);
  }),
  ...inEachMode("a watcher sees what other commands make and change", { "watch.cjs": WATCHER }, async (sandbox) => {
    const command = await sandbox.spawn(["node", "watch.cjs"]);
    const listener = new Listener(command);
    await listener.hear("watching");
    await script(sandbox, "echo one > watched/one; mv watched/one watched/two");
    await listener.hear("saw one");
    await listener.hear("saw two");
    expect((await within(20_000, "the watcher", command.exited)).exitCode).toBe(0);
  }),
];
