import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadPolicy } from "../../src/policy/mod.ts";

describe("loadPolicy()", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "cofferdam-load-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test.each(["a.yaml", "a.yml", "a.json"])("reads %s", async (name) => {
    await writeFile(join(directory, name), '{ "version": 1, "name": "x" }');
    await expect(loadPolicy(join(directory, name))).resolves.toEqual({ version: 1, name: "x" });
  });

  test("names the file in its issues", async () => {
    const path = join(directory, "bad.yaml");
    await writeFile(path, "version: 1\nfilesytem: {}\n");
    await expect(loadPolicy(path)).rejects.toMatchObject({
      code: "POLICY_INVALID",
      message: expect.stringContaining(`${path}:2:1 filesytem`),
      details: { source: path },
    });
  });

  test("refuses what it cannot read", async () => {
    await writeFile(join(directory, "binary.yaml"), Buffer.from([0x6e, 0xff, 0xfe]));
    await writeFile(join(directory, "huge.yaml"), Buffer.alloc(2 ** 20 + 1, 0x23));
    await writeFile(join(directory, "policy.toml"), "version = 1");
    execFileSync("mkfifo", [join(directory, "fifo.yaml")]);
    for (const [name, reason] of [
      ["missing.yaml", "ENOENT"],
      ["binary.yaml", "UTF-8"],
      ["huge.yaml", "1048576 bytes"],
      ["policy.toml", ".yaml, .yml or .json"],
      ["fifo.yaml", "regular file"],
    ] as const) {
      const path = join(directory, name);
      await expect(loadPolicy(path)).rejects.toMatchObject({
        code: "POLICY_UNREADABLE",
        message: expect.stringContaining(reason),
        details: { path },
      });
    }
  });
});
