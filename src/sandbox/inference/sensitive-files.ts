/**
 * Files that rules of privacy are about: each is read before the sandbox may open, change, move or remove it, so that what it
 * said is known again in a call.
 *
 * Whatever names a path comes here first, and what is there then is kept: so nothing can be moved out of sight between the
 * question about it and the look at it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { InferencePlan } from "../../domains/inference/mod.ts";
import { Fingerprints } from "../../domains/inference/privacy/fingerprints.ts";
import { SandboxError } from "../../errors.ts";
import type { Decided, FilesystemAccess } from "../../hooks/mod.ts";
import { pathPatterns } from "../../hooks/mod.ts";
import { compileGlob } from "../../policy/core.ts";
import type { SandboxContext } from "../context.ts";
import { openFileStream, takeOutput } from "../file-stream.ts";
import type { WardenSubscription } from "../policy-frames.ts";

/** The longest file that is kept, in bytes: a longer one is not opened. */
const FILE_BYTES_MAX = 8 * 1024 * 1024;

/** How long reading one may take, in milliseconds. */
export const LOOK_MS = 20_000;

/** So many are read at one time. */
const LOOKS_MAX = 8;

const OPERATIONS = ["read", "write", "create", "delete", "rename", "link"] as const;

/** What the warden asks about for their sake. */
export function sensitiveSubscriptions(plan: InferencePlan): WardenSubscription[] {
  return rulesOf(plan).map(({ sensitive }) => ({
    domain: "filesystem",
    operations: OPERATIONS,
    paths: pathPatterns(sensitive),
    binaries: [],
  }));
}

interface SensitiveRule {
  readonly id: string;
  readonly sensitive: readonly string[];
}

function rulesOf(plan: InferencePlan): readonly SensitiveRule[] {
  if (plan.kind === "none") return [];
  return plan.privacy.flatMap(({ id, sensitive }) => (sensitive === undefined ? [] : [{ id, sensitive }]));
}

/** Why nothing was read. `nothing`: a FIFO or a socket has no content. */
type Unread = "nothing" | "missing" | "unreadable" | "folder" | "long";

/** What stands against an operation on what could not be read. It must not come to be read unseen afterwards. */
function problemOf(read: Unread, { mustBe, operation }: { mustBe: boolean; operation: string }): string | undefined {
  if (read === "long") return `it has more than ${FILE_BYTES_MAX} bytes`;
  if (read === "unreadable") return "it cannot be read";
  if (read === "missing" && mustBe) return "it was gone when it was looked at";
  return read === "folder" && operation === "rename" ? "a folder with such files is not renamed" : undefined;
}

/** Knows them. */
export class SensitiveFiles {
  #fingerprints: Fingerprints | undefined;
  /** The sandbox, once it runs. */
  context: SandboxContext | undefined;
  /** The operations that read for us. */
  readonly #own = new Set<number>();
  #rules: readonly { readonly id: string; readonly mask: number; readonly matches: (path: string) => boolean }[] = [];
  #looking = 0;
  readonly #line: (() => void)[] = [];

  constructor(plan: InferencePlan) {
    this.setPlan(plan);
  }

  /** What is kept of them. */
  get fingerprints(): Fingerprints {
    this.#fingerprints ??= new Fingerprints();
    return this.#fingerprints;
  }

  /** Another policy is in force. */
  setPlan(plan: InferencePlan): void {
    this.#rules = rulesOf(plan).map(({ id, sensitive }) => {
      // Without a bit of its own nothing of it can be kept, and nothing may be opened.
      const mask = this.fingerprints.bitOf(sensitive) ?? 0;
      const globs = pathPatterns(sensitive).map((pattern) => compileGlob(`${pattern}/**`));
      return { id, mask, matches: (path) => globs.some((each) => each(path)) };
    });
  }

  /** Whether an operation of the sandbox's files is one of ours. */
  isOwn(stream: number): boolean {
    return this.#own.has(stream);
  }

  /** Whether rules are about an access of a program: what the owner does with files is the owner's affair. */
  isAbout({ path, target }: FilesystemAccess, stream: number): boolean {
    if (this.context?.fileStreams.has(stream)) return false;
    return this.#rules.some(({ matches }) => matches(path) || (target !== undefined && matches(target)));
  }

  /** Keeps what an access is about, once it was allowed. */
  async keep(access: FilesystemAccess, decided: Decided, signal: AbortSignal | undefined): Promise<Decided> {
    if (decided.verdict !== "allow") return decided;
    const problem = await this.#keepAll(access, decided.content, signal).catch(
      (error: unknown) => `what it says could not be kept: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (problem === undefined) return decided;
    const { latencyMs } = decided;
    return { verdict: "deny", decidedBy: { kind: "policy" }, reason: problem, latencyMs };
  }

  async #keepAll(
    { operation, path, pathBytes, target }: FilesystemAccess,
    content: Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    if (content !== undefined) return this.#keepText(path, content);
    const mustBe = operation === "read" || operation === "write";
    const places: readonly (readonly [string, Uint8Array])[] = [
      [path, pathBytes],
      ...(target === undefined ? [] : [[target, Buffer.from(target)] as const]),
    ];
    for (const [name, bytes] of places) {
      if (!this.#rules.some(({ matches }) => matches(name))) continue;
      const read = await this.#look(bytes, signal);
      const problem =
        typeof read !== "string" ? await this.#keepText(name, read) : problemOf(read, { mustBe, operation });
      if (problem !== undefined) return `${this.#ids(name)} marks it, and ${problem}`;
    }
    return undefined;
  }

  async #keepText(path: string, bytes: Uint8Array): Promise<string | undefined> {
    const rules = this.#rules.filter(({ matches }) => matches(path));
    const mask = rules.reduce((all, rule) => (all | rule.mask) >>> 0, 0);
    const hasBits = rules.every((rule) => rule.mask !== 0);
    const isKept = hasBits && (await this.fingerprints.add(Buffer.from(bytes).toString(), mask));
    return isKept ? undefined : "no more can be kept of what such files say";
  }

  #ids(path: string): string {
    const ids = this.#rules.flatMap(({ id, matches }) => (matches(path) ? [id] : []));
    return `rule ${ids.join(", ")}`;
  }

  /** Reads a file as the sandbox's own user may. */
  async #look(path: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array | Unread> {
    await this.#turn();
    try {
      return await this.#read(path, signal);
    } catch (error) {
      if (!SandboxError.is(error)) throw error;
      if (error.code === "FILE_MISSING") return "missing";
      if (error.code === "FILE_DENIED") return "unreadable";
      if (SandboxError.is(error, "FILE_FAILED") && error.details.errno === "EISDIR") return "folder";
      if (SandboxError.is(error, "FILE_FAILED") && error.details.errno === "EINVAL") return "nothing";
      throw error;
    } finally {
      this.#looking--;
      this.#line.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#looking >= LOOKS_MAX) await new Promise<void>((resolve) => this.#line.push(resolve));
    this.#looking++;
  }

  async #read(path: Uint8Array, given: AbortSignal | undefined): Promise<Uint8Array | "long"> {
    const { context } = this;
    if (context === undefined) throw new Error("the sandbox does not run yet");
    const late = AbortSignal.timeout(LOOK_MS);
    const signal = given === undefined ? late : AbortSignal.any([given, late]);
    const request = { operation: "read", path, length: FILE_BYTES_MAX + 1 } as const;
    let own: number | undefined;
    const onStream = (stream: number): void => {
      own = stream;
      this.#own.add(stream);
    };
    try {
      const stream = await openFileStream(context, request, signal, onStream);
      const pieces: Uint8Array[] = [];
      for (let data = await takeOutput(stream); data !== undefined; data = await takeOutput(stream)) pieces.push(data);
      await stream.done;
      const bytes = Buffer.concat(pieces);
      return bytes.length > FILE_BYTES_MAX ? "long" : bytes;
    } finally {
      if (own !== undefined) this.#own.delete(own);
    }
  }
}
