/**
 * Joins a program of the sandbox to this process's terminal, or to its pipes.
 *
 * @module
 */
import { once } from "node:events";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command, CommandExit } from "../../mod.ts";
import { terminalSize } from "../terminal-size.ts";
import type { Interruption } from "./interruption.ts";
import { TerminalModes } from "./terminal-modes.ts";
import { terminalFree, useTerminal } from "./terminal-turn.ts";

/** How long the output of what a program left behind is waited for, in milliseconds. */
const LINGER_MS = 500;

/** Carries input and output until the program has ended. */
export async function attach(command: Command, terminal: boolean, interruption: Interruption): Promise<CommandExit> {
  const settle = interruption.passTo((signal) => command.signal(signal));
  const kill = () => void command.kill();
  interruption.signal.addEventListener("abort", kill, { once: true });
  const modes = new TerminalModes();
  // A program that is quick asks before it is carried: until it is answered the keys are the question's alone.
  await terminalFree();
  const screen = terminal ? followTerminal(command) : undefined;
  const input = followInput(command);
  const done = useTerminal({
    pause() {
      input.stop();
      screen?.stop();
    },
    resume() {
      screen?.start();
      input.start();
      process.stdout.write(modes.again());
      // Whoever draws a whole screen does so again for a new size.
      if (modes.hasScreen) screen?.redraw();
    },
  });
  try {
    const written = writeOutput(command, terminal ? modes : undefined);
    // Where the sandbox ends under it, the exit says so.
    written.catch(() => undefined);
    const exit = await command.exited;
    await lastOutput(written);
    return exit;
  } finally {
    done();
    input.stop();
    input.forget();
    screen?.forget();
    settle();
    interruption.signal.removeEventListener("abort", kill);
  }
}

/** A slow reader gets all of it; what was left running may hold the output open for as long as it likes. */
async function lastOutput(written: Promise<void>): Promise<void> {
  let isOver = false;
  const over = new AbortController();
  const isWritten = written.finally(() => {
    isOver = true;
    over.abort();
  });
  // Aborted, for a timer that nobody waits for would keep this process.
  do await Promise.race([isWritten, sleep(LINGER_MS, undefined, { signal: over.signal }).catch(() => undefined)]);
  while (!isOver && (process.stdout.writableNeedDrain || process.stderr.writableNeedDrain));
}

/** Keys go to the program as they are, Ctrl-C too: its terminal makes signals of them. */
function followTerminal(command: Command) {
  const { stdin, stdout } = process;
  const resize = () => command.resize(terminalSize());
  const start = () => stdin.setRawMode(true);
  const stop = () => stdin.setRawMode(false);
  stdout.on("resize", resize);
  start();
  return {
    start,
    stop,
    redraw(): void {
      const { rows, columns } = terminalSize();
      command.resize({ rows, columns: Math.max(1, columns - 1) });
      resize();
    },
    forget(): void {
      stdout.off("resize", resize);
      stop();
    },
  };
}

function followInput(command: Command) {
  const { stdin } = process;
  let isOn = false;
  const take = async (data: Buffer) => {
    stdin.pause();
    const taken = await command.stdin.write(data).catch(() => false);
    // A program that has gone leaves the rest to whoever comes after this process.
    if (taken && isOn) stdin.resume();
  };
  const onData = (data: Buffer) => void take(data);
  const onEnd = () => command.stdin.end();
  const onError = () => command.stdin.end();
  const start = () => {
    isOn = true;
    stdin.on("data", onData);
    stdin.resume();
  };
  stdin.once("end", onEnd);
  stdin.once("error", onError);
  start();
  return {
    start,
    stop(): void {
      isOn = false;
      stdin.off("data", onData);
      stdin.pause();
    },
    forget(): void {
      stdin.off("end", onEnd);
      stdin.off("error", onError);
    },
  };
}

async function writeOutput(command: Command, modes: TerminalModes | undefined): Promise<void> {
  const closed = new Set<Writable>();
  for (const stream of [process.stdout, process.stderr]) {
    // Whoever read has gone, as `head` does: the program is told as it would be without a sandbox.
    stream.on("error", () => {
      closed.add(stream);
      command.signal("SIGPIPE");
    });
  }
  for await (const { channel, bytes } of command) {
    await terminalFree();
    modes?.see(bytes);
    const stream = channel === "stdout" ? process.stdout : process.stderr;
    if (closed.has(stream) || stream.write(bytes)) continue;
    await Promise.race([once(stream, "drain"), once(stream, "close")]).catch(() => undefined);
  }
}
