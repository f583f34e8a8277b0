/**
 * `process.limits`: held by control groups, or refused, or approximated where that is asked for.
 */
import { expect } from "vitest";
import { type LimitsHolder, type LimitsSection, type Policy, type Sandbox, SandboxError } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { mark, refused, shell, until, within } from "../help.ts";
import type { Scene } from "../scene.ts";

const MEBIBYTE = 1024 * 1024;

function policyOf(limits: LimitsSection): Policy {
  return { version: 1, filesystem: { read: ["./bin"] }, process: { limits } };
}

/**
 * A sandbox whose limits are held exactly; undefined where the library refuses to, as it must where there is no control
 * group: that is legal for an ordinary user alone.
 */
async function enforced(scene: Scene, limits: LimitsSection): Promise<Sandbox | undefined> {
  const outcome = await scene.own({}, policyOf(limits)).catch((error: unknown) => error);
  if (!(outcome instanceof Error)) {
    const sandbox = outcome as Sandbox;
    expect(sandbox.enforcement.limits).toBe("cgroup");
    return sandbox;
  }
  if (scene.place.name !== "local-user" || !SandboxError.is(outcome, "ENFORCEMENT_MISSING")) throw outcome;
  expect(outcome.hint).toContain("best-effort");
  return undefined;
}

/** Where a limit is held if it may be approximated. */
async function bestEffort(scene: Scene, limits: LimitsSection): Promise<{ sandbox: Sandbox; holder: LimitsHolder }> {
  const sandbox = await scene.own({}, policyOf({ ...limits, mode: "best-effort" }));
  expect(scene.place.name === "local-user" ? ["cgroup", "rlimit"] : ["cgroup"]).toContain(sandbox.enforcement.limits);
  return { sandbox, holder: sandbox.enforcement.limits };
}

export const limitCases: readonly Case[] = [
  {
    name: "a command that eats more memory than the limit is killed, and the sandbox goes on; or the limit is refused",
    async run(scene) {
      const sandbox = await enforced(scene, { memory: "96MiB" });
      if (sandbox === undefined) return;
      const result = await within(30_000, "eating", sandbox.exec(["bin/tool", "eat", "400"]));
      expect(result).toMatchObject({ signal: "SIGKILL", stdout: "", timedOut: false });
      expect((await sandbox.exec(["bin/tool", "eat", "16"])).stdout).toBe("eaten\n");
    },
  },
  {
    name: "memory counts for all commands together, and a command that does nothing wrong survives another's end",
    async run(scene) {
      const sandbox = await enforced(scene, { memory: "128MiB" });
      if (sandbox === undefined) return;
      const quiet = await sandbox.spawn(["cat"], { stdin: "pipe" });
      const hogs = await Promise.all(Array.from({ length: 4 }, () => sandbox.exec(["bin/tool", "eat", "80"])));
      expect(hogs.filter(({ signal }) => signal === "SIGKILL").length).toBeGreaterThan(0);
      expect(await quiet.stdin.write("still here")).toBe(true);
      quiet.stdin.end();
      expect(await new Response(quiet.stdout).text()).toBe("still here");
    },
  },
  {
    name: "with best-effort a memory limit holds at least for each command",
    async run(scene) {
      const { sandbox, holder } = await bestEffort(scene, { memory: "96MiB" });
      const result = await within(30_000, "eating", sandbox.exec(["bin/tool", "eat", "400"]));
      if (holder === "cgroup") expect(result.signal).toBe("SIGKILL");
      else expect(result).toMatchObject({ exitCode: 1, stdout: "ENOMEM\n" });
      expect((await sandbox.exec(["bin/tool", "eat", "16"])).stdout).toBe("eaten\n");
      if (holder === "rlimit") expect(sandbox.enforcement.notes.join()).toMatch(/rlimit/);
    },
  },
  {
    name: "a limit of processes is held, and makes room again; or it is refused",
    async run(scene) {
      const sandbox = await enforced(scene, { pids: 20 });
      if (sandbox === undefined) return;
      const marked = mark();
      const script = `i=0; while [ $i -lt 100 ]; do sleep ${marked} & i=$((i+1)); done; wait`;
      const command = await sandbox.spawn(["sh", "-c", script]);
      const errors = new Response(command.stderr).text();
      const exit = await Promise.race([command.exited, new Promise((resolve) => setTimeout(resolve, 3000, "runs"))]);
      await command.kill();
      expect(exit === "runs" || (await command.exited).exitCode !== 0).toBe(true);
      expect(await errors).toMatch(/fork|Resource|resource/);
      await until(async () => (await shell(sandbox, "sleep 0; echo room")).stdout === "room\n", "there is room again");
    },
  },
  {
    name: "a limit of processors is held; or it is refused",
    async run(scene) {
      const sandbox = await enforced(scene, { cpus: 0.25 });
      if (sandbox === undefined) return;
      // Half a second of work takes two at a quarter of a processor; the bound leaves room for a busy machine's doubt.
      const script =
        "start=$(cut -d' ' -f1 /proc/uptime); i=0; while [ $i -lt 1 ]; do timeout 2 sh -c 'while :; do :; done'; i=1; done; times";
      const { stdout } = await within(30_000, "the work", shell(sandbox, script));
      const [children = ""] = stdout.trim().split("\n").slice(-1);
      const seconds = children.match(/([\d.]+)m([\d.]+)s/);
      expect(Number(seconds?.[1]) * 60 + Number(seconds?.[2])).toBeLessThan(1.2);
    },
  },
  {
    name: "a sandbox without limits says so, and cannot be made with malformed ones",
    async run(scene) {
      expect((await scene.shared()).enforcement.limits).toBe("none");
      for (const limits of [{ memory: "much" }, { pids: 0 }, { cpus: -1 }, { memory: "1GiB", memoryBytes: MEBIBYTE }]) {
        const error = await refused(scene.create(policyOf(limits)), "POLICY_INVALID");
        expect(error.details.issues[0]?.path).toMatch(/^process\.limits/);
      }
    },
  },
];
