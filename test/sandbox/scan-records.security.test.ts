import { describe, expect, test } from "vitest";
import { encodeFields } from "../../src/link/codec.ts";
import { CODES, RECORDS } from "../../src/link/protocol.ts";
import { ScanParser } from "../../src/sandbox/scan-records.ts";

const FIELDS = {
  kind: CODES.kind.file,
  problem: CODES.problem.none,
  mode: 0o100644,
  size: 3,
  inode: 9,
  ctimeSeconds: 5,
  ctimeNanoseconds: 7_900_000,
  path: Buffer.from("/workspace/docs/a"),
  target: Buffer.alloc(0),
  sha256: Buffer.alloc(32, 0xab),
};

function record(changes: Partial<Record<keyof typeof FIELDS, never>> | object = {}): Buffer {
  const body = encodeFields(RECORDS.scanned, { ...FIELDS, ...changes });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

describe("ScanParser", () => {
  test("reads records however they are cut", () => {
    const bytes = Buffer.concat([record(), record({ path: Buffer.from("/workspace/docs/\xff", "latin1") })]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const parser = new ScanParser("docs");
      const entries = [...parser.add(bytes.subarray(0, cut)), ...parser.add(bytes.subarray(cut))];
      parser.end();
      expect(entries.map(({ path }) => path)).toEqual(["docs/a", "docs/\xff"]);
      expect(entries[0]).toMatchObject({ mode: 0o644, ctimeMs: 5007, sha256: "ab".repeat(32) });
    }
  });

  test.each([
    "/workspace/other/a",
    "/workspace/docs/../x",
    "/workspace/docs//x",
    "/workspace/docs/./x",
    "/workspacedocs/x",
    "/workspace",
    "/etc/passwd",
    "docs/a",
    "",
    "/workspace/docs/a\0b",
  ])("refuses the path %j", (path) => {
    expect(() => new ScanParser("docs").add(record({ path: Buffer.from(path) }))).toThrow(
      expect.objectContaining({ code: "PROTOCOL_VIOLATION" }),
    );
  });

  test.each([
    ["an unknown kind", record({ kind: 9 })],
    ["an unknown problem", record({ problem: 9 })],
    ["half a hash", record({ sha256: Buffer.alloc(16) })],
    ["a folder with a hash", record({ kind: CODES.kind.directory })],
    ["a length past all bounds", Buffer.from([0xff, 0xff, 0xff, 0x7f])],
  ])("refuses %s", (_, bytes) => {
    expect(() => new ScanParser("docs").add(bytes)).toThrow(expect.objectContaining({ code: "PROTOCOL_VIOLATION" }));
  });

  test("refuses an answer that ends within a record", () => {
    const parser = new ScanParser("docs");
    parser.add(record().subarray(0, 20));
    expect(() => parser.end()).toThrow(expect.objectContaining({ code: "PROTOCOL_VIOLATION" }));
  });
});
