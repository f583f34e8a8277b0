/**
 * When versions were published, as registries said.
 *
 * @module
 */

/** What a request is for. */
export interface Asked {
  readonly kind: "index" | "file";
  readonly name: string;
  /** The name of the file. */
  readonly file?: string;
}

/** An index without what is too young, and when each file was published. */
export interface Answer {
  readonly body: string;
  readonly times: ReadonlyMap<string, number>;
}

/** How one kind of registry is read. */
export interface Ecosystem {
  /** The form of an index that has times. */
  readonly accept: string;
  /** Undefined: neither an index nor a file. A text: it could be one, and why that cannot be judged. */
  asked(path: string): Asked | string | undefined;
  /** A text: why it cannot be judged. */
  index(text: string, asked: Asked, latest: number): Answer | string;
}

/** So many files are remembered. */
const FILES_MAX = 100_000;

/** Times of files, by their names. */
export class PublishTimes {
  readonly #times = new Map<string, number>();

  learn({ times }: Answer): void {
    for (const [file, at] of times) this.#times.set(file, at);
    for (const oldest of this.#times.keys()) {
      if (this.#times.size <= FILES_MAX) break;
      this.#times.delete(oldest);
    }
  }

  of({ name, file = "" }: Asked): number | undefined {
    return this.#times.get(`${name}/${file}`);
  }
}

/** A time that is none is not old enough. */
export function isOldEnough(at: number, latest: number): boolean {
  return at <= latest;
}

/** A value as an object of JSON. */
export function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** A text as an object of JSON. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}
