/**
 * The chain of a log's lines, each sealed with the hash of the one before it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { type SealedLine, sealLine } from "./line.ts";
import type { AuditRecord } from "./record.ts";

/** The first line of a chain. Its `previous` is null, or the last line of the chain that it continues. */
export interface LogOpenLine {
  readonly kind: "log.open";
  readonly time: string;
  /** The name of the chain, drawn at random. */
  readonly chain: string;
  /** The version of this format. */
  readonly format: 1;
}

/** The last line of a chain that ended in order. */
export interface LogCloseLine {
  readonly kind: "log.close";
  readonly time: string;
  readonly chain: string;
  /** The hash of the line before this one: what `signature` signs. */
  readonly head: string;
  /** How many records the chain holds. */
  readonly records: number;
  /** In base64. */
  readonly signature?: string;
}

/** What every line of a log has beside its record. */
export interface ChainFields {
  /** 0 for the first line of a chain, and one more with each. */
  readonly index: number;
  /** The hash of the line before it; null at the beginning of a log. */
  readonly previous: string | null;
  /** `sha256:` and hexadecimal digits: of the line's canonical JSON without this field. */
  readonly hash: string;
}

/** A line of a log. */
export type AuditLine = (AuditRecord | LogOpenLine | LogCloseLine) & ChainFields;

/** The newest line of a chain. */
export interface AuditHead {
  readonly chain: string;
  readonly index: number;
  readonly hash: string;
}

/** Seals lines. A line that cannot be sealed leaves the chain as it was. */
export class Chain {
  readonly id: string = randomUUID();
  #index = 0;
  #records = 0;
  #previous: string | null;

  constructor(previous: string | undefined) {
    this.#previous = previous ?? null;
  }

  /** The hash of the newest line. */
  get head(): string {
    return this.#previous ?? "";
  }

  /** The index of the newest line. */
  get index(): number {
    return this.#index - 1;
  }

  open(): SealedLine {
    const line: LogOpenLine = { kind: "log.open", time: now(), chain: this.id, format: 1 };
    return this.#seal(line);
  }

  record(record: AuditRecord): SealedLine {
    const line = this.#seal(record);
    this.#records++;
    return line;
  }

  close(signature: Uint8Array | undefined): SealedLine {
    const line: LogCloseLine = {
      kind: "log.close",
      time: now(),
      chain: this.id,
      head: this.head,
      records: this.#records,
      ...(signature === undefined ? {} : { signature: Buffer.from(signature).toString("base64") }),
    };
    return this.#seal(line);
  }

  #seal(content: object): SealedLine {
    const line = sealLine(content, this.#index, this.#previous);
    this.#index++;
    this.#previous = line.hash;
    return line;
  }
}

function now(): string {
  return new Date().toISOString();
}
