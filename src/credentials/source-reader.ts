/**
 * One credential's value, as fresh as its source.
 *
 * @module
 */
import { unavailable } from "./failure.ts";
import { type CompactText, type ReadValue, readSource } from "./read-source.ts";
import type { CredentialSource } from "./types.ts";

/** So many values of one credential are remembered, to be kept out of answers and records: a host may still say an old one. */
const REMEMBERED_MAX = 8;

/** How often a value that is kept may be given up for a host's word, in milliseconds; the more seldom the longer its source gives the same. */
const DROP_MS = 10_000;
const DROP_MAX_MS = 320_000;

/** Reads a source, and remembers what it gave. */
export class SourceReader {
  readonly name: string;
  readonly source: CredentialSource;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #compact: CompactText | undefined;
  #kept: ReadValue | undefined;
  #reading: Promise<ReadValue | undefined> | undefined;
  #values: readonly string[];
  #droppedAt = Number.NEGATIVE_INFINITY;
  #dropped: string | undefined;
  #dropMs = DROP_MS;

  constructor(
    name: string,
    source: CredentialSource,
    environment: Readonly<Record<string, string | undefined>>,
    values: readonly string[] = [],
    compact?: CompactText,
  ) {
    this.#compact = compact;
    this.name = name;
    this.#values = values;
    this.source = source;
    this.#environment = environment;
  }

  /** What it gave so far, the newest first. */
  get values(): readonly string[] {
    return this.#values;
  }

  /**
   * The value now; undefined where the host has none.
   *
   * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If it cannot be read.
   */
  async find(): Promise<string | undefined> {
    if (this.#kept !== undefined && this.#kept.keptUntil > Date.now()) return this.#kept.value;
    this.#reading ??= readSource(this.name, this.source, this.#environment, this.#compact).finally(() => {
      this.#reading = undefined;
    });
    const read = await this.#reading;
    this.#kept = read;
    if (read !== undefined && this.#values[0] !== read.value) {
      const others = this.#values.filter((value) => value !== read.value);
      this.#values = [read.value, ...others].slice(0, REMEMBERED_MAX);
    }
    return read?.value;
  }

  /**
   * The value now.
   *
   * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If it cannot be read, or the host has none.
   */
  async read(): Promise<string> {
    const value = await this.find();
    if (value === undefined) throw unavailable(this.name, "the host does not have it any more");
    return value;
  }

  /** A host does not take it: what is kept is read again. Programs can have hosts say so, and must not make it often. */
  refused(value: string): void {
    const now = Date.now();
    const isSame = this.#dropped === value;
    if (this.#kept?.value !== value || now - this.#droppedAt < (isSame ? this.#dropMs : DROP_MS)) return;
    this.#dropMs = isSame ? Math.min(this.#dropMs * 2, DROP_MAX_MS) : DROP_MS;
    this.#dropped = value;
    this.#droppedAt = now;
    this.#kept = undefined;
  }
}
