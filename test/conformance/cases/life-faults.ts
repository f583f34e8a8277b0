/**
 * What becomes of a sandbox when something outside kills a part of it.
 */
import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { countMarked, Listener, mark, refused, until, within } from "../help.ts";
import { expectNothingLeft, launchers, lookAround, processes, volumesOf } from "../leftovers.ts";
import { type Scene, SHARED_POLICY } from "../scene.ts";

/** A sandbox with the pids of its launcher and its warden on this host; a container has an engine instead. */
async function started(scene: Scene, heartbeatMs?: number): Promise<{ sandbox: Sandbox; pids: number[] }> {
  const before = launchers();
  const sandbox = await scene.own(heartbeatMs === undefined ? {} : { heartbeatMs });
  const pids = launchers()
    .filter((each) => !before.includes(each))
    .map((each) => Number(each.split(" ")[1]));
  // The launcher first: it is the other's parent.
  const all = processes();
  pids.sort((a, b) => (all.get(a)?.parent === b ? 1 : all.get(b)?.parent === a ? -1 : 0));
  if (!scene.place.docker) expect(pids.length).toBe(2);
  return { sandbox, pids };
}

/** Signals the warden from outside. */
function signalWarden(
  scene: Scene,
  { sandbox, pids }: { sandbox: Sandbox; pids: readonly number[] },
  name: NodeJS.Signals,
): void {
  if (scene.place.docker)
    execFileSync("docker", ["kill", "--signal", name, `cofferdam-${sandbox.id}`], { stdio: "ignore" });
  else process.kill(pids[1] ?? 0, name);
}

/** A program that makes a sandbox, says so, and waits to be killed. */
function ownerProgram(scene: Scene, workspace: string, marked: string): string {
  const module = new URL("../places.ts", import.meta.url).href;
  return `
import { places } from ${JSON.stringify(module)};
const place = places().find(({ name }) => name === ${JSON.stringify(scene.place.name)});
const sandbox = await place.create(${JSON.stringify(SHARED_POLICY)}, { workspace: ${JSON.stringify(workspace)} });
const command = await sandbox.spawn(["sh", "-c", "setsid sleep ${marked} & sleep ${marked}"]);
console.log("READY", sandbox.id, command.pid);
await new Promise((resolve) => setTimeout(resolve, 600_000));
`;
}

export const lifeFaultCases: readonly Case[] = [
  {
    name: "when the warden is killed, what is under way rejects with LINK_LOST, and nothing is left",
    async run(scene) {
      const before = await lookAround(scene);
      const target = await started(scene);
      const { sandbox } = target;
      const volumes = await volumesOf(scene, sandbox);
      const marked = mark();
      const pending = refused(sandbox.exec(["sh", "-c", `setsid sleep ${marked} & sleep ${marked}`]), "LINK_LOST");
      const command = await sandbox.spawn(["cat"], { stdin: "pipe" });
      const exited = refused(command.exited, "LINK_LOST");
      await until(async () => (await countMarked(sandbox, `sleep\0${marked}`)) === 2, "both sleep");
      signalWarden(scene, target, "SIGKILL");
      await within(20_000, "exec()", pending);
      await within(20_000, "exited", exited);
      expect(await within(20_000, "the end", sandbox.ended)).not.toBe("stopped");
      await within(10_000, "the refusal", refused(sandbox.exec(["true"]), "LINK_LOST"));
      await within(20_000, "stop()", sandbox.stop());
      await expectNothingLeft(scene, before, volumes);
      expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain(`sleep ${marked}`);
    },
  },
  {
    name: "when the launcher is killed, the sandbox ends with it, and nothing is left",
    notIn: (place) => (place.docker ? "a container has the engine for a launcher" : undefined),
    async run(scene) {
      const before = await lookAround(scene);
      const marked = mark();
      const { sandbox, pids } = await started(scene);
      const pending = refused(sandbox.exec(["sleep", marked]), "LINK_LOST");
      await until(async () => (await countMarked(sandbox, marked)) === 1, "it sleeps");
      process.kill(pids[0] ?? 0, "SIGKILL");
      await within(20_000, "exec()", pending);
      await within(20_000, "the end", sandbox.ended);
      await expectNothingLeft(scene, before);
      expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain(`sleep ${marked}`);
    },
  },
  {
    name: "a warden that stops answering is found by its heartbeat, and nothing is left",
    async run(scene) {
      const before = await lookAround(scene);
      const target = await started(scene, 200);
      const pending = refused(target.sandbox.exec(["sleep", mark()]), "LINK_LOST");
      await target.sandbox.exec(["true"]);
      signalWarden(scene, target, "SIGSTOP");
      await within(30_000, "exec()", pending);
      await within(30_000, "the end", target.sandbox.ended);
      await expectNothingLeft(scene, before);
    },
  },
  {
    name: "a sandbox ends when somebody else stops its container, or its launcher, and nothing is left",
    async run(scene) {
      const before = await lookAround(scene);
      const { sandbox, pids } = await started(scene);
      if (scene.place.docker)
        execFileSync("docker", ["stop", "--time", "1", `cofferdam-${sandbox.id}`], { stdio: "ignore" });
      else process.kill(pids[0] ?? 0, "SIGTERM");
      expect(await within(20_000, "the end", sandbox.ended)).not.toBe("stopped");
      await expectNothingLeft(scene, before);
    },
  },
  {
    name: "when the process that owns a sandbox is killed, nothing is left",
    async run(scene) {
      const workspace = scene.furnished();
      const marked = mark();
      const program = join(scene.folder(), "owner.mts");
      writeFileSync(program, ownerProgram(scene, workspace, marked));
      const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
      const env = { ...process.env, COFFERDAM_TEST_PLACES: scene.place.name };
      const before = await lookAround(scene);
      const child = spawn(process.execPath, ["--import", loader, program], {
        env,
        stdio: ["ignore", "pipe", "inherit"],
      });
      scene.defer(() => child.kill("SIGKILL"));
      let said = "";
      child.stdout.on("data", (chunk: Buffer) => {
        said += chunk.toString();
      });
      await until(() => said.includes("READY"), "its sandbox is ready", 40_000);
      const owner = child.pid ?? 0;
      expect((await lookAround(scene, owner)).length).toBeGreaterThan(0);
      const wardens = launchers(owner).map((each) => each.split(" ")[1] ?? "");
      child.kill("SIGKILL");
      await expectNothingLeft(scene, before, [], owner);
      // The children of a dead process are somebody else's: they are looked for by their numbers.
      await until(() => wardens.every((pid) => !processes().has(Number(pid))), "its wardens are gone");
      await until(
        () => !execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).includes(`sleep ${marked}`),
        "its commands are gone",
      );
    },
  },
  {
    name: "a sandbox whose commands flood every output at once still ends at once",
    async run(scene) {
      const before = await lookAround(scene);
      const sandbox = await scene.own();
      const commands = await Promise.all(
        Array.from({ length: 20 }, () => sandbox.spawn(["sh", "-c", "cat /dev/zero & exec yes"])),
      );
      await new Listener(commands[0] as (typeof commands)[number]).hear("y\n");
      const ends = commands.map((command) => refused(command.exited, "SANDBOX_STOPPED"));
      await within(20_000, "stop()", sandbox.stop());
      await Promise.all(ends);
      await expectNothingLeft(scene, before);
    },
  },
];
