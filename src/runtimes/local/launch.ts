/**
 * Starting the launcher, and owning it until nothing of its sandbox is left.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { SandboxError } from "../../errors.ts";

/** A launcher that runs. */
export interface Launched {
  readonly input: Readable;
  readonly output: Writable;
  /** The sandbox's root, from when it stands to its end. */
  readonly root: string;
  /** Settles, with the reason, when the launcher and everything below it are gone. */
  readonly ended: Promise<string>;
  /** The last of its error output. */
  diagnostics(): string;
  /** Kills the sandbox; settles when it is gone. */
  end(): Promise<void>;
  /** Says that nothing more comes, and waits for what it does then. */
  finish(): Promise<void>;
}

/** Where the launcher keeps the sandbox's root open: see launcher.c. */
const ROOT_FD = 100;
const DIAGNOSTICS_BYTES = 8192;
/** How long a launcher may take to clean up after its sandbox, in milliseconds, before it is killed itself. */
const END_MS = 20_000;

/**
 * Starts it.
 *
 * @throws {SandboxError} START_FAILED If the program cannot be executed.
 */
export async function launch(path: string): Promise<Launched> {
  // A session of its own: a Ctrl-C in the terminal is for the owner to act on, not for the sandbox.
  const child = spawn(path, ["local"], { stdio: ["pipe", "pipe", "pipe"], env: {}, cwd: "/", detached: true });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new SandboxError("START_FAILED", `Cannot execute the warden "${path}"`, {
          details: { stage: "spawn", ...(cause.code === undefined ? {} : { errno: cause.code }) },
          hint: "The folder may be mounted noexec; set COFFERDAM_CACHE to another",
          cause,
        }),
      ),
    );
  });
  const { stdin, stdout, stderr } = child;
  let tail = "";
  stderr.on("data", (chunk: Buffer) => {
    tail = (tail + chunk.toString("latin1")).slice(-DIAGNOSTICS_BYTES);
  });
  // The link reports its own end; an EPIPE here says the same a second time.
  for (const stream of [stdin, stdout, stderr]) stream.on("error", () => undefined);
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  let ending: Promise<void> | undefined;
  return {
    input: stdout,
    output: stdin,
    root: `/proc/${child.pid}/fd/${ROOT_FD}`,
    ended,
    diagnostics: () => tail,
    end: () => {
      // SIGTERM makes the launcher kill its sandbox, clean up and end; the end of the link alone would do it too.
      child.kill("SIGTERM");
      ending ??= finish(child, ended);
      return ending;
    },
    finish: () => {
      ending ??= finish(child, ended);
      return ending;
    },
  };
}

async function finish(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.stdin?.destroy();
  // What it still says is of no interest, and must not hold it up.
  child.stdout?.resume();
  const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await ended;
  clearTimeout(timer);
  child.stdout?.destroy();
  child.stderr?.destroy();
}
