/**
 * What the fault tests share: bounds, what the host shows of leftovers, and tests that need something of the machine.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getuid } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, test } from "vitest";
import { type ErrorCode, SandboxError } from "../../src/errors.ts";
import { createWardenLocator } from "../../src/warden/mod.ts";

export const BUSYBOX = "cofferdam-test-busybox:latest";
export const isRoot: boolean = getuid?.() === 0;

/** A folder of this test's own. */
export function scratchFolder(name: string): string {
  return mkdtempSync(join(realpathSync(tmpdir()), `faults-${name}-`));
}

/** Removes what {@link scratchFolder} made, however deep it became. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}

/** The result of `work`, or an error if there is none after so many milliseconds: a hang. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const bound = new AbortController();
  const late = sleep(ms, undefined, { signal: bound.signal }).then(() => {
    throw new Error(`${what} has not settled after ${ms} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    bound.abort();
  }
}

/** The error that `work` fails with in time, which must be one of Cofferdam's and, where given, have that code. */
export async function failure(ms: number, work: Promise<unknown>, ...codes: ErrorCode[]): Promise<SandboxError> {
  const error = await within(
    ms,
    "a failure",
    work.then(
      (value) => new Error(`it succeeded with ${JSON.stringify(value)?.slice(0, 200)}`),
      (reason: unknown) => reason,
    ),
  );
  if (!SandboxError.is(error)) throw new Error(`not a SandboxError: ${String(error)}`, { cause: error });
  if (codes.length > 0 && !codes.includes(error.code)) {
    throw new Error(`${error.code} instead of ${codes.join(" or ")}: ${error.message}`, { cause: error });
  }
  return error;
}

/** Waits until `probe` finds nothing; returns what it found last, which is empty unless the time was up. */
export async function leftAfter(ms: number, probe: () => readonly string[]): Promise<readonly string[]> {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = probe();
    if (found.length === 0 || Date.now() > deadline) return found;
    await sleep(50);
  }
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of this run: `COFFERDAM_TEST_SEED`, or a new one. It is printed. */
export function seedOfRun(): number {
  const seed = Number(process.env.COFFERDAM_TEST_SEED ?? Date.now() % 2 ** 31);
  console.info(`seed: COFFERDAM_TEST_SEED=${seed}`);
  return seed;
}

/** A process of the host. */
export interface HostProcess {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly command: string;
}

/** The processes of the host that are no zombies. */
export function hostProcesses(): HostProcess[] {
  const numbers = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return numbers.flatMap((number) => {
    try {
      const stat = readFileSync(`/proc/${number}/stat`, "latin1");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state === "Z" || state === "X") return [];
      const command = readFileSync(`/proc/${number}/cmdline`, "latin1").replaceAll("\0", " ");
      const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
      return [{ pid: Number(number), parent: Number(parent), name, command }];
    } catch {
      return [];
    }
  });
}

/**
 * The processes that run a warden of this name. A local sandbox has a launcher, the warden below it, and shepherds.
 */
export function wardens(name: string): HostProcess[] {
  return hostProcesses().filter((process) => process.name === name);
}

/** A copy of the warden under a name by which its processes are told from all others. */
export async function ownWarden(directory: string): Promise<{ path: string; name: string }> {
  const { path } = await createWardenLocator()(process.arch === "arm64" ? "arm64" : "x64");
  // A process shows 15 characters of its program's name.
  const name = `cfd-${Math.floor(Math.random() * 2 ** 32).toString(16)}`;
  copyFileSync(path, join(directory, name));
  return { path: join(directory, name), name };
}

/** The mounts of the host, without those of Docker engines and of other tests. */
export function hostMounts(): string[] {
  const others = /\/(docker|containerd|faults-[a-z]+-[A-Za-z0-9]+)(\/| |$)/;
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line !== "" && !others.test(line))
    .map((line) => line.split(" ").slice(3, 5).join(" -> "));
}

/** The control groups of sandboxes that hold no process. */
export function emptyGroups(at = "/sys/fs/cgroup", depth = 8): string[] {
  let names: string[];
  try {
    names = readdirSync(at, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const path = join(at, name);
    if (/^cofferdam-[0-9a-f]+\./.test(name)) return isEmptyGroup(path) ? [path] : [];
    return depth > 0 ? emptyGroups(path, depth - 1) : [];
  });
}

function isEmptyGroup(path: string): boolean {
  try {
    return readFileSync(join(path, "cgroup.procs"), "utf8") === "";
  } catch {
    return false;
  }
}

/** The folders of sandboxes in a temporary directory. */
export function sandboxFolders(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith("cofferdam-"));
}

/** A folder in `directory` with some files, to be a workspace. */
export function makeWorkspace(directory: string): string {
  const path = join(directory, "workspace");
  mkdirSync(join(path, "out"), { recursive: true });
  execFileSync("sh", [
    "-c",
    'cd "$1" && for d in a b c d e f g h; do mkdir $d && for i in 1 2 3 4 5 6 7 8 9 10; do head -c 4096 /dev/zero > $d/$i; done; done; ' +
      "ln -s ../../outside a/escaping; chmod -R go+rX .",
    "sh",
    path,
  ]);
  return path;
}

/**
 * A group of tests that needs something of the machine. Where that is missing, this is said, and with `CI=true` it is
 * a failure: tests that quietly do not run are none.
 */
export function describeWith(problem: string | undefined, name: string, body: () => void): void {
  if (problem === undefined) {
    describe(name, body);
    return;
  }
  if (process.env.CI) {
    describe(name, () => {
      test("has what it needs", () => {
        throw new Error(problem);
      });
    });
    return;
  }
  console.error(`\n*** NOT TESTED: ${name}: ${problem} ***\n`);
  describe.skip(`${name} (NOT TESTED: ${problem})`, body);
}

/** Why there are no Docker tests here, if there are none. */
export function engineProblem(): string | undefined {
  try {
    execFileSync("docker", ["image", "inspect", BUSYBOX], { stdio: "pipe", timeout: 30_000 });
    return undefined;
  } catch {
    return `no Docker engine with the image ${BUSYBOX} answers (scripts/setup-test-machine.sh)`;
  }
}

/** Why a test that must be root cannot run, if it cannot. */
export const rootProblem: string | undefined = isRoot ? undefined : "it needs root";
