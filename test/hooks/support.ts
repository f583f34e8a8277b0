/** What the tests of hooks share: subjects, plugins in short, and a registry that keeps what went wrong. */
import { expect } from "vitest";
import { type ErrorCode, SandboxError } from "../../src/errors.ts";
import {
  type AccessHandler,
  type AccessHookOptions,
  type DecideHookOptions,
  type FilesystemAccess,
  type HookVerdict,
  type Plugin,
  PluginRegistry,
  type ProcessStart,
  type RegistryOptions,
  type StartHandler,
} from "../../src/hooks/mod.ts";

export const SANDBOX = "5a4db0";

export function access(path: string, change: Partial<FilesystemAccess> = {}): FilesystemAccess {
  const verdict = change.verdict ?? "allow";
  return { operation: "read", path, pathBytes: Buffer.from(path), pid: 7, binary: "/usr/bin/cat", ...change, verdict };
}

export function start(argv: readonly string[], change: Partial<ProcessStart> = {}): ProcessStart {
  const path = change.path ?? `/usr/bin/${argv[0]}`;
  return {
    path,
    pathBytes: Buffer.from(path),
    argv: [...argv],
    argvBytes: argv.map((argument) => Buffer.from(argument)),
    cwd: "/workspace",
    parents: ["/usr/bin/bash"],
    pid: 7,
    verdict: "allow",
    ...change,
  };
}

/** A plugin with one hook on files. */
export function onAccess(name: string, hook: AccessHandler | AccessHookOptions<AccessHandler>): Plugin {
  return { name, hooks: { filesystem: { access: hook } } };
}

/** A plugin with one hook on programs. */
export function onStart(name: string, hook: StartHandler | DecideHookOptions<StartHandler>): Plugin {
  return { name, hooks: { process: { start: hook } } };
}

/** A plugin that always gives one answer to files. */
export function says(name: string, verdict: HookVerdict | undefined): Plugin {
  return onAccess(name, () => verdict);
}

export interface Opened {
  readonly registry: PluginRegistry;
  readonly problems: SandboxError<"HOOK_FAILED">[];
}

export async function open(plugins: readonly Plugin[], options: Partial<RegistryOptions> = {}): Promise<Opened> {
  const problems: SandboxError<"HOOK_FAILED">[] = [];
  const onProblem = (error: SandboxError<"HOOK_FAILED">) => void problems.push(error);
  return { registry: await PluginRegistry.open(plugins, { sandbox: SANDBOX, onProblem, ...options }), problems };
}

/** Runs something that must fail with a code, and returns the error. */
export async function failure<C extends ErrorCode>(code: C, run: () => unknown): Promise<SandboxError<C>> {
  try {
    await run();
  } catch (error) {
    if (SandboxError.is(error, code)) return error;
    throw error;
  }
  return expect.unreachable(`expected ${code}`);
}

const THEN = "then";

/** Something that can be awaited and is no promise. */
export function thenable(descriptor: PropertyDescriptor): PromiseLike<undefined> {
  return Object.defineProperty({}, THEN, descriptor) as PromiseLike<undefined>;
}
