import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PolicyPatch } from "../../src/approvals/policy-patch.ts";
import { compose, loadPolicy, type Policy } from "../../src/mod.ts";
import { openPatch } from "../../src/sandbox/approvals.ts";

const RULE: Policy = { version: 1, filesystem: { read: [{ path: "./a", optional: true }] } };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "patch-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("PolicyPatch", () => {
  test.each<[string, (path: string) => void, RegExp]>([
    ["a symlink", (path) => symlinkSync("/etc/hostname", path), /symlink/],
    ["a folder", (path) => mkdirSync(path), /regular file/],
    ["no policy", (path) => writeFileSync(path, "a: 1"), /version/],
    ["a tag", (path) => writeFileSync(path, "version: 1\nname: !!js x"), /./],
  ])("refuses %s", async (_, make, why) => {
    const path = join(folder, "approved.yaml");
    make(path);
    await expect(PolicyPatch.open(path)).rejects.toMatchObject({
      code: "ARGUMENT_INVALID",
      message: expect.stringMatching(why),
    });
  });

  test.each(["approved.json", "missing/approved.yaml"])("refuses %s", async (name) => {
    await expect(PolicyPatch.open(join(folder, name))).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  test("writes through no symlink that is put there later, and leaves nothing else behind", async () => {
    const path = join(folder, "approved.yaml");
    const victim = join(folder, "victim");
    writeFileSync(victim, "mine");
    const patch = await PolicyPatch.open(path);
    symlinkSync(victim, path);
    await expect(patch.add(RULE, "x")).rejects.toThrow("symlink");
    expect(readFileSync(victim, "utf8")).toBe("mine");
    rmSync(path);
    await patch.add(RULE, "x");
    expect(lstatSync(path).isFile()).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(["approved.yaml", "victim"]);
  });

  test("keeps what people wrote, and every rule of many writers", async () => {
    const path = join(folder, "approved.yaml");
    writeFileSync(path, "# reviewed by ada\nversion: 1\nfilesystem:\n  deny: ['**/.env'] # never\n");
    const patches = await Promise.all([PolicyPatch.open(path), PolicyPatch.open(path)]);
    const paths = Array.from({ length: 20 }, (_, index) => `./f${index}`);
    await Promise.all(
      paths.map((each, index) =>
        patches[index % 2]?.add({ version: 1, filesystem: { read: [each] } }, "a\nversion: 2"),
      ),
    );
    const text = readFileSync(path, "utf8");
    expect(text).toContain("# reviewed by ada");
    expect(text).toContain("# never");
    expect((await loadPolicy(path)).filesystem).toEqual({ deny: ["**/.env"], read: paths });
    expect(compose({ version: 1, filesystem: { read: ["."] } }, text).filesystem?.deny).toEqual(["**/.env"]);
  });

  test("is refused where the sandbox can write", async () => {
    const live = { path: folder, mode: "mount" } as const;
    symlinkSync(folder, `${folder}-link`);
    try {
      for (const patch of [join(folder, "approved.yaml"), `${folder}-link/approved.yaml`]) {
        await expect(openPatch({ patch }, live)).rejects.toMatchObject({
          code: "ARGUMENT_INVALID",
          details: { argument: "approvals.patch" },
        });
      }
    } finally {
      rmSync(`${folder}-link`);
    }
    expect(await openPatch({ patch: join(folder, "approved.yaml") }, folder)).toBeInstanceOf(PolicyPatch);
    expect(await openPatch({}, live)).toBeUndefined();
  });
});
