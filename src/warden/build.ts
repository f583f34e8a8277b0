/**
 * Compiles the warden.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { SandboxError } from "../errors.ts";
import type { WardenSources } from "./sources.ts";

/** A machine that the warden can be built for, by Node's names. */
export type WardenArch = "x64" | "arm64";

/** How the warden is compiled. Warnings are errors: the sources are ours. */
export const COMPILER_FLAGS: readonly string[] = [
  ..."-std=c17 -O2 -g0 -static -fno-plt -fstack-protector-strong -D_FORTIFY_SOURCE=2".split(" "),
  ..."-Wall -Wextra -Werror -Wconversion -Wno-sign-conversion".split(" "),
];

const TRIPLES: Record<WardenArch, string> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

/** The compilers to try, the one of the environment first. */
function compilers(arch: WardenArch): string[] {
  const cross = `${TRIPLES[arch]}-gcc`;
  const native = process.arch === arch && process.platform === "linux" ? ["cc", "gcc", "clang"] : [];
  return [...(process.env.CC && native.length > 0 ? [process.env.CC] : []), ...native, cross];
}

/**
 * Builds the warden at `target`, which appears complete or not at all.
 *
 * @throws {SandboxError} WARDEN_UNAVAILABLE If no compiler is there, or it fails.
 */
export async function buildWarden(sources: WardenSources, arch: WardenArch, target: string): Promise<void> {
  const partial = `${target}.${randomBytes(6).toString("hex")}`;
  const inputs = sources.files.map((name) => join(sources.directory, name));
  const tried: string[] = [];
  try {
    for (const compiler of compilers(arch)) {
      const problem = await compile(compiler, [...COMPILER_FLAGS, "-o", partial, ...inputs]);
      if (problem === undefined) return await rename(partial, target);
      tried.push(`${compiler}: ${problem}`);
    }
  } finally {
    await rm(partial, { force: true });
  }
  throw new SandboxError(
    "WARDEN_UNAVAILABLE",
    `Cannot compile the warden for ${arch} with any of ${tried.length} compilers`,
    {
      details: { reason: "no working C compiler", output: tried.join("\n").slice(0, 8192) },
      hint: `Install a C compiler and a static libc (Debian: gcc libc6-dev; for another machine: gcc-${TRIPLES[arch]}), or set COFFERDAM_WARDEN to a built warden`,
    },
  );
}

async function compile(compiler: string, args: readonly string[]): Promise<string | undefined> {
  try {
    await promisify(execFile)(compiler, args, { timeout: 120_000, maxBuffer: 1 << 20 });
    return undefined;
  } catch (error) {
    const { stderr, code } = error as { stderr?: string; code?: unknown };
    return stderr || `failed with ${String(code)}`;
  }
}
