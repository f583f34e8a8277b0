/** The small C programs that measure inside a sandbox, and outside of it. */
import { copyFile, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "./command.ts";

/** A program of `native/`. */
export type NativeProgram = "bare_supervisor" | "open_close" | "start_programs" | "nothing" | "stopwatch";

/** The processor that pinned programs run on: the last one, for interrupts prefer the first. */
export const PROCESSOR: string = String(availableParallelism() - 1);

/**
 * Builds programs into a folder: static, so that they run in any sandbox, and open nothing by themselves. What the linker
 * wrote lies in small pieces in memory and starts a tenth slower than a copy of it, which is what a sandbox has: so a copy
 * is what stays.
 */
export async function buildInto(folder: string, ...programs: readonly NativeProgram[]): Promise<void> {
  for (const program of programs) {
    const source = fileURLToPath(new URL(`./native/${program}.c`, import.meta.url));
    const linked = join(folder, `${program}.linked`);
    await runCommand(["cc", "-std=c17", "-O2", "-static", "-o", linked, source]);
    await copyFile(linked, join(folder, program));
    await rm(linked);
  }
}

/** The microseconds that a program printed as nanoseconds. */
export function microseconds(stdout: string): number {
  return Number(stdout) / 1000;
}
