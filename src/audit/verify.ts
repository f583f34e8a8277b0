/**
 * Verifies a log: whether every line is as it was written, and where it was written.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { SandboxError } from "../errors.ts";
import { auditBroken } from "./broken.ts";
import { type ParsedLine, parseLine } from "./line.ts";
import { readLines } from "./read-lines.ts";

/** The options of `verifyAuditLog`. */
export interface VerifyAuditLogOptions {
  /** A hash that `log.head()` gave once: the line must still be there. Without it, a cut behind a closing line is not found. */
  readonly head?: string;
  /** Verifies what `sign` made of a head. With it, every closing line must have a signature. */
  readonly verifySignature?: (head: string, signature: Uint8Array) => boolean | Promise<boolean>;
}

/** A log that verifies. */
export interface VerifiedAuditLog {
  /** How many records it holds. */
  readonly records: number;
  /** How many chains: one, and one more each time the log was continued. */
  readonly chains: number;
  /** The hash of the last line. */
  readonly head: string;
  /**
   * Whether every chain has its closing line. If not, a process ended without closing its log, or the last line was cut:
   * only an expected head tells these apart.
   */
  readonly complete: boolean;
  /** How many lines follow the expected head; undefined if none was given. */
  readonly linesAfterHead: number | undefined;
}

/**
 * Verifies a log, given as the path of its file or as its lines.
 *
 * Shape: reads the log as a stream and holds one line at a time. Lines are counted from 1 and are at most 1 MiB long. What
 * a log without an expected head or signatures cannot show is that someone wrote all of it, or its end, anew.
 *
 * @throws {SandboxError} AUDIT_BROKEN If a line was changed, removed, inserted, repeated or moved, if the expected head is
 * not in it, or if a signature does not verify.
 * @throws {SandboxError} ARGUMENT_INVALID If the file cannot be read, or the expected head is no hash.
 *
 * @example
 * ```ts
 * import { SandboxError, verifyAuditLog } from "cofferdam";
 *
 * try {
 *   const { records, complete } = await verifyAuditLog("audit.jsonl");
 *   console.log(records, complete ? "records" : "records, and an open end");
 * } catch (error) {
 *   if (SandboxError.is(error, "AUDIT_BROKEN")) console.error(error.details.line, error.details.reason);
 * }
 * ```
 */
export async function verifyAuditLog(
  log: string | Iterable<string> | AsyncIterable<string>,
  options: VerifyAuditLogOptions = {},
): Promise<VerifiedAuditLog> {
  if (options.head !== undefined && !/^sha256:[0-9a-f]{64}$/.test(options.head)) {
    throw new SandboxError("ARGUMENT_INVALID", "Cannot look for the expected head of the audit log: it is no hash", {
      details: { argument: "head", value: options.head },
      hint: 'Give the "hash" of what log.head() returned: "sha256:" and 64 hexadecimal digits',
    });
  }
  const verifier = new Verifier(options);
  for await (const text of typeof log === "string" ? readLines(log) : log) await verifier.next(text);
  return verifier.end();
}

class Verifier {
  readonly #options: VerifyAuditLogOptions;
  #line = 0;
  #last: ParsedLine | undefined;
  #chain: unknown;
  #records = 0;
  #chainRecords = 0;
  #chains = 0;
  #unclosed = 0;
  #headLine: number | undefined;

  constructor(options: VerifyAuditLogOptions) {
    this.#options = options;
  }

  async next(text: string): Promise<void> {
    this.#line++;
    const line = parseLine(text);
    if (typeof line === "string") throw auditBroken(this.#line, line);
    if (line.kind === "log.open") this.#open(line);
    else {
      this.#continue(line);
      if (line.kind === "log.close") await this.#close(line);
      else this.#chainRecords++;
    }
    if (line.hash === this.#options.head) this.#headLine = this.#line;
    this.#last = line;
  }

  end(): VerifiedAuditLog {
    if (this.#last === undefined) throw auditBroken(1, "it is missing: every log has a first line");
    const { head } = this.#options;
    if (head !== undefined && this.#headLine === undefined) {
      throw auditBroken(this.#line, "it is the last one, and the expected head is not among them: the end was cut off");
    }
    const closed = this.#last.kind === "log.close";
    return Object.freeze({
      records: this.#records + this.#chainRecords,
      chains: this.#chains,
      head: this.#last.hash,
      complete: closed && this.#unclosed === 0,
      linesAfterHead: this.#headLine === undefined ? undefined : this.#line - this.#headLine,
    });
  }

  #open(line: ParsedLine): void {
    const { chain, format } = line.fields;
    if (format !== 1) throw auditBroken(this.#line, "it begins a log in a format that this version does not know");
    if (line.index !== 0 || typeof chain !== "string") throw auditBroken(this.#line, "it is no beginning of a chain");
    if (line.previous !== (this.#last?.hash ?? null)) {
      const first = this.#last === undefined;
      throw auditBroken(
        this.#line,
        first
          ? "it continues a log whose lines are missing"
          : "it begins a chain that does not continue the line before it: lines were removed, inserted or moved",
      );
    }
    if (this.#last !== undefined && this.#last.kind !== "log.close") this.#unclosed++;
    this.#chains++;
    this.#chain = chain;
    this.#records += this.#chainRecords;
    this.#chainRecords = 0;
  }

  #continue(line: ParsedLine): void {
    if (this.#last === undefined) throw auditBroken(this.#line, "it is not the first line of a log: that was removed");
    if (this.#last.kind === "log.close") throw auditBroken(this.#line, "it follows the closing line of its chain");
    const expected = this.#last.index + 1;
    if (line.index > expected) {
      throw auditBroken(
        this.#line,
        `it is number ${line.index} of its chain instead of ${expected}: lines before it are missing`,
      );
    }
    if (line.index < expected) {
      throw auditBroken(
        this.#line,
        `it is number ${line.index} of its chain instead of ${expected}: it was repeated or moved`,
      );
    }
    if (line.previous !== this.#last.hash) {
      throw auditBroken(this.#line, "it does not continue the line before it: one of them was inserted or replaced");
    }
  }

  async #close({ fields, previous }: ParsedLine): Promise<void> {
    const { chain, head, records, signature } = fields;
    if (chain !== this.#chain || head !== previous || records !== this.#chainRecords) {
      throw auditBroken(this.#line, "it is the closing line of another chain");
    }
    const verify = this.#options.verifySignature;
    if (verify === undefined) return;
    if (typeof signature !== "string") throw auditBroken(this.#line, "it has no signature");
    try {
      if ((await verify(String(head), Buffer.from(signature, "base64"))) === true) return;
    } catch (cause) {
      throw auditBroken(this.#line, "its signature could not be verified", cause);
    }
    throw auditBroken(this.#line, "its signature is not that of the chain");
  }
}
