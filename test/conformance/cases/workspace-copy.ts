/**
 * A workspace that is copied: the folder of the host is never touched.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { attack, picture, refused, shell } from "../help.ts";
import { giveAway } from "../scene.ts";

export const workspaceCopyCases: readonly Case[] = [
  {
    name: "a copied workspace: nothing that happens inside reaches the folder of the host",
    async run(scene) {
      const workspace = scene.furnished();
      const before = picture(workspace);
      const sandbox = await scene.create({ version: 1, filesystem: { write: ["."] } }, { workspace });
      const script =
        "echo changed > readonly/file.txt; rm -r secret; mkdir new; chmod 700 bin; touch -t 200001010000 writable/file.txt; ls";
      expect((await shell(sandbox, script)).stdout).toBe("bin\nnew\nreadonly\nwritable\n");
      expect((await shell(sandbox, "cat readonly/file.txt")).stdout).toBe("changed\n");
      expect(picture(workspace)).toBe(before);
      await sandbox.stop();
      expect(picture(workspace)).toBe(before);
    },
  },
  {
    name: "a copied workspace: what the host changes later does not come in",
    async run(scene) {
      const workspace = scene.furnished();
      const sandbox = await scene.create({ version: 1, filesystem: { read: ["."] } }, { workspace });
      writeFileSync(join(workspace, "readonly/file.txt"), "later\n");
      writeFileSync(join(workspace, "readonly/later.txt"), "later\n");
      expect((await shell(sandbox, "cat readonly/file.txt; ls readonly/later.txt")).stdout).toBe("read me\n");
    },
  },
  {
    name: "a copied workspace: only what is granted is there",
    async run(scene) {
      const sandbox = await scene.own();
      expect((await sandbox.exec(["cat", "secret/secret.txt"])).stdout).toBe("");
      const { stdout } = await shell(
        sandbox,
        "cat readonly/file.txt readonly/other.txt writable/file.txt; find / -name secret.txt 2>/dev/null; true",
      );
      expect(stdout).toBe("read me\nread me too\nwrite me\n");
    },
  },
  {
    name: "a copied workspace: symlinks stay symlinks, and files keep their modes, times and bytes",
    async run(scene) {
      const workspace = scene.furnished();
      const at = (name: string) => join(workspace, "readonly", name);
      symlinkSync("/etc/shadow", at("absolute"));
      symlinkSync("../../../../../../etc/shadow", at("relative"));
      symlinkSync("nowhere", at("dangling"));
      writeFileSync(at("script"), "#!/bin/sh\necho ran\n");
      chmodSync(at("script"), 0o755);
      const strange = Buffer.concat([Buffer.from(`${workspace}/readonly/odd \n`), Buffer.from([0xff])]);
      writeFileSync(strange, "odd");
      giveAway(at("script"));
      const sandbox = await scene.create({ version: 1, filesystem: { read: ["."] } }, { workspace });
      const links = await shell(
        sandbox,
        "cd readonly; for l in absolute relative dangling; do readlink $l; done; cat absolute relative; ./script",
      );
      expect(links.stdout).toBe("/etc/shadow\n../../../../../../etc/shadow\nnowhere\nran\n");
      const entries = await sandbox.files.list("readonly");
      expect(entries.find(({ name }) => name.startsWith("odd"))?.nameBytes).toEqual(
        Uint8Array.from(strange.subarray(at("").length + 1)),
      );
      const script = entries.find(({ name }) => name === "script");
      expect(Math.abs((script?.mtimeMs ?? 0) - lstatSync(at("script")).mtimeMs)).toBeLessThan(1000);
    },
  },
  {
    name: "a copied workspace: sockets, FIFOs and set-id bits do not come along",
    async run(scene) {
      const workspace = scene.furnished();
      const at = (name: string) => join(workspace, "writable", name);
      execFileSync("mkfifo", [at("fifo")]);
      execFileSync(scene.programs.tool, ["receive", at("socket")], { input: "" });
      writeFileSync(at("set-id"), "#!/bin/sh\n");
      giveAway(at("set-id"));
      chmodSync(at("set-id"), 0o6755);
      linkSync(at("file.txt"), at("hard-link"));
      const sandbox = await scene.create({ version: 1, filesystem: { write: ["."] } }, { workspace });
      const names = (await sandbox.files.list("writable")).map(({ name }) => name);
      expect(names).not.toContain("fifo");
      expect(names).not.toContain("socket");
      expect(names).toContain("hard-link");
      expect((await sandbox.files.stat("writable/set-id")).mode).toBe(0o755);
      expect(sandbox.enforcement.notes.join()).toMatch(/2 sockets, FIFOs or devices/);
    },
  },
  {
    name: "a copied workspace: what may only be read belongs to somebody else, where owners can be set",
    async run(scene) {
      const sandbox = await scene.shared();
      for (const name of ["chmod", "chown", "utime", "setxattr"]) {
        for (const path of ["readonly", "readonly/file.txt", "readonly/folder", "bin/attack"]) {
          expect(["EPERM", "EACCES", "EROFS"]).toContain(await attack(sandbox, name, path));
        }
      }
    },
  },
  {
    name: "a folder to write that does not exist is made, in the copy alone",
    async run(scene) {
      const workspace = scene.furnished();
      const sandbox = await scene.create(
        { version: 1, filesystem: { read: ["./readonly"], write: ["./out/deep"] } },
        { workspace },
      );
      await sandbox.files.write("out/deep/x.txt", "x");
      expect((await shell(sandbox, "cat out/deep/x.txt")).stdout).toBe("x");
      expect((await sandbox.exec(["sh", "-c", ": > out/y"])).exitCode).not.toBe(0);
      expect(readdirSync(workspace)).not.toContain("out");
    },
  },
  {
    name: "a missing path to read is PATH_MISSING with the rule, unless it is optional",
    async run(scene) {
      const workspace = scene.furnished();
      const policy = (optional: boolean) =>
        ({ version: 1, filesystem: { read: ["./bin", { id: "the-docs", path: "./docs", optional }] } }) as const;
      const error = await refused(scene.create(policy(false), { workspace }), "PATH_MISSING");
      expect(error.details.rule).toBe("the-docs");
      expect(error.details.path).toMatch(/docs$/);
      expect(error.hint).toMatch(/optional/);
      const sandbox = await scene.create(policy(true), { workspace });
      expect((await sandbox.exec(["ls", "docs"])).exitCode).not.toBe(0);
    },
  },
  {
    name: "a missing path outside the workspace is PATH_MISSING with the rule, unless it is optional",
    async run(scene) {
      const policy = (optional: boolean) =>
        ({ version: 1, filesystem: { read: [{ id: "elsewhere", path: "/no/such/folder", optional }] } }) as const;
      const error = await refused(scene.create(policy(false)), "PATH_MISSING");
      expect(error.details).toEqual({ path: "/no/such/folder", rule: "elsewhere" });
      const sandbox = await scene.create(policy(true));
      expect((await sandbox.exec(["echo", "on"])).stdout).toBe("on\n");
    },
  },
  {
    name: "a workspace that is no folder is WORKSPACE_UNUSABLE",
    async run(scene) {
      const workspace = scene.furnished();
      for (const path of [join(workspace, "nowhere"), join(workspace, "readonly/file.txt"), "/"]) {
        for (const mode of ["copy", "mount"] as const) {
          await refused(scene.create({ version: 1 }, { workspace: { path, mode } }), "WORKSPACE_UNUSABLE");
        }
      }
    },
  },
  {
    name: "without a workspace there is an empty one, to read or to write as the policy says",
    async run(scene) {
      const writable = await scene.create({ version: 1, filesystem: { write: ["."] } });
      expect((await shell(writable, "ls -A; echo x > y && cat y")).stdout).toBe("x\n");
      const readable = await scene.create({ version: 1, filesystem: { read: ["."] } });
      expect((await shell(readable, "ls -A; echo x > y; cat y")).stdout).toBe("");
      const part = await scene.create({ version: 1, filesystem: { write: ["./out"] } });
      expect((await shell(part, "echo x > out/y; cat out/y; echo x > z; ls out; cat z")).stdout).toBe("x\ny\n");
    },
  },
  {
    name: "a copied workspace that belongs to root is given to the agent",
    notIn: (place) => (place.name === "local-user" ? "an ordinary user has no folder of root's" : undefined),
    async run(scene) {
      const workspace = scene.folder();
      execFileSync("chown", ["0:0", workspace]);
      mkdirSync(join(workspace, "private"), { mode: 0o700 });
      writeFileSync(join(workspace, "private/file"), "of root\n", { mode: 0o600 });
      const policy = { version: 1, filesystem: { read: ["./private"], write: ["./out"] } } as const;
      const sandbox = await scene.create(policy, { workspace });
      expect((await shell(sandbox, "cat private/file; echo x > out/x && cat out/x")).stdout).toBe("of root\nx\n");
      expect((await sandbox.exec(["sh", "-c", "echo x > private/file"])).exitCode).not.toBe(0);
      expect(readFileSync(join(workspace, "private/file"), "utf8")).toBe("of root\n");
    },
  },
];
