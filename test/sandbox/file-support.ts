/** What the tests of files share: operations that are answered as a test says. */
import { decodeMessage, encodeFields } from "../../src/link/codec.ts";
import { CODES, RECORDS } from "../../src/link/protocol.ts";
import { SandboxFiles } from "../../src/sandbox/files.ts";
import type { FakeStream, FakeWardenScript } from "../link/fake-warden.ts";
import { harness } from "./support.ts";

type Entry = Parameters<typeof encodeFields<(typeof RECORDS)["entry"]>>[1];

export async function withFiles(file: NonNullable<FakeWardenScript["file"]>) {
  const parts = await harness({ file });
  const asked = () => decodeMessage("file", parts.warden.all("file").at(-1)?.payload ?? Buffer.alloc(0));
  return { ...parts, files: new SandboxFiles(parts.context), asked };
}

/** Answers with those bytes, and success. */
export const answer = (bytes: string | Uint8Array) => (stream: FakeStream) => {
  stream.started();
  stream.data(1, bytes);
  stream.exit();
};

/** Takes all input, and succeeds. */
export function take(stream: FakeStream): void {
  stream.started();
  stream.onMessage = (name) => {
    if (name === "end") stream.exit();
  };
}

export function record(change: Partial<Entry> & { readonly called?: string | Uint8Array } = {}): Buffer {
  const { called = "file", ...fields } = change;
  const bytes = encodeFields(RECORDS.entry, {
    kind: CODES.kind.file,
    mode: 0o644,
    uid: 1000,
    size: 5,
    mtimeSeconds: 1_700_000_000,
    mtimeNanoseconds: 500_000_000,
    name: Buffer.from(called),
    target: Buffer.alloc(0),
    ...fields,
  });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}
