import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { extract, type Header } from "tar-stream";
import { afterAll, describe, expect, test } from "vitest";
import { TAR_END, type TarEntry, tarHeader, tarPadding } from "../../../src/runtimes/docker/tar-header.ts";
import { workspaceTar } from "../../../src/runtimes/docker/workspace-tar.ts";
import type { WorkspaceGrant } from "../../../src/runtimes/workspace/select.ts";
import { emptyReport } from "../../../src/runtimes/workspace/walk.ts";

/** Reads an archive with an implementation that is not ours. */
async function read(archive: Buffer): Promise<{ header: Header; content: Buffer }[]> {
  const found: { header: Header; content: Buffer }[] = [];
  const options = { highWaterMark: 1 << 20, filenameEncoding: "latin1" };
  const parser = extract(options);
  parser.end(archive);
  for await (const entry of parser) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
    found.push({ header: entry.header, content: Buffer.concat(chunks) });
  }
  return found;
}

describe("a tar header", () => {
  const entry: TarEntry = { kind: "file", name: Buffer.from("a"), mode: 0o640, uid: 1, gid: 2, size: 0, mtime: 3 };

  test("is read by others as it was meant", async () => {
    const name = fc
      .uint8Array({ minLength: 1, maxLength: 300 })
      .map((bytes) => bytes.map((byte) => (byte === 0 || byte === 47 ? 1 : byte)));
    const entries = fc.record({
      kind: fc.constantFrom("file", "directory", "symlink"),
      name,
      target: name,
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 0xfffffffe }),
      gid: fc.integer({ min: 0, max: 0xfffffffe }),
      mtime: fc.integer({ min: 0, max: 2 ** 33 - 1 }),
    });
    await fc.assert(
      fc.asyncProperty(entries, async (made) => {
        // pax values are read as UTF-8 by tar-stream: only short names may be any bytes here.
        const text = (bytes: Uint8Array): Buffer =>
          Buffer.from(bytes.length >= 100 ? bytes.map((byte) => byte & 0x7f || 1) : bytes);
        const { kind, mode, uid, gid, mtime } = made;
        const target = kind === "symlink" ? { target: text(made.target) } : {};
        const header = tarHeader({ kind, name: text(made.name), mode, uid, gid, mtime, size: 0, ...target });
        const [found, ...more] = await read(Buffer.concat([header, TAR_END]));
        expect(more).toEqual([]);
        expect(found?.header).toMatchObject({ type: kind, mode, mtime: new Date(mtime * 1000) });
        if (kind === "symlink") expect(found?.header.linkname).toBe(text(made.target).toString("latin1"));
      }),
    );
  });

  test("keeps bytes that are no text in long names", () => {
    const name = Buffer.alloc(200, 0xff);
    const header = tarHeader({ ...entry, name });
    expect(header.includes(Buffer.concat([Buffer.from(" path="), name, Buffer.from("\n")]))).toBe(true);
    expect(header.subarray(512).toString("latin1")).toMatch(/^210 path=/);
  });

  test("writes sizes past eight gigabytes", async () => {
    const size = 9 * 1024 ** 3;
    expect(tarHeader({ ...entry, size }).toString("latin1")).toMatch(new RegExp(`\\d+ size=${size}\\n`));
  });

  test("pads to blocks", () => {
    expect([0, 1, 511, 512, 513].map(tarPadding)).toEqual([0, 511, 1, 0, 511]);
  });
});

describe("the archive of a workspace", () => {
  const root = mkdtempSync(join(tmpdir(), "cofferdam-tar-"));
  afterAll(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "a/b"), { recursive: true });
  writeFileSync(join(root, "a/b/c"), "content");
  writeFileSync(join(root, "a/secret"), "secret");
  symlinkSync("../../..", join(root, "a/b/up"));
  const grants: WorkspaceGrant[] = [{ relative: "a/b", access: "write" }];
  const agent = { uid: 7, gid: 8 };

  test("has ancestors and what is granted", async () => {
    const escaping: TarEntry[] = [];
    const tar = workspaceTar({ source: root, grants, missing: ["x", "x/y"], agent, report: emptyReport(), escaping });
    const found = await read(await buffer(tar));
    expect(found.map(({ header }) => [header.name, header.uid, header.gid, header.mode?.toString(8)])).toEqual([
      ["/", 0, 8, "750"],
      ["a/", 0, 8, "750"],
      ["a/b/", 7, 8, "755"],
      ["a/b/c", 7, 8, "644"],
      ["x/", 0, 8, "750"],
      ["x/y/", 0, 8, "750"],
    ]);
    expect(found[3]?.content.toString()).toBe("content");
    expect(escaping.map(({ name, target }) => `${name} ${target}`)).toEqual(["a/b/up ../../.."]);
  });

  test("is whole although a file shrinks or grows while it is read", async () => {
    for (const [size, became] of [
      [3_000_000, 1_000_000],
      [1_000_000, 3_000_000],
    ] as const) {
      const path = join(root, "a/b/c");
      truncateSync(path, size);
      const report = emptyReport();
      const chunks: Buffer[] = [];
      for await (const chunk of workspaceTar({ source: root, grants, missing: [], agent, report, escaping: [] })) {
        if (chunks.length === 0) truncateSync(path, became);
        chunks.push(chunk);
      }
      const found = await read(Buffer.concat(chunks));
      expect(found.map(({ header }) => header.name)).toEqual(["/", "a/", "a/b/", "a/b/c"]);
      expect(found[3]?.content.length).toBe(size);
      expect(report.changed).toBe(1);
    }
  });

  test("fails as a stream when the workspace is gone", async () => {
    const tar = workspaceTar({
      source: "/nonexistent",
      grants,
      missing: [],
      agent,
      report: emptyReport(),
      escaping: [],
    });
    await expect(buffer(tar)).rejects.toMatchObject({ code: "WORKSPACE_UNUSABLE" });
  });
});
