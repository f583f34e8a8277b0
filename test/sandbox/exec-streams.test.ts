import { describe, expect, test } from "vitest";
import { decodeMessage } from "../../src/link/codec.ts";
import { execCommand } from "../../src/sandbox/exec.ts";
import type { ExecOptions } from "../../src/sandbox/types.ts";
import type { FakeStream } from "../link/fake-warden.ts";
import { settle } from "../link/support.ts";
import { harness } from "./support.ts";

/** A program that writes back what it reads. */
function cat(stream: FakeStream): void {
  stream.started();
  stream.onMessage = () => {
    if (!stream.inputEnded) return;
    stream.data(1, stream.input);
    stream.exit();
  };
}

describe("exec() output", () => {
  test("past maxOutputBytes is dropped, at the source", async () => {
    const { context, warden } = await harness({
      exec: (stream) => {
        stream.started();
        stream.data(1, "0123456789");
        stream.data(2, "0123");
        stream.onMessage = (name) => {
          if (name === "discard") stream.exit();
        };
      },
    });
    const result = await execCommand(context, ["x"], { maxOutputBytes: 4 });
    expect(result).toMatchObject({ stdout: "0123", stderr: "0123", truncated: true });
    expect(warden.all("discard").map(({ channel }) => channel)).toEqual([1]);
  });

  test("of 10 MiB comes whole, through credit", async () => {
    const size = 10 * 1024 * 1024;
    const all = Buffer.alloc(size, Buffer.from(Array.from({ length: 249 }, (_, index) => index)));
    const { context, warden } = await harness({
      exec: (stream) => {
        let at = 0;
        const pump = () => {
          for (let sent = 1; sent > 0 && at < size; at += sent) sent = stream.data(1, all.subarray(at));
          if (at === size && !stream.over) stream.exit();
        };
        stream.started();
        stream.onMessage = pump;
        setImmediate(pump);
      },
    });
    const { stdoutBytes } = await execCommand(context, ["x"]);
    expect(Buffer.from(stdoutBytes).equals(all)).toBe(true);
    expect(warden.all("credit").length).toBeLessThan(100);
  });

  test("byte by byte does not cost more memory than at once", async () => {
    const { context } = await harness({
      exec: (stream) => {
        stream.started();
        setImmediate(() => {
          for (let i = 0; i < 100_000; i++) stream.data(1, "a");
          stream.exit();
        });
      },
    });
    expect((await execCommand(context, ["x"])).stdoutBytes).toHaveLength(100_000);
  });
});

describe("exec() stdin", () => {
  async function* pieces() {
    yield "one ";
    yield Buffer.from("two ");
    yield "";
    yield "three";
  }
  test.each<[string, () => NonNullable<ExecOptions["stdin"]>, string]>([
    ["a string", () => "é", "é"],
    ["an empty string", () => "", ""],
    ["bytes", () => Buffer.from("bytes"), "bytes"],
    ["an async iterable", pieces, "one two three"],
    ["a stream", () => new Blob(["a stream"]).stream(), "a stream"],
  ])("can be %s", async (_what, stdin, expected) => {
    const { context, warden } = await harness({ exec: cat });
    expect((await execCommand(context, ["cat"], { stdin: stdin() })).stdout).toBe(expected);
    expect(decodeMessage("exec", warden.all("exec")[0]?.payload ?? Buffer.alloc(0)).flags).toBe(2);
  });

  test("of a megabyte arrives whole", async () => {
    let arrived = 0;
    const { context } = await harness({
      exec: (stream) => {
        stream.started();
        stream.onMessage = () => {
          arrived = stream.input.length;
          if (stream.inputEnded) stream.exit();
        };
      },
    });
    await execCommand(context, ["cat"], { stdin: Buffer.alloc(1_000_000, "x") });
    expect(arrived).toBe(1_000_000);
  });

  test("that never comes does not hold a program that has ended, and is let go", async () => {
    let cancelled = false;
    const stdin = new ReadableStream<Uint8Array>({
      cancel: () => {
        cancelled = true;
      },
    });
    const { context } = await harness({ exec: (stream) => stream.started().exit() });
    expect((await execCommand(context, ["true"], { stdin })).exitCode).toBe(0);
    expect(cancelled).toBe(true);
  });

  test("that is endless ends with the program", async () => {
    let returned = false;
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(100_000);
      } finally {
        returned = true;
      }
    }
    const { context } = await harness({
      exec: (stream) => {
        stream.started();
        stream.onMessage = () => {
          if (stream.input.length > 300_000) stream.exit();
        };
      },
    });
    await execCommand(context, ["head"], { stdin: endless() });
    await settle();
    expect(returned).toBe(true);
  });

  test.each<[string, () => NonNullable<ExecOptions["stdin"]>, RegExp]>([
    [
      "that throws",
      async function* () {
        yield "half";
        throw new Error("disk on fire");
      },
      /disk on fire/,
    ],
    [
      "with pieces that are no data",
      async function* () {
        yield { toString: () => "x" } as never;
      },
      /Cannot send an object as input/,
    ],
    [
      "that is locked",
      () => {
        const stream = new ReadableStream<Uint8Array>();
        stream.getReader();
        return stream;
      },
      /lock/i,
    ],
  ])("%s fails the call and kills the program", async (_what, stdin, message) => {
    const { context, warden } = await harness({ exec: cat });
    await expect(execCommand(context, ["cat"], { stdin: stdin() })).rejects.toThrow(message);
    await settle();
    expect(warden.all("kill")).toHaveLength(1);
    expect(warden.all("end")).toHaveLength(0);
  });
});
