/**
 * `sandbox.exec`: what a command reads.
 */
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { countMarked, mark, patterned, refused, until, within } from "../help.ts";

const MEGABYTE = 1024 * 1024;

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export const execInputCases: readonly Case[] = [
  {
    name: "a command reads nothing unless it is given something",
    async run(scene) {
      const sandbox = await scene.shared();
      expect(await within(10_000, "cat", sandbox.exec(["cat"]))).toMatchObject({ exitCode: 0, stdout: "" });
    },
  },
  {
    name: "stdin can be a string, bytes, a stream or anything that can be iterated",
    async run(scene) {
      const sandbox = await scene.shared();
      const cat = async (stdin: Parameters<typeof sandbox.exec>[1]) => (await sandbox.exec(["cat"], stdin)).stdout;
      expect(await cat({ stdin: "a string ü" })).toBe("a string ü");
      expect(await cat({ stdin: "" })).toBe("");
      expect(await cat({ stdin: new TextEncoder().encode("bytes") })).toBe("bytes");
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const word of ["a ", "stream"]) controller.enqueue(new TextEncoder().encode(word));
          controller.close();
        },
      });
      expect(await cat({ stdin: stream })).toBe("a stream");
      expect(await cat({ stdin: pieces(Buffer.from("a generator"), 3) })).toBe("a generator");
    },
  },
  {
    name: "20 MB go through cat byte for byte",
    async run(scene) {
      const sandbox = await scene.shared();
      const bytes = patterned(20_000_000);
      const options = { maxOutputBytes: 32 * MEGABYTE };
      const whole = await sandbox.exec(["cat"], { ...options, stdin: bytes });
      expect(bytes.equals(whole.stdoutBytes)).toBe(true);
      const inPieces = await sandbox.exec(["cat"], { ...options, stdin: pieces(bytes, 70_001) });
      expect(bytes.equals(inPieces.stdoutBytes)).toBe(true);
    },
  },
  {
    name: "a command that does not read its input ends all the same",
    async run(scene) {
      const sandbox = await scene.shared();
      const stdin = patterned(20_000_000);
      expect(await within(20_000, "true", sandbox.exec(["true"], { stdin }))).toMatchObject({ exitCode: 0 });
      const first = await within(
        20_000,
        "head",
        sandbox.exec(["head", "-c", "5"], { stdin: "0123456789".repeat(1_000_000) }),
      );
      expect(first).toMatchObject({ exitCode: 0, stdout: "01234" });
    },
  },
  {
    name: "a command that closes its input and goes on does so",
    async run(scene) {
      const sandbox = await scene.shared();
      const argv = ["sh", "-c", "exec 0<&-; sleep 0.2; echo went on; exit 6"];
      const result = await within(20_000, "exec()", sandbox.exec(argv, { stdin: patterned(5_000_000) }));
      expect(result).toMatchObject({ exitCode: 6, stdout: "went on\n" });
    },
  },
  {
    name: "an endless input stops when the command does",
    async run(scene) {
      const sandbox = await scene.shared();
      let given = 0;
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (;;) {
          given += 65_536;
          yield new Uint8Array(65_536);
        }
      }
      const result = await within(20_000, "head", sandbox.exec(["head", "-c", "100000"], { stdin: endless() }));
      expect(result.stdoutBytes.length).toBe(100_000);
      const atEnd = given;
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(given).toBe(atEnd);
    },
  },
  {
    name: "a source that never gives anything does not hold up the end of the command, nor a refusal",
    async run(scene) {
      const sandbox = await scene.shared();
      const silent = () => new ReadableStream<Uint8Array>();
      expect(await within(10_000, "true", sandbox.exec(["true"], { stdin: silent() }))).toMatchObject({ exitCode: 0 });
      const refusal = refused(sandbox.exec(["no-such-program"], { stdin: silent() }), "EXEC_FAILED");
      await within(10_000, "the refusal", refusal);
      await within(10_000, "write()", refused(sandbox.files.write("readonly/x", silent()), "FILE_DENIED"));
    },
  },
  {
    name: "input that nobody reads waits instead of piling up",
    async run(scene) {
      const sandbox = await scene.shared();
      let given = 0;
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (;;) {
          given += 65_536;
          yield new Uint8Array(65_536);
        }
      }
      const controller = new AbortController();
      const marked = mark();
      const command = refused(
        sandbox.exec(["sleep", marked], { stdin: endless(), signal: controller.signal }),
        "ABORTED",
      );
      await until(async () => (await countMarked(sandbox, marked)) === 1, "the command runs");
      let seen = -1;
      await until(async () => {
        const same = seen === given;
        seen = given;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return same;
      }, "the input waits");
      controller.abort();
      await command;
      expect(seen).toBeGreaterThan(0);
      expect(seen).toBeLessThan(4 * MEGABYTE);
    },
  },
  {
    name: "an input that fails kills the command, which must not take half of it for the whole",
    async run(scene) {
      const sandbox = await scene.shared();
      async function* failing(): AsyncGenerator<string> {
        yield "half";
        throw new Error("the source broke");
      }
      const script = 'cat > writable/half; echo "whole" > writable/whole; sleep 60';
      await expect(within(20_000, "exec()", sandbox.exec(["sh", "-c", script], { stdin: failing() }))).rejects.toThrow(
        "the source broke",
      );
      expect(await sandbox.files.exists("writable/whole")).toBe(false);
    },
  },
  {
    name: "a program that reads to the end sees the end",
    async run(scene) {
      const sandbox = await scene.shared();
      const result = await sandbox.exec(["sh", "-c", 'while read -r line; do echo "<$line>"; done; echo end'], {
        stdin: "one\ntwo\n",
      });
      expect(result.stdout).toBe("<one>\n<two>\nend\n");
    },
  },
];
