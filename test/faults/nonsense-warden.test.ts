/**
 * A warden that does not keep to the protocol, on the local runtime: a typed error, never a hang, and it is gone.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { PROTOCOL_VERSION } from "../../src/link/protocol.ts";
import type { ErrorCode, SandboxOptions } from "../../src/mod.ts";
import { failure, hostProcesses, leftAfter, removeFolder, scratchFolder, within } from "./support.ts";

const SETTLES_MS = 45_000;
/** For one that does not even end when it is asked to: the library waits for launchers that clean up. */
const STUBBORN_MS = 80_000;
const directory = scratchFolder("nonsense");
const environment = { ...process.env };
const policy = { version: 1, filesystem: { write: ["."] } } as const;

beforeAll(() => {
  const source = fileURLToPath(new URL("./fixtures/nonsense.c", import.meta.url));
  execFileSync("cc", ["-O1", `-DPROTOCOL_VERSION=${PROTOCOL_VERSION}`, "-o", join(directory, "program"), source]);
  process.env.TMPDIR = directory;
});

afterAll(() => {
  for (const key of ["COFFERDAM_WARDEN", "TMPDIR"]) {
    if (environment[key] === undefined) delete process.env[key];
    else process.env[key] = environment[key];
  }
  removeFolder(directory);
});

// What a failed case left must not outlive it.
afterEach(() => {
  for (const { pid, command } of hostProcesses()) if (command.startsWith(`${directory}/`)) process.kill(pid, "SIGKILL");
});

/** The library as a new process would have it, with this program as its warden. */
async function withWarden(path: string): Promise<typeof import("../../src/mod.ts")> {
  process.env.COFFERDAM_WARDEN = path;
  vi.resetModules();
  return import("../../src/mod.ts");
}

function programNamed(mode: string): string {
  const path = join(directory, mode);
  copyFileSync(join(directory, "program"), path);
  return path;
}

/** Its processes are gone. What a real launcher removes, this one cannot. */
async function expectNothingLeft(path: string): Promise<void> {
  const running = () => hostProcesses().flatMap(({ pid, command }) => (command.startsWith(path) ? [String(pid)] : []));
  expect(await leftAfter(5000, running)).toEqual([]);
}

const violations = ["PROTOCOL_VIOLATION"] as const;
const failures = ["START_FAILED"] as const;

const starts: [string, readonly ErrorCode[], SandboxOptions][] = [
  ["ends", failures, {}],
  ["complains", failures, {}],
  ["crashes", failures, {}],
  ["garbage", violations, {}],
  ["text", violations, {}],
  ["zeros", violations, {}],
  ["old", ["WARDEN_UNAVAILABLE"], {}],
  ["future", ["WARDEN_UNAVAILABLE"], {}],
  ["floorless", ["ENFORCEMENT_MISSING"], {}],
  ["huge", violations, {}],
  ["early", violations, {}],
  ["twice", violations, {}],
  ["silent", failures, { heartbeatMs: 300 }],
  ["hesitates", failures, { heartbeatMs: 300 }],
  ["torn", [...failures, ...violations], { heartbeatMs: 300 }],
];

/** Those that the library gives their time. */
const slow: [string, readonly ErrorCode[]][] = [
  ["drips", [...failures, ...violations]],
  ["floods-hello", [...failures, ...violations]],
  ["deaf", failures],
];

test.each(starts)("at the start: one that %s", { timeout: 120_000 }, async (mode, codes, options) => {
  const path = programNamed(mode);
  const { createSandbox } = await withWarden(path);
  const giveUp = new AbortController();
  try {
    const start = createSandbox(policy, { runtime: "local", signal: giveUp.signal, ...options });
    const error = await failure(SETTLES_MS, start, ...codes);
    if (mode === "complains") expect(error.message).toContain("the machine is on fire");
  } finally {
    giveUp.abort();
  }
  await expectNothingLeft(path);
});

test("at the start: those that have to be waited for, side by side", { timeout: 120_000 }, async () => {
  const paths: string[] = [];
  const ends: Promise<unknown>[] = [];
  for (const [mode, codes] of slow) {
    const path = programNamed(mode);
    paths.push(path);
    const { createSandbox } = await withWarden(path);
    const start = createSandbox(policy, { runtime: "local", heartbeatMs: 300 });
    ends.push(failure(STUBBORN_MS, start, ...codes));
    // The environment names another one next.
    const started = () => hostProcesses().some(({ command }) => command.startsWith(path));
    expect(await leftAfter(10_000, () => (started() ? [] : [mode]))).toEqual([]);
  }
  await Promise.all(ends);
  for (const path of paths) await expectNothingLeft(path);
});

const later: [string, readonly ErrorCode[]][] = [
  ["strangers", violations],
  ["unknown-type", violations],
  ["unknown-channel", violations],
  ["over-credit", violations],
  ["gone-early", violations],
  ["started-twice", violations],
  ["short", violations],
  ["leaves", ["LINK_LOST"]],
  ["bad-pong", violations],
  ["falls-silent", ["LINK_LOST"]],
];

test.each(later)("once it runs: one that %s", { timeout: 60_000 }, async (mode, codes) => {
  const path = programNamed(mode);
  const { createSandbox } = await withWarden(path);
  const sandbox = await within(SETTLES_MS, "the start", createSandbox(policy, { runtime: "local", heartbeatMs: 300 }));
  // What is not read is not granted again, so sending on is a violation.
  const work = sandbox.spawn(["cat"]).then((command) => command.exited);
  await failure(SETTLES_MS, work, ...codes);
  expect(await within(SETTLES_MS, "its end", sandbox.ended)).toBeTruthy();
  await failure(5000, sandbox.exec(["true"]));
  await within(SETTLES_MS, "stop()", sandbox.stop());
  await expectNothingLeft(path);
});

test("a file that is no program", async () => {
  const path = join(directory, "note.txt");
  writeFileSync(path, "not a program\n", { mode: 0o755 });
  const { createSandbox } = await withWarden(path);
  await failure(SETTLES_MS, createSandbox(policy, { runtime: "local" }), "START_FAILED");
  await expectNothingLeft(path);
});

test("a program that may not be executed", async () => {
  const path = join(directory, "plain");
  writeFileSync(path, "#!/bin/true\n", { mode: 0o600 });
  const { createSandbox } = await withWarden(path);
  await failure(SETTLES_MS, createSandbox(policy, { runtime: "local" }), "START_FAILED");
  await expectNothingLeft(path);
});

test("a path where nothing is", async () => {
  const path = join(directory, "nothing");
  const { createSandbox } = await withWarden(path);
  await failure(SETTLES_MS, createSandbox(policy, { runtime: "local" }), "WARDEN_UNAVAILABLE");
  await expectNothingLeft(path);
});
