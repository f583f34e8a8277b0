/**
 * The entries of the lists of parts, as they were written and as they are meant.
 *
 * @module
 */
import { canonicalJson } from "../digest.ts";
import { at, type ListName, normalizedEntries } from "./draft.ts";
import type { Part } from "./parts.ts";

/** An entry of a list. */
export interface PartEntry {
  readonly part: Part;
  readonly list: ListName;
  readonly index: number;
  readonly written: unknown;
  readonly normalized: Readonly<Record<string, unknown>> & { readonly id: string };
  /** The id that was given to it. */
  readonly id?: string;
}

/** Those of one list, part by part. */
export function entriesOf(list: ListName, parts: readonly Part[]): readonly PartEntry[] {
  return parts.flatMap((part) => {
    const written = at(part.policy, list) as readonly unknown[] | undefined;
    return normalizedEntries(part.normalized, list).map((normalized, index): PartEntry => {
      const entry = written?.[index];
      const isGiven = typeof entry === "object" && entry !== null && "id" in entry;
      return { part, list, index, written: entry, normalized, ...(isGiven ? { id: normalized.id } : {}) };
    });
  });
}

/** What an entry means, without its id. */
export function bodyOf({ normalized: { id: _, ...body } }: PartEntry): Readonly<Record<string, unknown>> {
  return body;
}

/** Entries that say the same under one id, or under none, have one key. */
export function keyOf(entry: PartEntry): string {
  const body = bodyOf(entry);
  // Ranges and hosts are nothing but themselves.
  return Object.keys(body).length === 0 ? entry.normalized.id : canonicalJson([entry.id ?? null, body]);
}
