/**
 * Joins a program of the sandbox to this process's terminal, or to its pipes.
 *
 * @module
 */
import { once } from "node:events";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command, CommandExit } from "../../mod.ts";
import type { Interruption } from "./interruption.ts";

/** How long the output of what a program left behind is waited for, in milliseconds. */
const LINGER_MS = 500;

/** Carries input and output until the program has ended. */
export async function attach(command: Command, terminal: boolean, interruption: Interruption): Promise<CommandExit> {
  const settle = interruption.passTo((signal) => command.signal(signal));
  const kill = () => void command.kill();
  interruption.signal.addEventListener("abort", kill, { once: true });
  const restore = terminal ? followTerminal(command) : () => undefined;
  const forget = followInput(command);
  try {
    const written = writeOutput(command);
    const exit = await command.exited;
    await lastOutput(written);
    return exit;
  } finally {
    forget();
    restore();
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
function followTerminal(command: Command): () => void {
  const { stdin, stdout } = process;
  const resize = () => command.resize({ rows: stdout.rows, columns: stdout.columns });
  stdin.setRawMode(true);
  stdout.on("resize", resize);
  return () => {
    stdout.off("resize", resize);
    stdin.setRawMode(false);
  };
}

function followInput(command: Command): () => void {
  const { stdin } = process;
  const take = async (data: Buffer) => {
    stdin.pause();
    const taken = await command.stdin.write(data).catch(() => false);
    // A program that has gone leaves the rest to whoever comes after this process.
    if (taken) stdin.resume();
  };
  const onData = (data: Buffer) => void take(data);
  const onEnd = () => command.stdin.end();
  const onError = () => command.stdin.end();
  stdin.on("data", onData);
  stdin.once("end", onEnd);
  stdin.once("error", onError);
  return () => {
    stdin.off("data", onData);
    stdin.off("end", onEnd);
    stdin.off("error", onError);
    stdin.pause();
  };
}

async function writeOutput(command: Command): Promise<void> {
  const closed = new Set<Writable>();
  for (const stream of [process.stdout, process.stderr]) {
    // Whoever read has gone, as `head` does: the program is told as it would be without a sandbox.
    stream.on("error", () => {
      closed.add(stream);
      command.signal("SIGPIPE");
    });
  }
  for await (const { channel, bytes } of command) {
    const stream = channel === "stdout" ? process.stdout : process.stderr;
    if (closed.has(stream) || stream.write(bytes)) continue;
    await Promise.race([once(stream, "drain"), once(stream, "close")]).catch(() => undefined);
  }
}
