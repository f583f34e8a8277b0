/**
 * Policies in files.
 *
 * @module
 */

import { readFile, stat } from "node:fs/promises";
import { SandboxError } from "../errors.ts";
import { parsePolicy } from "./parse.ts";
import type { Policy } from "./types.ts";
import { MAX_TEXT_BYTES } from "./yaml.ts";

/**
 * Reads a policy from a `.yaml`, `.yml` or `.json` file.
 *
 * @throws {SandboxError} POLICY_UNREADABLE If the file is missing, no regular file, past 1 MiB, not UTF-8, or named
 * otherwise.
 * @throws {SandboxError} POLICY_INVALID If anything is wrong with the policy; issues carry line and column.
 *
 * @example
 * ```ts
 * import { createSandbox, loadPolicy } from "cofferdam";
 *
 * await using sandbox = await createSandbox(await loadPolicy("docs-agent.yaml"));
 * ```
 */
export async function loadPolicy(path: string): Promise<Policy> {
  if (!/\.(?:ya?ml|json)$/i.test(path)) throw unreadable(path, "its name must end in .yaml, .yml or .json");
  const bytes = await readBounded(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unreadable(path, "it must be UTF-8", cause);
  }
  return parsePolicy(text, { source: path });
}

async function readBounded(path: string): Promise<Uint8Array> {
  try {
    // First what it is, for opening a FIFO would wait.
    const stats = await stat(path);
    if (!stats.isFile()) throw unreadable(path, "it must be a regular file");
    if (stats.size <= MAX_TEXT_BYTES) return await readFile(path);
    throw unreadable(path, `it must have at most ${MAX_TEXT_BYTES} bytes, found ${stats.size}`);
  } catch (cause) {
    if (SandboxError.is(cause)) throw cause;
    throw unreadable(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function unreadable(path: string, reason: string, cause?: unknown): SandboxError<"POLICY_UNREADABLE"> {
  return new SandboxError("POLICY_UNREADABLE", `Cannot read the policy ${JSON.stringify(path)}: ${reason}`, {
    details: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}
