/**
 * Counting what a tree has, and where it ends.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { count } from "../arguments.ts";
import type { TreeLimits, TreeSummary } from "./types.ts";

const BYTES_MAX = 1024 ** 3;
const ENTRIES_MAX = 1_000_000;

/** Counts, and fails at the limits. */
export class TreeTally {
  readonly #operation: "upload" | "download";
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #maxEntries: number;
  readonly #counts = { file: 0, directory: 0, symlink: 0 };
  #bytes = 0;
  #skipped = 0;

  constructor(operation: "upload" | "download", path: Uint8Array, limits: TreeLimits) {
    this.#operation = operation;
    this.#path = Buffer.from(path).toString();
    this.#maxBytes = count("maxBytes", limits.maxBytes ?? BYTES_MAX, 0);
    this.#maxEntries = count("maxEntries", limits.maxEntries ?? ENTRIES_MAX, 0);
  }

  /** @throws {SandboxError} FILE_FAILED If it is one too many. */
  entry(kind: "file" | "directory" | "symlink" | "skipped"): void {
    if (kind === "skipped") this.#skipped++;
    else this.#counts[kind]++;
    const { file, directory, symlink } = this.#counts;
    if (file + directory + symlink + this.#skipped > this.#maxEntries) {
      throw this.#tooLarge(`it has more than ${this.#maxEntries} entries`, "Raise maxEntries");
    }
  }

  /** @throws {SandboxError} FILE_FAILED If there are too many. */
  bytes(bytes: number): void {
    this.require(bytes);
    this.#bytes += bytes;
  }

  /** @throws {SandboxError} FILE_FAILED If so many more would be too many. */
  require(bytes: number): void {
    if (bytes > this.#maxBytes - this.#bytes) {
      throw this.#tooLarge(`its files hold more than ${this.#maxBytes} bytes`, "Raise maxBytes");
    }
  }

  get summary(): TreeSummary {
    const { file: files, directory: directories, symlink: symlinks } = this.#counts;
    return { files, directories, symlinks, bytes: this.#bytes, skipped: this.#skipped };
  }

  #tooLarge(reason: string, hint: string): SandboxError<"FILE_FAILED"> {
    const message = `Cannot ${this.#operation} ${JSON.stringify(this.#path)}: ${reason}`;
    const details = { operation: this.#operation, path: this.#path, errno: "EFBIG" };
    return new SandboxError("FILE_FAILED", message, { details, hint });
  }
}
