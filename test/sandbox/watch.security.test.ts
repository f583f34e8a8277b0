/**
 * `files.watch` on a warden that says what a test scripts.
 */
import { describe, expect, test } from "vitest";
import { SandboxError } from "../../src/errors.ts";
import { encodeFields } from "../../src/link/codec.ts";
import { CODES, RECORDS } from "../../src/link/protocol.ts";
import { SandboxFiles } from "../../src/sandbox/files.ts";
import type { FakeStream } from "../link/fake-warden.ts";
import { settle } from "../link/support.ts";
import { harness } from "./support.ts";

type Kind = keyof typeof CODES.change;

function record(kind: Kind | number, path = "", from = ""): Buffer {
  const code = typeof kind === "number" ? kind : CODES.change[kind];
  const body = encodeFields(RECORDS.change, {
    kind: code,
    directory: 0,
    path: Buffer.from(path),
    from: Buffer.from(from),
  });
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length);
  return Buffer.concat([size, body]);
}

/** A watch that begins with these bytes. */
async function watched(first: Buffer) {
  let stream: FakeStream | undefined;
  const { context, warden } = await harness({
    file: (opened) => {
      stream = opened;
      opened.started().data(1, first);
    },
  });
  const watching = new SandboxFiles(context).watch(".");
  watching.catch(() => undefined);
  await settle();
  return { context, warden, watching, stream: stream as unknown as FakeStream };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: unknown) => (SandboxError.is(error) ? error.code : String(error)),
  );
}

async function all(watch: AsyncIterable<unknown>): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const change of watch) seen.push(change);
  return seen;
}

describe("files.watch", () => {
  test("settles with ready, tells what comes, and ends with its stream", async () => {
    const { watching, stream } = await watched(record("ready"));
    const watch = await watching;
    stream.data(1, Buffer.concat([record("created", "a"), record("renamed", "b", "a"), record("overflow")]));
    stream.exit();
    expect(await all(watch)).toMatchObject([
      { kind: "created", path: "a", isDirectory: false },
      { kind: "renamed", path: "b", from: "a" },
      { kind: "overflow" },
    ]);
  });

  test("leaving the loop kills what watches, and gives its place back", async () => {
    const { watching, stream, warden, context } = await watched(record("ready"));
    stream.data(1, record("created", "a"));
    for await (const change of await watching) {
      expect(change.kind).toBe("created");
      break;
    }
    await settle();
    expect(warden.all("kill")).toHaveLength(1);
    const places = Array.from({ length: 17 }, () => context.watches.tryTake());
    expect(places.filter((place) => place !== undefined)).toHaveLength(16);
  });

  const hostile: Readonly<Record<string, Buffer>> = {
    "something else than ready": record("created", "a"),
    "a record that is too long": Buffer.from([0xff, 0xff, 0xff, 0x7f]),
    "a torn record": record("ready").subarray(0, 7),
  };
  for (const [what, first] of Object.entries(hostile)) {
    test(`closes the link on ${what}`, async () => {
      const { watching, stream, context } = await watched(first);
      stream.exit();
      expect(await codeOf(watching)).toBe("PROTOCOL_VIOLATION");
      expect(context.link.error?.code).toBe("PROTOCOL_VIOLATION");
    });
  }

  test("closes the link on a change of no kind", async () => {
    const { watching, stream, context } = await watched(record("ready"));
    const watch = await watching;
    stream.data(1, record(99, "a"));
    expect(await codeOf(all(watch))).toBe("PROTOCOL_VIOLATION");
    expect(context.link.error?.code).toBe("PROTOCOL_VIOLATION");
  });
});
