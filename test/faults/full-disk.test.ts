/**
 * Disks that are full: of the host, and of the sandbox.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSandbox, type Policy } from "../../src/mod.ts";
import {
  BUSYBOX,
  describeWith,
  engineProblem,
  failure,
  isRoot,
  leftAfter,
  removeFolder,
  rootProblem,
  sandboxFolders,
  scratchFolder,
  within,
} from "./support.ts";

const policy: Policy = { version: 1, filesystem: { read: ["."], write: ["./out"] } };

describeWith(rootProblem, "a small disk for temporary files", () => {
  const directory = scratchFolder("disk");
  const disk = join(directory, "disk");
  const workspace = join(directory, "workspace");
  const before = process.env.TMPDIR;

  beforeAll(() => {
    if (!isRoot) return;
    mkdirSync(disk);
    mkdirSync(join(workspace, "out"), { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m,nr_inodes=2000", "tmpfs", disk]);
    process.env.TMPDIR = disk;
  });

  afterAll(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    if (isRoot) execFileSync("umount", ["-l", disk]);
    removeFolder(directory);
  });

  test("fails the copy of a workspace that does not fit", async () => {
    const large = join(directory, "large");
    mkdirSync(large);
    writeFileSync(join(large, "file"), new Uint8Array(8_000_000));
    const error = await failure(20_000, createSandbox(policy, { runtime: "local", workspace: large }));
    expect(error.message).toMatch(/ENOSPC|space/);
    expect(["WORKSPACE_UNUSABLE", "START_FAILED"]).toContain(error.code);
    expect(await leftAfter(10_000, () => readdirSync(disk))).toEqual([]);
  });

  test("fails the copy of a workspace that has too many files", async () => {
    const many = join(directory, "many");
    mkdirSync(many);
    for (let index = 0; index < 3000; index++) writeFileSync(join(many, String(index)), "");
    const error = await failure(20_000, createSandbox(policy, { runtime: "local", workspace: many }));
    expect(["WORKSPACE_UNUSABLE", "START_FAILED"]).toContain(error.code);
    expect(await leftAfter(10_000, () => readdirSync(disk))).toEqual([]);
  });

  test("shows a command that it is full, and the sandbox goes on", async () => {
    const sandbox = await createSandbox(policy, { runtime: "local", workspace });
    const fill = await within(30_000, "dd", sandbox.exec(["dd", "if=/dev/zero", "of=out/fill", "bs=65536"]));
    expect(fill.exitCode).not.toBe(0);
    expect(fill.stderr).toMatch(/No space left/);
    await failure(20_000, sandbox.files.write("out/more", new Uint8Array(1_000_000)), "FILE_FAILED");
    expect(await sandbox.exec(["echo", "alive"])).toMatchObject({ stdout: "alive\n" });
    await sandbox.files.remove("out/fill");
    await sandbox.files.write("out/more", new Uint8Array(1_000_000));
    await sandbox.stop();
    expect(sandboxFolders(disk)).toEqual([]);
  });
});

describeWith(engineProblem(), "a container's shared memory", () => {
  test("that is full stops the program that fills it, not the sandbox", { timeout: 60_000 }, async () => {
    const sandbox = await createSandbox(policy, { runtime: "docker", image: BUSYBOX });
    try {
      const fill = sandbox.exec(["dd", "if=/dev/zero", "of=/dev/shm/fill", "bs=1048576"]);
      const { exitCode, stderr } = await within(45_000, "dd", fill);
      expect(exitCode).not.toBe(0);
      expect(stderr).toMatch(/No space left/);
      expect(await sandbox.exec(["echo", "alive"])).toMatchObject({ stdout: "alive\n" });
      expect(await sandbox.exec(["rm", "/dev/shm/fill"])).toMatchObject({ exitCode: 0 });
    } finally {
      await sandbox.stop();
    }
  });
});
