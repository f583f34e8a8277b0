/**
 * Snapshots: what an agent wrote, frozen, brought back, and started from.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { listSnapshots, type Policy, removeSnapshot, removeVolume, type Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { refused, shell } from "../help.ts";
import { type Scene, SHARED_POLICY } from "../scene.ts";

const MADE =
  "echo one > writable/one; mkdir -p writable/deep/er; echo two > writable/deep/er/two; ln -s /etc/shadow writable/link; chmod 700 writable/deep; echo home > ~/.kept";
const CHANGED =
  "echo changed > writable/one; rm -r writable/deep; mkdir writable/new; rm writable/link; echo other > ~/.kept; echo x > ~/.new";
const LOOK =
  "cat writable/one writable/deep/er/two; readlink writable/link; cat ~/.kept; ls -A ~/.new writable/new; cat readonly/file.txt";
const THEN = "one\ntwo\n/etc/shadow\nhome\nread me\n";

/** The id of a snapshot that goes with the case. */
async function frozen(scene: Scene, sandbox: Sandbox): Promise<string> {
  const { id } = await sandbox.state.snapshot({ label: "test" });
  scene.defer(() => removeSnapshot(id));
  return id;
}

function storage(scene: Scene): string {
  return join(scene.temporary, "state", "snapshots");
}

export const snapshotCases: readonly Case[] = [
  {
    name: "a snapshot brings back what the agent wrote: files, folders, links, modes, the home; what came since goes",
    async run(scene) {
      const sandbox = await scene.own();
      await shell(sandbox, MADE);
      const id = await frozen(scene, sandbox);
      await shell(sandbox, CHANGED);
      await sandbox.state.restore(id);
      expect((await shell(sandbox, LOOK)).stdout).toBe(THEN);
      expect((await sandbox.files.stat("writable/deep")).mode).toBe(0o700);
      const other = await scene.own({ snapshot: id });
      expect((await shell(other, LOOK)).stdout).toBe(THEN);
      expect((await shell(other, "test -O writable/one && echo mine")).stdout).toBe("mine\n");
    },
  },
  {
    name: "a snapshot keeps volumes, and an overlaid workspace where there is one",
    async run(scene) {
      const names = [1, 2].map(() => `test-${process.pid}-${randomBytes(6).toString("hex")}`);
      const runtime = scene.place.docker ? "docker" : "local";
      for (const name of names) scene.defer(() => removeVolume(name, { runtime }));
      const volumes = (name = "") => [{ name, path: "/data" }];
      const workspace = scene.place.docker
        ? scene.furnished()
        : ({ path: scene.furnished(), mode: "overlay" } as const);
      const policy: Policy = { version: 1, filesystem: { read: ["./readonly"], write: ["./writable", "/data"] } };
      const sandbox = await scene.create(policy, { workspace, volumes: volumes(names[0]) });
      await shell(sandbox, `${MADE}; echo kept > /data/x; rm writable/file.txt`);
      const id = await frozen(scene, sandbox);
      await shell(sandbox, `${CHANGED}; rm /data/x; echo y > /data/y`);
      await sandbox.state.restore(id);
      expect((await shell(sandbox, `${LOOK}; cat /data/x; ls /data; ls writable/file.txt`)).stdout).toBe(
        `${THEN}kept\nx\n`,
      );
      await refused(sandbox.state.fork(), "VOLUME_BUSY");
      const other = await sandbox.state.fork({ volumes: volumes(names[1]) });
      scene.defer(() => other.stop());
      expect((await shell(other, `${LOOK}; cat /data/x; ls /data`)).stdout).toBe(`${THEN}kept\nx\n`);
    },
  },
  {
    name: "a fork goes its own way, under the same policy, and leaves no snapshot",
    async run(scene) {
      const sandbox = await scene.own();
      await shell(sandbox, MADE);
      const before = (await listSnapshots()).length;
      const other = await sandbox.state.fork();
      scene.defer(() => other.stop());
      expect((await listSnapshots()).length).toBe(before);
      expect(other.policy.digest).toBe(sandbox.policy.digest);
      expect(
        (await shell(other, `${LOOK}; cat secret/secret.txt; echo theirs > writable/one; cat writable/one`)).stdout,
      ).toBe(`${THEN}theirs\n`);
      expect((await shell(sandbox, "cat writable/one")).stdout).toBe("one\n");
      expect((await shell(other, "echo x > readonly/file.txt; cat readonly/file.txt")).stdout).toBe("read me\n");
    },
  },
  {
    name: "a snapshot never widens a policy: what the agent may not write is not brought back",
    async run(scene) {
      const wide = await scene.own({}, { version: 1, filesystem: { write: ["."] } });
      await shell(wide, "echo forged > readonly/file.txt; echo forged > secret/secret.txt");
      const id = await frozen(scene, wide);
      const error = await refused(scene.own({ snapshot: id }), "SNAPSHOT_UNUSABLE");
      expect(error.message).toContain("/workspace");
      const narrow = await scene.own();
      await refused(narrow.state.restore(id), "SNAPSHOT_UNUSABLE");
      expect((await shell(narrow, "cat readonly/file.txt")).stdout).toBe("read me\n");
      const denied = await scene.own(
        {},
        { version: 1, filesystem: { read: ["./bin"], write: ["./writable"], deny: ["./writable/file.txt"] } },
      );
      await shell(denied, "echo x > writable/x");
      const { id: partial, skipped } = await denied.state.snapshot();
      scene.defer(() => removeSnapshot(partial));
      expect(skipped).toBeGreaterThan(0);
      const reader = await scene.own({ snapshot: partial });
      expect((await shell(reader, "cat writable/x; cat writable/file.txt")).stdout).toBe("x\n");
    },
  },
  {
    name: "running commands keep a snapshot from being taken, or are killed; nothing of a failed one is left",
    async run(scene) {
      const sandbox = await scene.own();
      const before = readdirSync(await folderOf(scene, sandbox)).length;
      const command = await sandbox.spawn(["sleep", "1000"]);
      const error = await refused(sandbox.state.snapshot(), "COMMANDS_RUNNING");
      expect(error.details.count).toBe(1);
      await shell(sandbox, "true");
      const { id } = await sandbox.state.snapshot({ running: "kill" });
      scene.defer(() => removeSnapshot(id));
      expect((await command.exited).signal).toBe("SIGKILL");
      await shell(sandbox, "head -c 3000000 /dev/zero > writable/large");
      await refused(sandbox.state.snapshot({ maxBytes: 1_000_000 }), "FILE_FAILED");
      expect(readdirSync(storage(scene)).length).toBe(before + 1);
    },
  },
  {
    name: "a lockfile says what made a snapshot, and neither it nor an archive can be changed",
    async run(scene) {
      const sandbox = await scene.own();
      await shell(sandbox, MADE);
      const first = await frozen(scene, sandbox);
      await sandbox.state.restore(first);
      const id = await frozen(scene, sandbox);
      const found = (await listSnapshots()).find((each) => each.id === id);
      expect(found).toMatchObject({
        label: "test",
        sandbox: sandbox.id,
        parent: first,
        policy: sandbox.policy.digest,
        workspace: "copy",
        runtime: sandbox.enforcement.runtime,
      });
      if (scene.place.docker) expect(found?.imageId).toMatch(/^sha256:[0-9a-f]{64}$/);
      else expect(found?.imageId).toBeUndefined();
      expect(found?.parts.map(({ path }) => path)).toEqual(
        expect.arrayContaining(["/home/agent", "/workspace/writable"]),
      );
      const index = found?.parts.findIndex(({ path }) => path === "/workspace/writable");
      const archive = join(storage(scene), id, String(index));
      const lock = join(storage(scene), id, "snapshot.json");
      expect(JSON.parse(readFileSync(lock, "utf8"))).toEqual(found);
      appendFileSync(archive, "x");
      expect((await refused(sandbox.state.restore(id), "SNAPSHOT_UNUSABLE")).message).toContain("damaged");
      expect((await shell(sandbox, LOOK)).stdout).toBe(THEN);
      appendFileSync(lock, " ");
      await sandbox.state.restore(first);
      appendFileSync(join(storage(scene), first, "snapshot.json"), "x");
      await refused(sandbox.state.restore(first), "SNAPSHOT_UNUSABLE");
      for (const wrong of ["", "../x", "0".repeat(32)])
        await refused(sandbox.state.restore(wrong), "SNAPSHOT_UNUSABLE");
    },
  },
  {
    name: "a mounted workspace is no state of its sandbox",
    async run(scene) {
      const path = scene.furnished();
      const sandbox = await scene.create(SHARED_POLICY, { workspace: { path, mode: "mount" } });
      await shell(sandbox, "echo home > ~/.kept");
      const id = await frozen(scene, sandbox);
      expect((await listSnapshots()).find((each) => each.id === id)?.parts.map((part) => part.path)).toEqual([
        "/home/agent",
      ]);
      const other = await scene.create(SHARED_POLICY, { workspace: { path, mode: "mount" }, snapshot: id });
      expect((await shell(other, "cat ~/.kept")).stdout).toBe("home\n");
      await refused(other.state.restore("0".repeat(32)), "SNAPSHOT_UNUSABLE");
    },
  },
];

/** Where snapshots are kept: made by the first that is taken. */
async function folderOf(scene: Scene, sandbox: Sandbox): Promise<string> {
  await frozen(scene, sandbox);
  return storage(scene);
}
