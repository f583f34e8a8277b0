/**
 * What cases have in common.
 */
import { execFileSync } from "node:child_process";
import { expect } from "vitest";
import { type Command, type ErrorCode, type ExecResult, type Sandbox, SandboxError } from "../../src/mod.ts";

/** The error that a promise rejects with: a SandboxError of that code, or the case fails. */
export async function refused<C extends ErrorCode>(promise: Promise<unknown>, code: C): Promise<SandboxError<C>> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("value" in outcome) expect.fail(`It was to be refused with ${code}, and gave ${show(outcome.value)}`);
  if (SandboxError.is(outcome.error, code)) return outcome.error;
  const { error } = outcome;
  return expect.fail(
    `It was to be refused with ${code}, and was with ${SandboxError.is(error) ? error.code : ""} ${error}`,
  );
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 500) ?? String(value);
}

/** Waits until something holds. The bound is only there to end a case that will never pass. */
export async function until(
  condition: () => Promise<boolean> | boolean,
  what: string,
  boundMs = 15_000,
): Promise<void> {
  const deadline = performance.now() + boundMs;
  while (!(await condition())) {
    if (performance.now() > deadline) expect.fail(`It never came true that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** Fails instead of hanging. */
export async function within<T>(boundMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${boundMs} ms`)), boundMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs shell source with its arguments as `$1` and so on. */
export function shell(sandbox: Sandbox, script: string, ...args: readonly string[]): Promise<ExecResult> {
  return sandbox.exec(["sh", "-c", script, "sh", ...args], { timeoutMs: 30_000 });
}

/** What an attack comes to in a sandbox: "done", the name of the errno, or of the signal that ended it. */
export async function attack(sandbox: Sandbox, ...argv: readonly string[]): Promise<string> {
  const result = await sandbox.exec(["/workspace/bin/attack", ...argv], { timeoutMs: 20_000 });
  if (result.timedOut) expect.fail(`the attack ${argv.join(" ")} hung`);
  if (result.signal !== null) return result.signal;
  if (result.exitCode !== 0) expect.fail(`the attack ${argv.join(" ")} did not run: ${result.stderr}`);
  return result.stdout.trim();
}

let lastMark = 900_000;

/** A number of seconds that no other command sleeps: `sleep MARK` can be found again. */
export function mark(): string {
  return String(++lastMark);
}

/** How many processes have the mark in their arguments. */
export async function countMarked(sandbox: Sandbox, marked: string): Promise<number> {
  const { stdoutBytes } = await sandbox.exec(["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null"]);
  return Buffer.from(stdoutBytes).toString("latin1").split(marked).length - 1;
}

/** The output of a command as it comes, to wait for pieces of it. */
export class Listener {
  /** What was not waited for yet, and everything. */
  text = "";
  all = "";
  readonly ended: Promise<void>;

  constructor(command: Command) {
    this.ended = this.#read(command);
    this.ended.catch(() => undefined);
  }

  async #read(command: Command): Promise<void> {
    for await (const chunk of command) {
      const text = Buffer.from(chunk.bytes).toString("latin1");
      this.text += text;
      this.all += text;
    }
  }

  /** Waits until the text holds this, after what was waited for before. */
  async hear(wanted: string | RegExp): Promise<void> {
    const pattern = typeof wanted === "string" ? new RegExp(wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")) : wanted;
    await until(() => pattern.test(this.text), `it says ${pattern}`, 20_000).catch((error: unknown) =>
      expect.fail(
        `${error instanceof Error ? error.message : error}; it said ${JSON.stringify(this.text.slice(-2000))}`,
      ),
    );
    this.text = this.text.slice((this.text.match(pattern)?.index ?? 0) + (this.text.match(pattern)?.[0].length ?? 0));
  }
}

/** Bytes that repeat only after a long while. */
export function patterned(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = 0x2545f491;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** Everything about a tree of the host. */
export function picture(folder: string): string {
  const options = { encoding: "utf8", cwd: folder } as const;
  return (
    execFileSync("find", [".", "-printf", "%p %y %m %U %G %s %T@ %l\n"], options) +
    execFileSync("sh", ["-c", "find . -type f -exec cksum {} +"], options)
  );
}
