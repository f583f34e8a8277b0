/**
 * Many sandboxes, one after the other: what this process and the host hold stays the same.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createSandbox, type Policy, type Sandbox, type SandboxOptions } from "../../src/mod.ts";
import {
  BUSYBOX,
  describeWith,
  engineProblem,
  hostMounts,
  isRoot,
  makeWorkspace,
  ownWarden,
  removeFolder,
  sandboxFolders,
  scratchFolder,
  wardens,
} from "./support.ts";

const policy: Policy = { version: 1, filesystem: { read: ["."], write: ["./out"] } };
const RSS_GROWTH_MAX = 64 * 1024 * 1024;
const directory = scratchFolder("resources");
const workspace = makeWorkspace(directory);
const environment = { ...process.env };
let name: string;
const warnings: string[] = [];
const onWarning = (warning: Error): void => void warnings.push(`${warning.name}: ${warning.message}`);

beforeAll(async () => {
  const warden = await ownWarden(directory);
  name = warden.name;
  process.env.COFFERDAM_WARDEN = warden.path;
  process.env.TMPDIR = directory;
  process.on("warning", onWarning);
}, 120_000);

beforeEach(() => {
  warnings.length = 0;
});

afterAll(() => {
  process.off("warning", onWarning);
  for (const key of ["COFFERDAM_WARDEN", "TMPDIR"]) {
    if (environment[key] === undefined) delete process.env[key];
    else process.env[key] = environment[key];
  }
  removeFolder(directory);
});

async function oneSandbox(options: SandboxOptions, index: number): Promise<void> {
  const sandbox = await createSandbox(policy, { ...options, ...(index % 3 === 0 ? { workspace } : {}) });
  const [cat, terminal] = await Promise.all([
    sandbox.exec(["cat"], { stdin: "x" }),
    sandbox.spawn(["sleep", "1000"], { pty: true }),
    sandbox.exec(["sleep", "1000"], { timeoutMs: 20 }),
  ]);
  expect(cat.stdout).toBe("x");
  expect(terminal.pid).toBeGreaterThan(0);
  terminal.exited.catch(() => undefined);
  terminal.gone.catch(() => undefined);
  await sandbox.stop();
}

interface Holdings {
  readonly descriptors: number;
  readonly rss: number;
  readonly mounts: readonly string[];
  readonly folders: readonly string[];
  readonly wardens: number;
}

function holdings(): Holdings {
  // Ask for what can be freed to be freed: memory that only waits for the collector is not held.
  (globalThis as { gc?: () => void }).gc?.();
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    rss: process.memoryUsage.rss(),
    mounts: hostMounts(),
    folders: sandboxFolders(directory),
    wardens: wardens(name).length,
  };
}

async function manySandboxes(count: number, options: SandboxOptions): Promise<void> {
  const warmUp = Math.ceil(count / 3);
  let first: Holdings | undefined;
  const rss: number[] = [];
  for (let index = 0; index < count; index++) {
    if (index === warmUp) first = holdings();
    await oneSandbox(options, index);
    if (index % Math.ceil(count / 10) === 0) rss.push(Math.round(process.memoryUsage.rss() / 1048576));
  }
  const last = holdings();
  console.info(
    `${count} sandboxes on ${options.runtime}: ${first?.descriptors} -> ${last.descriptors} descriptors, RSS ${rss.join(" ")} MiB`,
  );
  // A keep-alive connection to the engine more or less is no leak.
  expect(last.descriptors).toBeLessThanOrEqual((first?.descriptors ?? 0) + 4);
  expect(last.rss).toBeLessThan((first?.rss ?? 0) + RSS_GROWTH_MAX);
  expect(last.mounts.filter((mount) => !first?.mounts.includes(mount))).toEqual([]);
  expect(last.folders).toEqual([]);
  expect(last.wardens).toBe(0);
  expect(warnings).toEqual([]);
}

test("150 local sandboxes", { timeout: 300_000 }, () => manySandboxes(150, { runtime: "local" }));

test("200 local sandboxes at once, of at most 2 MB each inside and on the host", { timeout: 300_000 }, async () => {
  const before = holdings();
  const heapBefore = hostBytes();
  const sandboxes: Sandbox[] = [];
  try {
    // A few at a time: there are two processors.
    const some = Array.from({ length: 4 }, async () => {
      while (sandboxes.length < MANY) sandboxes.push(await createSandbox(policy, { runtime: "local" }));
    });
    await Promise.all(some);
    const said = await Promise.all(sandboxes.map((sandbox, index) => sandbox.exec(["echo", String(index)])));
    expect(said.map(({ stdout }) => stdout)).toEqual(sandboxes.map((_, index) => `${index}\n`));
    const each = residentBytes() / sandboxes.length / 1e6;
    const host = (hostBytes() - heapBefore) / sandboxes.length / 1e6;
    console.info(
      `${sandboxes.length} sandboxes: ${each.toFixed(2)} MB each inside, ${host.toFixed(2)} MB each on the host`,
    );
    if (isRoot) expect(each).toBeLessThanOrEqual(2);
    expect(host).toBeLessThanOrEqual(2);
  } finally {
    await Promise.all(sandboxes.map((sandbox) => sandbox.stop()));
  }
  const after = holdings();
  expect(after.wardens).toBe(0);
  expect(after.folders).toEqual([]);
  expect(after.mounts.filter((mount) => !before.mounts.includes(mount))).toEqual([]);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 4);
});

/** As many as DESIGN asks for. */
const MANY = 200;

/** What the processes of all sandboxes hold, shared pages counted once; only root may ask. */
function residentBytes(): number {
  if (!isRoot) return 0;
  const sizes = wardens(name).map(({ pid }) => {
    const [, kilobytes = "0"] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1")) ?? [];
    return 1024 * Number(kilobytes);
  });
  expect(sizes.length).toBeGreaterThanOrEqual(2 * MANY);
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

function hostBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("local sandboxes that share one signal", { timeout: 60_000 }, async () => {
  const { signal } = new AbortController();
  for (let index = 0; index < 15; index++) await oneSandbox({ runtime: "local", signal }, 1);
  expect(warnings).toEqual([]);
});

describeWith(engineProblem(), "on docker", () => {
  test("20 sandboxes", { timeout: 180_000 }, async () => {
    await manySandboxes(20, { runtime: "docker", image: BUSYBOX });
    const owned = execFileSync("docker", [
      "ps",
      "-aq",
      "--filter",
      `label=dev.cofferdam.owner`,
      "--format",
      '{{.Label "dev.cofferdam.owner"}}',
    ]);
    expect(
      owned
        .toString()
        .split("\n")
        .filter((owner) => owner.includes(`.${process.pid}.`)),
    ).toEqual([]);
  });
});
