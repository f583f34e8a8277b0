/**
 * `cofferdam logs`: what a sandbox in the background printed.
 *
 * @module
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { displaySafe } from "../../audit/display.ts";
import { isAlive } from "../control/client.ts";
import { logPath } from "../control/directory.ts";
import { UsageError } from "../failure.ts";

/** How often a log is looked at, in milliseconds. */
const LOOK_MS = 200;

/** Prints a log, also that of a sandbox that has ended; with `follow` until that or Ctrl-C. */
export async function logs(name: string, { follow = false }: { readonly follow?: boolean }): Promise<void> {
  const path = logPath(name);
  const older = await openLog(`${path}.1`);
  if (older !== undefined) await print(older, 0);
  await older?.close();
  const log = await openLog(path);
  if (log === undefined) throw new UsageError(`There is no log of a sandbox "${name}"`);
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stopped.abort());
  try {
    let at = await print(log, 0);
    while (follow && !stopped.signal.aborted) {
      const isOver = !(await isAlive(name));
      // It became the older half meanwhile.
      if ((await log.stat()).size < at) at = 0;
      at = await print(log, at);
      if (isOver) return;
      await sleep(LOOK_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  } finally {
    await log.close();
  }
}

async function openLog(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
}

/** From there to the end; where that is. Programs that nobody trusts wrote it: a terminal gets it without control characters. */
async function print(log: FileHandle, from: number): Promise<number> {
  let at = from;
  const buffer = Buffer.alloc(65_536);
  const decoder = new TextDecoder();
  for (;;) {
    const { bytesRead } = await log.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return at;
    at += bytesRead;
    const piece = buffer.subarray(0, bytesRead);
    process.stdout.write(
      process.stdout.isTTY ? forTerminal(decoder.decode(piece, { stream: true })) : Buffer.from(piece),
    );
  }
}

function forTerminal(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => line.split("\t").map(displaySafe).join("\t"))
    .join("\n");
}
