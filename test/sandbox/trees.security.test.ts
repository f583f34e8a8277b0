/**
 * What a hostile warden could answer a download with: nothing of it is written anywhere but in the folder.
 */
import {
  existsSync,
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
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { SandboxError } from "../../src/errors.ts";
import { encodeFields } from "../../src/link/codec.ts";
import { CODES, RECORDS } from "../../src/link/protocol.ts";
import { SandboxFiles } from "../../src/sandbox/files.ts";
import { HostTree } from "../../src/sandbox/trees/host-tree.ts";
import { type PackedEntry, TreeReader } from "../../src/sandbox/trees/tree-reader.ts";
import { harness } from "./support.ts";

const scratch = mkdtempSync(join(tmpdir(), "trees-"));
const top = join(scratch, "top");
const outside = join(scratch, "outside");

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

beforeEach(() => {
  rmSync(top, { recursive: true, force: true });
  rmSync(outside, { recursive: true, force: true });
  mkdirSync(outside);
  writeFileSync(join(outside, "file"), "precious");
});

interface Told {
  readonly path: string;
  readonly kind?: keyof typeof CODES.kind;
  readonly target?: string;
  readonly content?: string;
  readonly mode?: number;
  readonly failure?: number;
  readonly size?: number;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function encode({ path, kind = "file", target = "", content = "", mode = 0o644, failure = 0, size = 0 }: Told): Buffer {
  const numbers = { kind: CODES.kind[kind], mode, failure, size, mtimeSeconds: 1, mtimeNanoseconds: 0 };
  const record = encodeFields(RECORDS.treeEntry, { ...numbers, path: Buffer.from(path), target: Buffer.from(target) });
  const pieces = content === "" ? [] : [u32(content.length), Buffer.from(content)];
  const rest = kind === "file" && failure === 0 ? [...pieces, u32(0)] : [];
  return Buffer.concat([u32(record.length), record, ...rest]);
}

const TOP: Told = { path: "", kind: "directory", mode: 0o755 };

/** What a download into `top` comes to, when it is answered so. */
async function download(answer: readonly Told[] | Buffer, options = {}): Promise<string> {
  const bytes = Buffer.isBuffer(answer) ? answer : Buffer.concat([TOP, ...answer].map(encode));
  const { context } = await harness({
    file: (stream) => {
      stream.started().data(1, bytes);
      stream.exit();
    },
  });
  return new SandboxFiles(context).download("tree", top, options).then(
    () => "done",
    (error: unknown) => (SandboxError.is(error) ? error.code : String(error)),
  );
}

describe("files.download", () => {
  test("makes what it is told", async () => {
    const told: Told[] = [
      { path: "a", kind: "directory", mode: 0o7750 },
      { path: "a/file", content: "text", mode: 0o6755 },
      { path: "b", kind: "symlink", target: outside },
    ];
    expect(await download(told)).toBe("done");
    expect(lstatSync(join(top, "a")).mode & 0o7777).toBe(0o750);
    expect(lstatSync(join(top, "a/file")).mode & 0o7777).toBe(0o755);
    expect(lstatSync(join(top, "b")).isSymbolicLink()).toBe(true);
  });

  const hostile: Readonly<Record<string, readonly Told[]>> = {
    "a path that climbs": [{ path: "../outside/file", content: "x" }],
    "a name that climbs": [{ path: "..", kind: "directory" }],
    "a path from the root": [{ path: `${outside}/file`, content: "x" }],
    "a path with an empty name": [
      { path: "a", kind: "directory" },
      { path: "a/", content: "x" },
    ],
    "a path with a NUL": [{ path: "a\0b", content: "x" }],
    "a file below a link": [
      { path: "link", kind: "symlink", target: outside },
      { path: "link/file", content: "x" },
    ],
    "a file below a file": [{ path: "a" }, { path: "a/file", content: "x" }],
    "a file in a folder that was not told": [{ path: "a/file", content: "x" }],
    "a file in a folder that is over": [
      { path: "a", kind: "directory" },
      { path: "b", kind: "directory" },
      { path: "a/file", content: "x" },
    ],
    "a file in a folder that was passed over": [
      { path: "a", kind: "directory", failure: 13 },
      { path: "a/file", content: "x" },
    ],
    "a second top": [{ path: "", kind: "directory" }],
    "a device": [{ path: "device", kind: "other" }],
    "a link to nothing": [{ path: "link", kind: "symlink" }],
    "a path that is too long": [{ path: "a".repeat(5000) }],
  };
  for (const [what, told] of Object.entries(hostile)) {
    test(`takes ${what} for a violation of the protocol`, async () => {
      expect(await download(told)).toBe("PROTOCOL_VIOLATION");
      expect(readFileSync(join(outside, "file"), "utf8")).toBe("precious");
      expect(readdirSync(outside)).toEqual(["file"]);
      expect(readdirSync(scratch).sort()).toEqual(["outside", "top"]);
    });
  }

  test("makes nothing twice: a link cannot take the place of a folder", async () => {
    const twice: Told[] = [
      { path: "a", kind: "symlink", target: outside },
      { path: "a", kind: "directory" },
      { path: "a/file", content: "x" },
    ];
    for (const options of [{}, { overwrite: true }]) expect(await download(twice, options)).toBe("FILE_FAILED");
    expect(readFileSync(join(outside, "file"), "utf8")).toBe("precious");
  });

  test("refuses a stream that is torn", async () => {
    const whole = Buffer.concat([TOP, { path: "a", content: "text" }].map((told) => encode(told)));
    for (const cut of [2, 10, whole.length - 2, whole.length - 6]) {
      rmSync(top, { recursive: true, force: true });
      expect(await download(whole.subarray(0, cut))).toBe("PROTOCOL_VIOLATION");
    }
  });

  test("escapes nothing, whatever comes", { timeout: 60_000 }, async () => {
    const name = fc.constantFrom("a", "b", "..", ".", "", "link", "a\n", outside, "../outside");
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
    const told = fc.record({
      path,
      kind: fc.constantFrom("file" as const, "directory" as const, "symlink" as const),
      target: fc.constantFrom(outside, "..", "../outside", "a"),
      content: fc.constantFrom("", "x"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(told, { maxLength: 6 }), fc.boolean(), async (tree, overwrite) => {
        rmSync(top, { recursive: true, force: true });
        await download(tree, { overwrite });
        expect(readdirSync(scratch).filter((each) => each !== "top")).toEqual(["outside"]);
        expect(readdirSync(outside)).toEqual(["file"]);
        expect(readFileSync(join(outside, "file"), "utf8")).toBe("precious");
      }),
      { numRuns: 150 },
    );
  });
});

describe("HostTree", () => {
  const entry = (path: string, kind: PackedEntry["kind"] = "directory"): PackedEntry => ({
    kind,
    mode: 0o755,
    failure: 0,
    size: 0,
    mtimeMs: 0,
    path: Buffer.from(path),
    target: Buffer.from(outside),
  });
  const content = () => {
    let pieces = [Buffer.from("through")];
    return async () => {
      const [first] = pieces;
      pieces = [];
      return first;
    };
  };

  test("writes into the folder that it made, wherever somebody moves it and whatever takes its place", async () => {
    const tree = new HostTree(top, false);
    tree.directory(entry("a"));
    // What a live workspace's agent could do: a path would lead outside now.
    rmSync(join(top, "a"), { recursive: true });
    symlinkSync(outside, join(top, "a"));
    await tree.file(entry("a/file", "file"), content()).catch(() => undefined);
    tree.close();
    expect(readFileSync(join(outside, "file"), "utf8")).toBe("precious");
    expect(existsSync(join(outside, "a"))).toBe(false);
  });

  test("does not go on through a link that takes the place of its top", () => {
    symlinkSync(outside, top);
    expect(() => new HostTree(top, true)).toThrow(/ENOTDIR|ELOOP/);
    expect(readdirSync(outside)).toEqual(["file"]);
  });
});

describe("TreeReader", () => {
  test("reads a tree however it is cut", async () => {
    const told = [
      TOP,
      { path: "a", kind: "directory" as const },
      { path: "a/b", content: "text" },
      { path: "c", content: "" },
    ];
    const bytes = Buffer.concat(told.map((each) => encode(each)));
    for (const size of [1, 3, 7, bytes.length]) {
      let at = 0;
      const reader = new TreeReader(async () => {
        const piece = bytes.subarray(at, at + size);
        at += size;
        return piece.length === 0 ? undefined : piece;
      });
      const seen: string[] = [];
      for (let each = await reader.next(); each !== undefined; each = await reader.next()) {
        seen.push(each.path.toString());
        if (each.kind !== "file") continue;
        for (let piece = await reader.piece(); piece !== undefined; piece = await reader.piece())
          seen.push(piece.toString());
      }
      expect(seen).toEqual(["", "a", "a/b", "text", "c"]);
    }
  });
});
