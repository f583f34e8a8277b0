/**
 * cleanup() after owners that were killed together with what cleans up for them, and beside things that only look alike.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanup, listVolumes } from "../../src/mod.ts";
import { ownedName } from "../../src/runtimes/leftovers.ts";
import { OWNER_LABEL, ownerOfThisProcess, SANDBOX_LABEL } from "../../src/runtimes/owner.ts";
import { bundlePackage } from "../smoke/package.ts";
import {
  BUSYBOX,
  emptyGroups,
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

/** At least so many, and until something is left. */
const KILLS = 5;
const KILLS_MAX = 60;
const VICTIM = fileURLToPath(new URL("./fixtures/victim.mjs", import.meta.url));

const directory = scratchFolder("cleanup");
const temporary = join(directory, "tmp");
const state = join(directory, "state");
const before = { ...process.env };
let module: string;
let workspace: string;
let warden: { path: string; name: string };

beforeAll(async () => {
  mkdirSync(temporary);
  module = bundlePackage(directory);
  workspace = makeWorkspace(directory);
  warden = await ownWarden(directory);
  Object.assign(process.env, { TMPDIR: temporary, COFFERDAM_STATE: state, COFFERDAM_WARDEN: warden.path });
}, 120_000);

afterAll(() => {
  for (const name of ["TMPDIR", "COFFERDAM_STATE", "COFFERDAM_WARDEN"]) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  removeFolder(directory);
});

/** The owner label of a process of this host that has ended. */
function deadOwner(): string {
  const { pid } = spawnSync("true");
  return `${ownerOfThisProcess()?.split(".")[0]}.${pid}.1`;
}

const foreignOwner = "0123456789abcdef.1.1";

/** Kills a host and, in the same moment, the launchers that would clean up after it. */
async function killAll(seed: number, afterMs: number): Promise<void> {
  const limits = isRoot ? "limits" : "none";
  const args = [VICTIM, module, "local", workspace, String(seed), "123456789", limits, "1000"];
  const host: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env: process.env });
  const exited = new Promise((resolve) => host.once("exit", resolve));
  await within(60_000, "the start of a host", new Promise((resolve) => host.stdout?.once("data", resolve)));
  await sleep(afterMs);
  const launchers = wardens(warden.name).filter(({ parent }) => parent === host.pid);
  for (const { pid } of launchers) spawnSync("kill", ["-KILL", String(pid)]);
  host.kill("SIGKILL");
  await within(10_000, "the end of a host", exited);
}

describe("cleanup()", () => {
  test("removes what local sandboxes of killed owners left, and nothing of a living one", {
    timeout: 120_000,
  }, async () => {
    const next = random(seedOfRun());
    const host = spawn(process.execPath, [VICTIM, module, "local", workspace, "1", "123456789", "none", "100000"], {
      stdio: ["ignore", "ignore", "inherit"],
      env: process.env,
    });
    const groups = new Set(emptyGroups());
    try {
      const living = (name: string) => name.includes(`.${host.pid}.`);
      const dead = () => sandboxFolders(temporary).filter((name) => !living(name));
      let kills = 0;
      for (; kills < KILLS || (dead().length === 0 && kills < KILLS_MAX); kills++) {
        await killAll(Math.floor(next() * 2 ** 31), 100 + next() * 500);
      }
      console.info(`${dead().length} folders were left by ${kills} owners`);
      const planned = await cleanup({ dryRun: true });
      expect(planned.removed.map(({ name }) => name)).toEqual(
        expect.arrayContaining(dead().map((name) => join(temporary, name))),
      );
      expect(dead().length).toBeGreaterThan(0);
      const { removed, left } = await cleanup();
      expect(dead()).toEqual([]);
      expect(removed.filter(({ name }) => living(name))).toEqual([]);
      expect(left.filter(({ name }) => name.startsWith(temporary))).toEqual([]);
      expect(host.exitCode).toBeNull();
      // Groups of other tests are never empty for long.
      expect(await leftAfter(3_000, () => emptyGroups().filter((path) => !groups.has(path) && !living(path)))).toEqual(
        [],
      );
      expect((await cleanup()).removed.filter(({ name }) => name.startsWith(temporary))).toEqual([]);
    } finally {
      host.kill("SIGKILL");
    }
  });

  test("leaves alone what only looks like a leftover, and says why", { timeout: 60_000 }, async () => {
    const owner = deadOwner();
    const precious = join(directory, "precious");
    mkdirSync(precious);
    writeFileSync(join(precious, "file"), "precious\n");
    const alike = join(directory, "alike");
    mkdirSync(alike);
    process.env.TMPDIR = alike;
    const at = (name: string) => join(alike, name);
    const ours = ownedName("00000000000000aa");
    const links = `cofferdam-00000000000000ab.${owner}`;
    const file = `cofferdam-00000000000000ac.${owner}`;
    const foreign = `cofferdam-00000000000000ad.${foreignOwner}`;
    const others = `cofferdam-00000000000000ae.${owner}`;
    const real = `cofferdam-00000000000000af.${owner}`;
    for (const name of [ours, foreign, others, real, "cofferdam-mine", `cofferdam-.${owner}`, `x-${owner}`])
      mkdirSync(at(name));
    symlinkSync(precious, at(links));
    writeFileSync(at(file), "file\n");
    if (isRoot) chownSync(at(others), 4242, 4242);
    // What a hostile program left in it leads nowhere.
    symlinkSync(precious, join(at(real), "link"));
    const { removed, left } = await cleanup();
    const gone = isRoot ? [real] : [real, others];
    const names = (items: readonly { name: string }[]) =>
      items.map(({ name }) => name).filter((name) => name.startsWith(alike));
    expect(names(removed).sort()).toEqual(gone.map(at).sort());
    const reasons = Object.fromEntries(left.map(({ name, reason }) => [name, reason]));
    expect(reasons[at(links)]).toMatch(/no folder/);
    expect(reasons[at(file)]).toMatch(/no folder/);
    expect(reasons[at(foreign)]).toMatch(/cannot be told/);
    if (isRoot) expect(reasons[at(others)]).toMatch(/another user/);
    expect(existsSync(at(ours))).toBe(true);
    expect(reasons[at(ours)]).toBeUndefined();
    expect(readFileSync(join(precious, "file"), "utf8")).toBe("precious\n");
    for (const name of ["cofferdam-mine", `cofferdam-.${owner}`, `x-${owner}`]) expect(existsSync(at(name))).toBe(true);
  });

  test("removes volumes that were half made or half removed, and keeps whole ones", async () => {
    await listVolumes();
    const volumes = join(state, "volumes");
    mkdirSync(join(volumes, `.new-${deadOwner()}-abcdef`, "data"), { recursive: true });
    mkdirSync(join(volumes, `.new-${ownerOfThisProcess()}-abcdef`, "data"), { recursive: true });
    mkdirSync(join(volumes, ".removed-1-memory", "data"), { recursive: true });
    mkdirSync(join(volumes, "memory", "data"), { recursive: true });
    writeFileSync(join(volumes, "memory", "lock"), "");
    await cleanup();
    expect(readdirSync(volumes).sort()).toEqual([`.new-${ownerOfThisProcess()}-abcdef`, "memory"]);
  });

  test("removes what an engine kept of dead owners, and nothing else", { timeout: 120_000 }, async () => {
    const docker = (...args: string[]) =>
      execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
    const mark = `cofferdam-cleanup-${process.pid}`;
    const dead = deadOwner();
    const container = (name: string, owner: string | undefined, sandbox = true) => {
      const labels = [
        ...(sandbox ? [`${SANDBOX_LABEL}=cleanup-${process.pid}-${name.replace("inherited", "other")}`] : []),
        ...(owner === undefined ? [] : [`${OWNER_LABEL}=${owner}`]),
      ];
      docker(
        "create",
        // Engines of other tests may have taken the bridge along.
        "--network",
        "none",
        "--name",
        `${mark}-${name}`,
        ...labels.flatMap((label) => ["--label", label]),
        BUSYBOX,
        "sleep",
        "600",
      );
      return `${mark}-${name}`;
    };
    const volume = (name: string, owner: string) =>
      docker(
        "volume",
        "create",
        "--label",
        `${SANDBOX_LABEL}=${name}`,
        "--label",
        `${OWNER_LABEL}=${owner}`,
        `${mark}-${name}`,
      );
    const leftovers = [container("created", dead), container("running", dead), volume("volume-dead", dead)];
    docker("start", `${mark}-running`);
    const kept = [
      container("alive", ownerOfThisProcess()),
      container("foreign", foreignOwner),
      container("unowned", undefined),
      container("unlabelled", undefined, false),
      // Of an image that was a sandbox.
      container("inherited", dead),
      volume("volume-alive", ownerOfThisProcess() ?? ""),
    ];
    const present = () => {
      const found = `${docker("ps", "--all", "--format", "{{.Names}}")}\n${docker("volume", "ls", "--quiet")}`;
      return found.split("\n").filter((name) => name.startsWith(mark));
    };
    try {
      await cleanup({ runtime: "docker", dryRun: true });
      expect(present()).toEqual(expect.arrayContaining([...kept, `${mark}-running`]));
      const { removed, left } = await cleanup({ runtime: "docker" });
      expect(present().sort()).toEqual([...kept].sort());
      expect(removed.map(({ name }) => name)).toContain(`${mark}-running`);
      expect(left.map(({ name }) => name)).toEqual(expect.arrayContaining([`${mark}-foreign`, `${mark}-unowned`]));
      expect(leftovers.filter((name) => present().includes(name))).toEqual([]);
    } finally {
      for (const name of present())
        spawnSync("docker", [
          name.includes("volume") ? "volume" : "rm",
          ...(name.includes("volume") ? ["rm"] : []),
          "-f",
          name,
        ]);
    }
  });
});
