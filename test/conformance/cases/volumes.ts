/**
 * Volumes: what outlives a sandbox, and never widens what one may do.
 */
import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import {
  listVolumes,
  type Policy,
  removeVolume,
  type Sandbox,
  SandboxError,
  type SandboxOptions,
  type VolumeOptions,
} from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { attack, refused, shell, until } from "../help.ts";
import { launchers } from "../leftovers.ts";
import type { Scene } from "../scene.ts";

const REFUSALS = ["EACCES", "EPERM", "EROFS"];
const WRITE: Policy = { version: 1, filesystem: { read: ["./bin"], write: ["/data"] } };

/** A name that nobody else has; the volume goes with the case. */
function named(scene: Scene): string {
  const name = `test-${process.pid}-${randomBytes(6).toString("hex")}`;
  scene.defer(() => removeVolume(name, where(scene)));
  return name;
}

function where({ place }: Scene) {
  return { runtime: place.docker ? "docker" : "local" } as const;
}

function withVolume(
  scene: Scene,
  volume: VolumeOptions,
  policy: Policy = WRITE,
  options: SandboxOptions = {},
): Promise<Sandbox> {
  return scene.own({ volumes: [volume], ...options }, policy);
}

export const volumeCases: readonly Case[] = [
  {
    name: "a volume keeps what one sandbox wrote for the next, whose agent owns it",
    async run(scene) {
      const volume = { name: named(scene), path: "/data" };
      const first = await withVolume(scene, volume);
      expect(
        (
          await shell(
            first,
            "mkdir /data/notes && echo learned > /data/notes/a && chmod 600 /data/notes/a && ls -A /data",
          )
        ).stdout,
      ).toBe("notes\n");
      await first.stop();
      const second = await withVolume(scene, volume);
      const script =
        "cat /data/notes/a; test -O /data/notes/a && test -O /data && echo mine; echo more >> /data/notes/a; mv /data/notes /data/moved; cat /data/moved/a";
      expect((await shell(second, script)).stdout).toBe("learned\nmine\nlearned\nmore\n");
      expect(await second.files.readText("/data/moved/a")).toBe("learned\nmore\n");
      expect(second.enforcement.mode).toBe("trapped");
    },
  },
  {
    name: "a volume is one sandbox's at a time, unless all of them share it",
    async run(scene) {
      const alone = { name: named(scene), path: "/data" };
      const shared = { ...alone, shared: true };
      const first = await withVolume(scene, alone);
      for (const other of [alone, shared, { ...alone, mode: "read" } as const]) {
        const error = await refused(withVolume(scene, other), "VOLUME_BUSY");
        expect(error.details.volume).toBe(alone.name);
        expect(error.hint).toContain("shared");
      }
      expect((await shell(first, "echo still > /data/here && cat /data/here")).stdout).toBe("still\n");
      await first.stop();
      const [one, two] = await Promise.all([withVolume(scene, shared), withVolume(scene, shared)]);
      await shell(one, "echo from-one > /data/x");
      expect((await shell(two, "cat /data/x")).stdout).toBe("from-one\n");
      // What the other one puts there is not this one's: the warden decides, as in a mounted folder.
      expect(two.enforcement.mode).toBe("emulated");
      await refused(withVolume(scene, alone), "VOLUME_BUSY");
    },
  },
  {
    name: "of sandboxes that start at once, one gets the volume",
    async run(scene) {
      const volume = { name: named(scene), path: "/data" };
      const attempts = await Promise.allSettled([1, 2, 3].map(() => withVolume(scene, volume)));
      const failures = attempts.flatMap((attempt) => (attempt.status === "rejected" ? [attempt.reason] : []));
      expect(attempts.length - failures.length).toBeLessThanOrEqual(1);
      for (const failure of failures) expect(SandboxError.is(failure, "VOLUME_BUSY"), String(failure)).toBe(true);
    },
  },
  {
    name: "a volume never widens a policy: without a grant it is refused, and read means read",
    async run(scene) {
      const volume = { name: named(scene), path: "/data" };
      const error = await refused(
        withVolume(scene, volume, { version: 1, filesystem: { read: ["./bin"] } }),
        "ARGUMENT_INVALID",
      );
      expect(error.hint).toContain('write: ["/data"]');
      const writer = await withVolume(scene, volume);
      await shell(writer, "echo kept > /data/file");
      await writer.stop();
      const reading: Policy = { version: 1, filesystem: { read: ["./bin", "/data"] } };
      for (const [policy, mode] of [
        [reading, "write"],
        [WRITE, "read"],
      ] as const) {
        const reader = await withVolume(scene, { ...volume, mode }, policy);
        expect(
          (
            await shell(
              reader,
              "cat /data/file; echo x > /data/new; echo x >> /data/file; rm /data/file; cat /data/file",
            )
          ).stdout,
        ).toBe("kept\nkept\n");
        for (const name of ["open-write", "chmod", "utime", "setxattr", "unlink"]) {
          expect(REFUSALS, name).toContain(await attack(reader, name, "/data/file"));
        }
        await reader.stop();
      }
    },
  },
  {
    name: "a volume of which only a part is granted for writing: the rest stays as it is, modes included",
    async run(scene) {
      const volume = { name: named(scene), path: "/data" };
      const writer = await withVolume(scene, volume);
      await shell(
        writer,
        "mkdir /data/notes /data/closed; echo kept > /data/file; echo TOP-SECRET > /data/closed/file",
      );
      await writer.stop();
      const policy: Policy = { version: 1, filesystem: { read: ["./bin", "/data/file"], write: ["/data/notes"] } };
      const sandbox = await withVolume(scene, volume, policy);
      expect(
        (
          await shell(
            sandbox,
            "cat /data/file /data/closed/file; echo x > /data/notes/x; cat /data/notes/x; echo x > /data/y; cat /data/y",
          )
        ).stdout,
      ).toBe("kept\nx\n");
      for (const path of ["/data/file", "/data", "/data/closed"]) {
        for (const name of ["chmod", "utime", "setxattr"]) {
          expect(REFUSALS, `${name} ${path}`).toContain(await attack(sandbox, name, path));
        }
      }
    },
  },
  {
    name: "a volume at ~ keeps the home, and one below it a part of it",
    async run(scene) {
      const home = { name: named(scene), path: "~" };
      const part = { name: named(scene), path: "~/.memory" };
      const policy: Policy = { version: 1, filesystem: { read: ["./bin"] } };
      const write = "echo whole > ~/.whole; mkdir -p ~/.memory; echo part > ~/.memory/part";
      for (const [volume, kept] of [
        [home, "whole\npart\n"],
        [part, "part\n"],
      ] as const) {
        const first = await withVolume(scene, volume, policy);
        await shell(first, write);
        await first.stop();
        const second = await withVolume(scene, volume, policy);
        expect((await shell(second, "cat ~/.whole; cat ~/.memory/part")).stdout).toBe(kept);
        await second.stop();
      }
    },
  },
  {
    name: "what a hostile program leaves in a volume leads nowhere in the next sandbox, and can be removed",
    async run(scene) {
      const volume = { name: named(scene), path: "/data" };
      const first = await withVolume(scene, volume);
      const plant = `cd /data; ln -s /etc/shadow shadow; ln -s /proc/1/root root; ln -s ../../../../../.. up; mkfifo fifo; ln -s /workspace/secret secret
mkdir locked && echo x > locked/x && chmod 0 locked; echo '#!/bin/sh' > set-id; chmod 6755 set-id; n=0; while [ $n -lt 60 ]; do mkdir d; cd d; n=$((n+1)); done`;
      await shell(first, plant);
      await first.stop();
      const second = await withVolume(scene, volume);
      expect(
        (
          await shell(
            second,
            "cd /data; cat shadow root/etc/shadow up/etc/shadow secret/secret.txt; test -u set-id && test -k set-id && echo set; true",
          )
        ).stdout,
      ).toBe("");
      await second.stop();
      expect(await removeVolume(volume.name, where(scene))).toBe(true);
      expect((await listVolumes(where(scene))).map(({ name }) => name)).not.toContain(volume.name);
    },
  },
  {
    name: "a link that an earlier sandbox left in a volume widens no grant",
    async run(scene) {
      const volume = { name: named(scene), path: "/data" };
      const first = await withVolume(scene, volume);
      await shell(first, "ln -s /workspace /data/out && mkdir /data/real && ln -s real /data/inner");
      await first.stop();
      const policy = (grant: object): Policy => ({ version: 1, filesystem: { read: ["."], write: [grant as never] } });
      for (const path of ["/data/out", "/data/out/bin", "/data/inner"]) {
        const error = await refused(withVolume(scene, volume, policy({ path })), "START_FAILED");
        expect(error.details).toMatchObject({ errno: "ELOOP" });
      }
      const later = await withVolume(scene, volume, policy({ path: "/data/out", optional: true }));
      expect((await shell(later, "echo no > /workspace/new || echo denied")).stdout).toBe("denied\n");
      await later.stop();
      // A folder of the volume's own is granted.
      const real = await withVolume(scene, volume, policy({ path: "/data/real" }));
      expect((await shell(real, "echo yes > /data/real/new && echo written")).stdout).toBe("written\n");
    },
  },
  {
    name: "volumes are listed and removed by name, but not while a sandbox has them",
    async run(scene) {
      const volume = { name: named(scene), path: "/data" };
      const find = async () => (await listVolumes(where(scene))).find(({ name }) => name === volume.name);
      expect(await find()).toBeUndefined();
      expect(await removeVolume(volume.name, where(scene))).toBe(false);
      const sandbox = await withVolume(scene, volume);
      expect(await find()).toMatchObject({ name: volume.name, inUse: true, ...where(scene) });
      await refused(removeVolume(volume.name, where(scene)), "VOLUME_BUSY");
      await sandbox.stop();
      await until(async () => (await find())?.inUse === false, "nobody has it");
      expect(Math.abs(Date.parse((await find())?.createdAt ?? "") - Date.now())).toBeLessThan(3_600_000);
      expect(await removeVolume(volume.name, where(scene))).toBe(true);
      expect(await find()).toBeUndefined();
    },
  },
  {
    name: "a volume is free as soon as nothing of its sandbox runs, however that ended",
    notIn: (place) => (place.docker ? "an engine says when a container has ended" : undefined),
    async run(scene) {
      const before = launchers();
      const volume = { name: named(scene), path: "/data" };
      const first = await withVolume(scene, volume);
      for (const line of launchers()) if (!before.includes(line)) process.kill(Number(line.split(" ")[1]), "SIGKILL");
      await first.ended;
      const second = await withVolume(scene, volume);
      expect((await shell(second, "echo x > /data/x && cat /data/x")).stdout).toBe("x\n");
    },
  },
  {
    name: "a malformed volume is ARGUMENT_INVALID and says what is wrong",
    async run(scene) {
      const paths = [
        "data",
        "/",
        "/etc/x",
        "/usr/lib/x",
        "/proc/x",
        "/dev/x",
        "/workspace",
        "/workspace/x",
        "/data/../etc",
        "/.cofferdam/x",
        "/sys/x",
        "",
        "/a\nb",
      ];
      for (const path of paths) await refused(withVolume(scene, { name: "test", path }), "ARGUMENT_INVALID");
      for (const name of ["", "../x", "A", ".hidden", "a/b", "x".repeat(64)]) {
        await refused(withVolume(scene, { name, path: "/data" }), "ARGUMENT_INVALID");
      }
      const twice = (second: VolumeOptions) =>
        scene.own(
          { volumes: [{ name: "one", path: "/data" }, second] },
          { version: 1, filesystem: { write: ["/data"] } },
        );
      await refused(twice({ name: "two", path: "/data/inner" }), "ARGUMENT_INVALID");
      await refused(twice({ name: "one", path: "/data" }), "ARGUMENT_INVALID");
      await refused(removeVolume("../x", where(scene)), "ARGUMENT_INVALID");
    },
  },
];
