/**
 * Splits bytes of unknown origin into lines, with a bound on each.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { auditBroken } from "./broken.ts";
import { MAX_LINE_BYTES } from "./line.ts";

const NEWLINE = 0x0a;

/**
 * The lines of a log, without their ends. Only `\n` ends a line, and every line has one.
 *
 * @throws {SandboxError} AUDIT_BROKEN If a line is too long, is no UTF-8, or has no end.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let line = 1;
  for await (const chunk of chunks) {
    let from = 0;
    while (from < chunk.length) {
      const at = chunk.indexOf(NEWLINE, from);
      const part = chunk.subarray(from, at < 0 ? chunk.length : at);
      parts.push(part);
      bytes += part.length;
      if (bytes > MAX_LINE_BYTES) throw auditBroken(line, `it is longer than ${MAX_LINE_BYTES} bytes`);
      if (at < 0) break;
      const text = decodeLine(Buffer.concat(parts));
      if (text === undefined) throw auditBroken(line, "it is no UTF-8");
      yield text;
      parts = [];
      bytes = 0;
      line++;
      from = at + 1;
    }
  }
  if (bytes > 0) throw auditBroken(line, "it has no end: it was cut, or a crash tore it");
}

/** The text of a line; undefined if it is no UTF-8. A byte order mark is a part of the text. */
export function decodeLine(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
