import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_LINE_BYTES, sealLine } from "../../src/audit/line.ts";
import type { RecordBody } from "../../src/audit/record.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { bodies, hashOf, linesOf, rejection, toBytes, verifyBytes } from "./support.ts";

const three: RecordBody[] = [1, 2, 3].map((durationMs) => ({ kind: "sandbox.end", reason: "stopped", durationMs }));

function throwing(): boolean {
  throw new Error("no key");
}

async function brokenAt(lines: readonly string[], options = {}): Promise<[number, string]> {
  const { details } = await rejection("AUDIT_BROKEN", verifyAuditLog(lines, options));
  return [details.line, details.reason];
}

describe("verifyAuditLog()", () => {
  test("accepts what a log wrote", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.integer({ min: 1, max: 300 }), async (records, pieceBytes) => {
        const lines = await linesOf(records);
        const head = hashOf(lines.at(-1));
        expect(await verifyBytes(toBytes(lines), { head }, pieceBytes)).toEqual({
          records: records.length,
          chains: 1,
          head,
          complete: true,
          linesAfterHead: 0,
        });
      }),
    );
  });

  test("finds any changed byte", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.nat(), fc.integer({ min: 1, max: 255 }), async (records, place, flip) => {
        const bytes = toBytes(await linesOf(records));
        const at = place % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        await rejection("AUDIT_BROKEN", verifyBytes(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test("finds any byte that was added or taken away", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.nat(), fc.option(fc.nat(255)), async (records, place, added) => {
        const bytes = toBytes(await linesOf(records));
        const at = place % bytes.length;
        const mutated =
          added === null
            ? [bytes.subarray(0, at), bytes.subarray(at + 1)]
            : [bytes.subarray(0, at), Buffer.of(added), bytes.subarray(at)];
        await rejection("AUDIT_BROKEN", verifyBytes(Buffer.concat(mutated)));
      }),
      { numRuns: 500 },
    );
  });

  test("finds any line that was removed, moved, repeated or replaced", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.nat(), fc.nat(), async (records, first, second) => {
        const lines = await linesOf(records);
        const others = await linesOf(records);
        const [a, b] = [first % lines.length, second % lines.length];
        const line = lines[a] ?? "";
        const removed = lines.toSpliced(a, 1);
        const end = { head: hashOf(lines.at(-1)) };
        // Only the end can be taken away without a trace in what is left.
        await rejection("AUDIT_BROKEN", verifyAuditLog(removed, a === removed.length ? end : {}));
        await rejection("AUDIT_BROKEN", verifyAuditLog(lines.toSpliced(b, 0, line)));
        if (a !== b) {
          await rejection("AUDIT_BROKEN", verifyAuditLog(lines.with(a, lines[b] ?? "").with(b, line)));
          await rejection("AUDIT_BROKEN", verifyAuditLog(removed.toSpliced(b, 0, line)));
        }
        await rejection("AUDIT_BROKEN", verifyAuditLog(lines.toSpliced(b, 0, others[a] ?? "")));
        await rejection("AUDIT_BROKEN", verifyAuditLog(lines.with(a, others[a] ?? "")));
      }),
    );
  });

  test("finds any cut by the expected head, and otherwise an open end", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.nat(), async (records, place) => {
        const lines = await linesOf(records);
        const bytes = toBytes(lines);
        const cut = bytes.subarray(0, place % bytes.length);
        await rejection("AUDIT_BROKEN", verifyBytes(cut, { head: hashOf(lines.at(-1)) }));
        const kept = cut.toString().split("\n").slice(0, -1);
        if (kept.length > 0) expect(await verifyAuditLog(kept)).toMatchObject({ complete: false });
      }),
    );
  });

  test("says which line and why", async () => {
    const lines = await linesOf(three);
    const [open = "", a = "", b = "", c = "", close = ""] = lines;
    expect(await brokenAt([open, a, b.replace("stopped", "stooped"), c, close])).toEqual([
      3,
      "its hash is not that of its content: it was changed",
    ]);
    expect(await brokenAt([open, a, c, close])).toEqual([
      3,
      "it is number 3 of its chain instead of 2: lines before it are missing",
    ]);
    expect(await brokenAt([open, a, a, b, c, close])).toEqual([
      3,
      "it is number 1 of its chain instead of 2: it was repeated or moved",
    ]);
    expect(await brokenAt([a, b, c, close])).toEqual([1, "it is not the first line of a log: that was removed"]);
    expect(await brokenAt([open, a, "", b])).toEqual([3, "it is empty"]);
    expect(await brokenAt([open, a, b], { head: hashOf(close) })).toEqual([
      3,
      "it is the last one, and the expected head is not among them: the end was cut off",
    ]);
    expect(await brokenAt([])).toEqual([1, "it is missing: every log has a first line"]);
    expect(await brokenAt([open, a, sealLine({ kind: "x" }, 2, hashOf(b)).text])).toEqual([
      3,
      "it does not continue the line before it: one of them was inserted or replaced",
    ]);
    expect(await brokenAt([open, close])).toEqual([
      2,
      "it is number 4 of its chain instead of 1: lines before it are missing",
    ]);
    expect(await brokenAt([...lines, sealLine({ kind: "x" }, 5, hashOf(close)).text])).toEqual([
      6,
      "it follows the closing line of its chain",
    ]);
  });

  test("names line, reason and a hint in the error", async () => {
    const error = await rejection("AUDIT_BROKEN", verifyAuditLog(["{}"]));
    expect(error.message).toBe("Cannot trust the audit log at line 1: it is no record of a log");
    expect(error.hint).toMatch(/evidence/);
  });

  test("accepts a head from the middle, and counts what follows it", async () => {
    const lines = await linesOf(three);
    expect(await verifyAuditLog(lines, { head: hashOf(lines[2]) })).toMatchObject({ linesAfterHead: 2 });
    await rejection("ARGUMENT_INVALID", verifyAuditLog(lines, { head: "" }));
  });

  test("links chains, closed or not", async () => {
    const first = await linesOf(three, { closed: false });
    const second = await linesOf(three, { previous: hashOf(first.at(-1)) });
    const third = await linesOf([], { previous: hashOf(second.at(-1)) });
    const whole = [...first, ...second, ...third];
    expect(await verifyAuditLog(whole)).toMatchObject({ records: 6, chains: 3, complete: false });
    expect((await brokenAt([...first, ...third]))[0]).toBe(5);
    expect(await brokenAt([...second, ...third])).toEqual([1, "it continues a log whose lines are missing"]);
    expect((await brokenAt([...first.slice(0, -1), ...second]))[0]).toBe(4);
  });

  test("checks the signature of every closing line", async () => {
    const sign = (head: string) => Buffer.from(`signed ${head}`);
    const options = {
      verifySignature: async (head: string, signature: Uint8Array) => Buffer.from(signature).equals(sign(head)),
    };
    const lines = await linesOf(three, { sign });
    expect(await verifyAuditLog(lines, options)).toMatchObject({ complete: true });
    expect(await brokenAt(await linesOf(three), options)).toEqual([5, "it has no signature"]);
    const forged = await linesOf(three, { sign: () => Buffer.from("forged") });
    expect(await brokenAt(forged, options)).toEqual([5, "its signature is not that of the chain"]);
    for (const verifySignature of [() => Promise.reject(new Error("no key")), throwing]) {
      expect(await brokenAt(lines, { verifySignature })).toEqual([5, "its signature could not be verified"]);
    }
  });

  test.each([
    ["depth", `${"[".repeat(200_000)}${"]".repeat(200_000)}`],
    ["depth in a record", `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`],
    ["length", "x".repeat(MAX_LINE_BYTES + 1)],
    ["null", "null"],
    ["a number", "1"],
    ["a list", "[]"],
    ["a repeated key", '{"hash":"a","hash":"b"}'],
    ["a prototype", '{"__proto__":{"kind":"log.open"}}'],
    ["a byte order mark", "\u{feff}{}"],
  ])("survives hostile lines: %s", async (_, line) => {
    expect((await brokenAt([line]))[0]).toBe(1);
    await rejection("AUDIT_BROKEN", verifyBytes(Buffer.from(`${line}\n`), {}, 65_536));
  });

  test("finds a byte order mark, other line ends, a missing line end and what is no UTF-8", async () => {
    const lines = await linesOf(three);
    await rejection("AUDIT_BROKEN", verifyBytes(Buffer.from(`\u{feff}${toBytes(lines)}`)));
    await rejection("AUDIT_BROKEN", verifyBytes(Buffer.from(lines.map((line) => `${line}\r\n`).join(""))));
    const { details } = await rejection("AUDIT_BROKEN", verifyBytes(Buffer.from(lines.join("\n"))));
    expect(details).toEqual({ line: 5, reason: "it has no end: it was cut, or a crash tore it" });
    await rejection("AUDIT_BROKEN", verifyBytes(Buffer.of(0xff, 0x0a)));
  });
});
