/**
 * The process that owns sandboxes is killed with SIGKILL at random moments: nothing of them survives.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundlePackage } from "../smoke/package.ts";
import { type PrivateEngine, privateEngineProblem, startPrivateEngine } from "./private-engine.ts";
import {
  describeWith,
  emptyGroups,
  hostMounts,
  hostProcesses,
  isRoot,
  leftAfter,
  makeWorkspace,
  ownWarden,
  random,
  removeFolder,
  sandboxFolders,
  scratchFolder,
  seedOfRun,
  wardens,
  within,
} from "./support.ts";

const KILLS = Number(process.env.COFFERDAM_TEST_KILLS ?? 50);
const AT_ONCE = 4;
const GONE_MS = 20_000;
const VICTIM = fileURLToPath(new URL("./fixtures/victim.mjs", import.meta.url));

const directory = scratchFolder("killed");
let module: string;
let workspace: string;
let warden: { path: string; name: string };

beforeAll(async () => {
  module = bundlePackage(directory);
  workspace = makeWorkspace(directory);
  warden = await ownWarden(directory);
}, 120_000);

afterAll(() => removeFolder(directory));

interface Hosts {
  readonly runtime: "local" | "docker";
  readonly seed: number;
  readonly temporary: string;
  /** What the programs inside sleep for, by which they are found. */
  readonly mark: string;
  readonly environment: NodeJS.ProcessEnv;
}

function hosts(runtime: Hosts["runtime"], environment: NodeJS.ProcessEnv = {}): Hosts {
  const seed = seedOfRun();
  const temporary = join(directory, `tmp-${runtime}`);
  mkdirSync(temporary);
  const mark = String(100_000_000 + (seed % 100_000_000) + (runtime === "docker" ? 1 : 0));
  return { runtime, seed, temporary, mark, environment };
}

function startHost({ runtime, temporary, mark, environment }: Hosts, seed: number, rounds: number): ChildProcess {
  const limits = isRoot ? "limits" : "none";
  const args = [VICTIM, module, runtime, workspace, String(seed), mark, limits, String(rounds)];
  return spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TMPDIR: temporary, COFFERDAM_WARDEN: warden.path, ...environment },
  });
}

function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", (data: Buffer) => data.toString().includes(word) && resolve());
    child.once("exit", (code, signal) => reject(new Error(`a host ended by itself: ${code ?? signal}`)));
  });
}

/** Starts hosts and kills each at a moment that the seed says; returns how long the kills took. */
async function killHosts(group: Hosts, spanMs: number): Promise<void> {
  const next = random(group.seed);
  const plan = Array.from({ length: KILLS }, () => ({
    seed: Math.floor(next() * 2 ** 31),
    afterMs: next() ** 1.5 * spanMs,
  }));
  const since = Date.now();
  const lane = async (): Promise<void> => {
    for (let turn = plan.shift(); turn !== undefined; turn = plan.shift()) {
      const child = startHost(group, turn.seed, 1000);
      const exited = new Promise((resolve) => child.once("exit", resolve));
      await within(60_000, "the start of a host", said(child, "ready"));
      await sleep(turn.afterMs);
      child.kill("SIGKILL");
      await within(10_000, "the end of a host", exited);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  console.info(`${group.runtime}: ${KILLS} hosts killed in ${Math.round((Date.now() - since) / 1000)} s`);
}

/** One host that makes one sandbox and ends: whatever waits for the next sandbox happens now. */
async function oneMore(group: Hosts): Promise<void> {
  const child = startHost(group, group.seed, 1);
  await within(60_000, "one more host", said(child, "done"));
}

function processesOf(group: Hosts): string[] {
  return hostProcesses()
    .filter(({ name, command }) => name === warden.name || command.includes(`sleep ${group.mark}`))
    .map(({ pid, name }) => `process ${pid} ${name}`);
}

describe("a host that is killed", () => {
  test("leaves nothing of local sandboxes", { timeout: 300_000 }, async () => {
    const mounts = hostMounts();
    const groups = new Set(emptyGroups());
    const group = hosts("local");
    await killHosts(group, 700);
    expect(await leftAfter(GONE_MS, () => processesOf(group))).toEqual([]);
    // Groups of other tests are never empty for long: only one that stays is a leftover.
    const suspects = new Set(emptyGroups().filter((path) => !groups.has(path)));
    const remains = (): string[] => [
      ...sandboxFolders(group.temporary),
      ...emptyGroups().filter((path) => suspects.has(path)),
    ];
    const waiting = await leftAfter(3_000, remains);
    console.info(`local: ${waiting.length} leftovers wait for the next sandbox: ${waiting.join(" ")}`);
    await oneMore(group);
    expect(await leftAfter(GONE_MS, remains)).toEqual([]);
    expect(await leftAfter(GONE_MS, () => processesOf(group))).toEqual([]);
    expect(await leftAfter(GONE_MS, () => hostMounts().filter((mount) => !mounts.includes(mount)))).toEqual([]);
    expect(wardens(warden.name)).toEqual([]);
  });

  describeWith(privateEngineProblem(), "with docker", () => {
    let engine: PrivateEngine;
    beforeAll(async () => {
      engine = await startPrivateEngine();
    }, 120_000);
    afterAll(async () => engine?.remove(), 60_000);

    test("leaves nothing of docker sandboxes", { timeout: 400_000 }, async () => {
      const group = hosts("docker", { DOCKER_HOST: engine.host });
      await killHosts(group, 1500);
      // What runs ends by itself; only what never started waits for the next sandbox.
      const running = () =>
        engine.leftovers().filter((each) => each.startsWith("container ") && !each.endsWith(" created"));
      expect(await leftAfter(GONE_MS, running)).toEqual([]);
      expect(await leftAfter(GONE_MS, () => processesOf(group))).toEqual([]);
      const waiting = engine.leftovers();
      console.info(`docker: ${waiting.length} leftovers wait for the next sandbox: ${waiting.join(", ")}`);
      await oneMore(group);
      expect(await leftAfter(GONE_MS, () => engine.leftovers())).toEqual([]);
      expect(sandboxFolders(group.temporary)).toEqual([]);
      const named = engine.docker("volume", "ls", "-q").split("\n");
      expect(named.filter((name) => !name.startsWith("cofferdam-warden-"))).toEqual([]);
    });
  });
});
