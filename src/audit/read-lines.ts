/**
 * Reads the lines of a log's file.
 *
 * @module
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { SandboxError } from "../errors.ts";
import { splitLines } from "./lines.ts";

const PIECE_BYTES = 65_536;

/**
 * The lines of a file, without their ends.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If it cannot be read, or is no regular file.
 * @throws {SandboxError} AUDIT_BROKEN If a line is too long, is no UTF-8, or has no end.
 */
export async function* readLines(path: string): AsyncGenerator<string> {
  let file: FileHandle | undefined;
  try {
    // A FIFO does not make the call wait for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) throw new Error("it is no regular file");
  } catch (cause) {
    await file?.close();
    throw new SandboxError("ARGUMENT_INVALID", `Cannot read the audit log "${path}": ${String(cause)}`, {
      details: { argument: "log", value: path },
      hint: "Name a file that this process can read",
      cause,
    });
  }
  try {
    yield* splitLines(pieces(file));
  } finally {
    await file.close();
  }
}

async function* pieces(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    // A buffer of its own for each piece: the splitter keeps parts of the last.
    const buffer = new Uint8Array(PIECE_BYTES);
    const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
