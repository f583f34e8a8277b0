/**
 * A workspace that is mounted: the folder of the host itself, live.
 */
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getgid, getuid } from "node:process";
import { expect } from "vitest";
import type { Policy, Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { attack, refused, shell } from "../help.ts";
import { denialOf } from "../mediation.ts";
import { isRoot, ORDINARY_UID } from "../places.ts";
import { giveAway, type Scene, SHARED_POLICY } from "../scene.ts";

const REFUSALS = ["EACCES", "EPERM", "EROFS"];

async function mounted(scene: Scene, policy: Policy = SHARED_POLICY): Promise<{ path: string; sandbox: Sandbox }> {
  const path = scene.furnished();
  return { path, sandbox: await scene.create(policy, { workspace: { path, mode: "mount" } }) };
}

export const workspaceMountCases: readonly Case[] = [
  {
    name: "a mounted workspace is live both ways",
    async run(scene) {
      const { path, sandbox } = await mounted(scene);
      writeFileSync(join(path, "writable/from-host"), "host\n");
      expect((await sandbox.exec(["cat", "writable/from-host"])).stdout).toBe("host\n");
      await shell(sandbox, "echo inside > writable/from-inside; rm writable/file.txt; mkdir writable/made");
      expect(readFileSync(join(path, "writable/from-inside"), "utf8")).toBe("inside\n");
      expect(existsSync(join(path, "writable/file.txt"))).toBe(false);
      await sandbox.files.write("writable/by-files", "files");
      expect(readFileSync(join(path, "writable/by-files"), "utf8")).toBe("files");
      await sandbox.stop();
      expect(readdirSync(join(path, "writable")).sort()).toEqual(
        expect.arrayContaining(["by-files", "from-host", "from-inside", "made"]),
      );
    },
  },
  {
    name: "a mounted workspace: the agent is its owner, and what it makes belongs to that owner",
    async run(scene) {
      const { path, sandbox } = await mounted(scene);
      const owner = isRoot ? ORDINARY_UID : getuid?.();
      const group = isRoot ? ORDINARY_UID : getgid?.();
      await shell(sandbox, "echo x > writable/x; mkdir writable/y");
      for (const name of ["writable/x", "writable/y"]) {
        expect(lstatSync(join(path, name))).toMatchObject({ uid: owner, gid: group });
      }
      expect((await shell(sandbox, "test -O readonly/file.txt && echo own")).stdout).toBe("own\n");
    },
  },
  {
    name: "a mounted workspace: no program is made in it that runs as its owner",
    async run(scene) {
      const { path, sandbox } = await mounted(scene);
      const at = (name: string) => `/workspace/writable/${name}`;
      const mode = (name: string) => lstatSync(join(path, "writable", name)).mode & 0o7000;
      for (const name of ["create-set-id", "mknod-set-id", "openat2-set-id"]) {
        expect([name, await attack(sandbox, name, at(name))]).toEqual([name, "done"]);
        expect([name, mode(name)]).toEqual([name, 0]);
      }
      for (const name of ["chmod-set-id", "fchmod-set-group"]) {
        expect([name, await attack(sandbox, name, at("file.txt"))]).toEqual([name, "EPERM"]);
      }
      expect(mode("file.txt")).toBe(0);
      expect((await denialOf(sandbox, at("file.txt"))).reason).toContain("runs as its owner");
      // For a folder it only says whose group is what is made in it.
      expect((await shell(sandbox, "mkdir writable/team && chmod 2755 writable/team && echo done")).stdout).toBe(
        "done\n",
      );
    },
  },
  {
    name: "a mounted workspace: read means read, for its owner too",
    async run(scene) {
      const { path, sandbox } = await mounted(scene);
      const before = execFileSync("find", [".", "-printf", "%p %y %m %U %s %T@\n"], {
        cwd: join(path, "readonly"),
        encoding: "utf8",
      });
      const names = [
        "open-write",
        "open-append",
        "truncate",
        "chmod",
        "fchmod",
        "chmod-path-fd",
        "chown",
        "utime",
        "futime",
      ];
      for (const name of [...names, "setxattr", "fsetxattr", "reopen-write", "unlink"]) {
        expect([name, REFUSALS]).toEqual([
          name,
          expect.arrayContaining([await attack(sandbox, name, "readonly/file.txt")]),
        ]);
      }
      for (const name of ["chmod", "utime", "setxattr"]) {
        for (const folder of ["readonly", "readonly/folder", "/workspace", "bin"]) {
          expect(REFUSALS).toContain(await attack(sandbox, name, folder));
        }
      }
      expect(REFUSALS).toContain(await attack(sandbox, "create", "readonly/new"));
      expect(REFUSALS).toContain(await attack(sandbox, "create", "/workspace/new"));
      const after = execFileSync("find", [".", "-printf", "%p %y %m %U %s %T@\n"], {
        cwd: join(path, "readonly"),
        encoding: "utf8",
      });
      expect(after).toBe(before);
      for (const name of ["open-write", "truncate", "chmod", "utime", "setxattr"]) {
        expect(await attack(sandbox, name, "writable/file.txt")).toBe("done");
      }
    },
  },
  {
    name: "a mounted workspace: what is not granted in it cannot be read or changed",
    async run(scene) {
      const { path, sandbox } = await mounted(scene);
      const script = `
cat secret/secret.txt /workspace/secret/secret.txt writable/to-secret /proc/self/cwd/secret/secret.txt
ln secret/secret.txt writable/hard; cat writable/hard; mv secret writable/stolen; cat writable/stolen/secret.txt
echo x > secret/new; rm -r secret; true`;
      expect((await shell(sandbox, script)).stdout).toBe("");
      expect(readFileSync(join(path, "secret/secret.txt"), "utf8")).toBe("TOP-SECRET\n");
      expect(readdirSync(join(path, "secret"))).toEqual(["secret.txt"]);
    },
  },
  {
    name: "a mounted workspace can be granted whole",
    async run(scene) {
      const { path, sandbox } = await mounted(scene, { version: 1, filesystem: { write: ["."] } });
      expect((await shell(sandbox, "cat secret/secret.txt; mv readonly moved; echo x > x; ls")).stdout).toBe(
        "TOP-SECRET\nbin\nmoved\nsecret\nwritable\nx\n",
      );
      expect(readdirSync(path).sort()).toEqual(["bin", "moved", "secret", "writable", "x"]);
      const { sandbox: reader } = await mounted(scene, { version: 1, filesystem: { read: ["."] } });
      expect((await shell(reader, "cat secret/secret.txt")).stdout).toBe("TOP-SECRET\n");
      for (const name of ["chmod", "open-write", "utime"]) {
        expect(REFUSALS).toContain(await attack(reader, name, "secret/secret.txt"));
      }
    },
  },
  {
    name: "a mounted workspace: a folder to write that does not exist is made, and belongs to the owner",
    async run(scene) {
      const { path, sandbox } = await mounted(scene, { version: 1, filesystem: { write: ["./out/deep"] } });
      await shell(sandbox, "echo x > out/deep/x");
      expect(readFileSync(join(path, "out/deep/x"), "utf8")).toBe("x\n");
      for (const name of ["out", "out/deep"]) expect(lstatSync(join(path, name)).uid).toBe(lstatSync(path).uid);
    },
  },
  {
    name: "a mounted workspace: a missing path to read is PATH_MISSING, and nothing is made for it",
    async run(scene) {
      const path = scene.furnished();
      const policy = { version: 1, filesystem: { read: [{ id: "gone", path: "./gone" }] } } as const;
      const error = await refused(scene.create(policy, { workspace: { path, mode: "mount" } }), "PATH_MISSING");
      expect(error.details.rule).toBe("gone");
      expect(existsSync(join(path, "gone"))).toBe(false);
    },
  },
  {
    name: "a mounted workspace that belongs to root is WORKSPACE_UNUSABLE, and the error says why",
    notIn: (place) => (place.name === "local-user" ? "an ordinary user has no folder of root's" : undefined),
    async run(scene) {
      const path = scene.furnished();
      execFileSync("chown", ["0:0", path]);
      const error = await refused(
        scene.create(SHARED_POLICY, { workspace: { path, mode: "mount" } }),
        "WORKSPACE_UNUSABLE",
      );
      expect(error.message).toContain("root");
      expect(error.hint).toContain("copy");
    },
  },
  {
    name: "what is in force for a mounted workspace is said",
    async run(scene) {
      const { sandbox } = await mounted(scene);
      expect(sandbox.enforcement).toMatchObject({ workspace: "mount", mode: "emulated", unixSockets: true });
      expect((await scene.shared()).enforcement).toMatchObject({ workspace: "copy", unixSockets: true });
    },
  },
  {
    name: "a folder of the host outside the workspace can be granted, for reading and for writing",
    notIn: (place) => (place.docker ? "a container has the image's folders" : undefined),
    async run(scene) {
      const [readable, writable] = [scene.elsewhere(), scene.elsewhere()];
      // The sandbox has a user of its own, to whom the folder must be open by its modes.
      execFileSync("chmod", ["-R", "a+rwX", writable]);
      const sandbox = await scene.own({}, { version: 1, filesystem: { read: ["./bin", readable], write: [writable] } });
      expect((await shell(sandbox, `cat ${readable}/readonly/file.txt`)).stdout).toBe("read me\n");
      expect(REFUSALS).toContain(await attack(sandbox, "open-write", `${readable}/readonly/file.txt`));
      expect(REFUSALS).toContain(await attack(sandbox, "chmod", `${readable}/readonly/file.txt`));
      expect((await shell(sandbox, `echo x > ${writable}/x && cat ${writable}/x`)).stdout).toBe("x\n");
      expect(sandbox.enforcement.mode).toBe("emulated");
    },
  },
  {
    name: "a full disk is an error with ENOSPC, for commands and for files",
    notIn: (place) => (place.name === "local-user" ? "an ordinary user cannot make a small file system" : undefined),
    async run(scene) {
      const path = scene.folder();
      execFileSync("mount", [
        "-t",
        "tmpfs",
        "-o",
        `size=1m,uid=${ORDINARY_UID},gid=${ORDINARY_UID},mode=0755`,
        "none",
        path,
      ]);
      scene.defer(() => execFileSync("umount", ["-l", path]));
      giveAway(path);
      const policy = { version: 1, filesystem: { write: ["."] } } as const;
      const sandbox = await scene.create(policy, { workspace: { path, mode: "mount" } });
      const error = await refused(sandbox.files.write("large", new Uint8Array(4_000_000)), "FILE_FAILED");
      expect(error.details.errno).toBe("ENOSPC");
      const result = await shell(sandbox, "head -c 4000000 /dev/zero > other");
      expect(result.exitCode).not.toBe(0);
      await sandbox.files.remove("large", { force: true });
      await sandbox.files.remove("other", { force: true });
      await sandbox.files.write("small", "fits");
    },
  },
];
