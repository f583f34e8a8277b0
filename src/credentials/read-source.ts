/**
 * Reading a credential where the host has it.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { homedir } from "node:os";
import { SandboxError } from "../errors.ts";
import { unavailable } from "./failure.ts";
import type { CredentialSource, CredentialValue } from "./types.ts";

/** What was read, and how long it holds. */
export interface ReadValue {
  readonly value: string;
  /** Milliseconds since 1970. 0: it is read again each time. */
  readonly keptUntil: number;
}

/** The longest value, in characters: what fits into a header that servers take. */
const VALUE_MAX = 16_384;

/** A shorter one could not be told from other text, in answers and records. */
const VALUE_MIN = 8;

/** How long a source may take, in milliseconds. */
const READ_MS = 30_000;

/** How long what a command printed is kept, in milliseconds. */
const COMMAND_TTL_MS = 300_000;

/** A value is asked for again so long before it expires, in milliseconds. */
const EARLY_MS = 60_000;

/**
 * Reads it; undefined where the host has none.
 *
 * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If it cannot be read, or is nothing that a request can carry.
 */
export async function readSource(
  name: string,
  source: CredentialSource,
  environment: Readonly<Record<string, string | undefined>>,
  compact?: CompactText,
): Promise<ReadValue | undefined> {
  const { value, keptUntil: kept } = await readRaw(name, source, environment);
  if (compact === undefined || typeof value !== "string" || value === "") return checked(name, value, kept);
  const { expiresAt, ...made } = compact(name, value);
  return checked(name, made.value, expiresAt === undefined ? kept : Math.min(kept, keptUntil(name, { expiresAt })));
}

/** Makes a value of a text that is more than one, and says when it ends. */
export type CompactText = (name: string, text: string) => { readonly value: string; readonly expiresAt?: number };

interface RawValue {
  readonly value: unknown;
  readonly keptUntil: number;
}

async function readRaw(
  name: string,
  source: CredentialSource,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<RawValue> {
  if (typeof source === "function") return fromFunction(name, source);
  if ("env" in source) return { value: environment[source.env], keptUntil: 0 };
  if ("file" in source) return { value: (await readText(name, source.file))?.trim(), keptUntil: 0 };
  if ("login" in source) throw unavailable(name, "its source is a login, and the policy does not say so: login: true");
  const printed = await run(name, source.command);
  return { value: printed.trim(), keptUntil: Date.now() + (source.ttlMs ?? COMMAND_TTL_MS) };
}

async function fromFunction(
  name: string,
  source: Extract<CredentialSource, (...args: never) => unknown>,
): Promise<RawValue> {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(unavailable(name, `its function has not answered within ${READ_MS / 1000} s`));
      late.abort();
    }, READ_MS);
    timer.unref();
  });
  try {
    const given = await Promise.race([source({ name, signal: late.signal }), timeout]);
    if (typeof given !== "object" || given === null) return { value: given, keptUntil: 0 };
    return { value: given.value, keptUntil: keptUntil(name, given) };
  } catch (cause) {
    if (SandboxError.is(cause, "CREDENTIAL_UNAVAILABLE")) throw cause;
    throw unavailable(name, "its function failed", { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** A value that lives for two minutes is good for one and a half, whatever the clock says. */
function keptUntil(name: string, { expiresAt }: Pick<CredentialValue, "expiresAt">): number {
  if (expiresAt === undefined) return Number.POSITIVE_INFINITY;
  const end = Number(expiresAt);
  const left = end - Date.now();
  if (!(left > 0)) throw unavailable(name, "its source gave a value that has expired");
  return end - Math.min(EARLY_MS, left / 4);
}

async function readText(name: string, path: string): Promise<string | undefined> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw unavailable(name, `its file cannot be opened (${error.code ?? "unknown"})`);
  });
  if (file === undefined) return undefined;
  try {
    if (!(await file.stat()).isFile()) throw unavailable(name, "its file is no regular file");
    const { bytesRead, buffer } = await file.read(Buffer.alloc(VALUE_MAX * 2), 0, VALUE_MAX * 2, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Its error holds everything that it printed, so nothing of that goes on. */
function run(name: string, [program, ...args]: readonly [string, ...string[]]): Promise<string> {
  return new Promise((resolve, reject) => {
    // This process may stand in a folder that the sandbox writes: git, npm and others read what they do from where they are.
    const options = { cwd: homedir(), timeout: READ_MS, maxBuffer: VALUE_MAX * 2, windowsHide: true };
    execFile(program, args, options, (error, stdout) => {
      if (error === null) return resolve(stdout);
      const { code } = error;
      const how = error.killed ? "took too long, or printed too much" : `failed with ${code ?? error.signal}`;
      reject(unavailable(name, `the command ${JSON.stringify(program)} ${how}`));
    }).stdin?.end();
  });
}

function checked(name: string, value: unknown, keptUntil: number): ReadValue | undefined {
  if (value === undefined || value === "") return undefined;
  if (typeof value !== "string") throw unavailable(name, `its source gave a ${typeof value}, and no text`);
  if (value.length < VALUE_MIN) throw unavailable(name, `its value has less than ${VALUE_MIN} characters`);
  if (value.length > VALUE_MAX) throw unavailable(name, `its value has more than ${VALUE_MAX} characters`);
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw unavailable(name, "its value holds spaces, line breaks or characters that are not ASCII");
  }
  return { value, keptUntil };
}
