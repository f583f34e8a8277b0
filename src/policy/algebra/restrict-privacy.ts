/**
 * What two policies both let calls to models carry.
 *
 * @module
 */
import { canonicalJson } from "../digest.ts";
import type { Sourced } from "./draft.ts";
import { bodyOf, entriesOf, type PartEntry } from "./entries.ts";
import { ownOf } from "./inference-widenings.ts";
import { type Part, sourcesOf } from "./parts.ts";

/**
 * What either holds back, stays back. A rule that sends calls elsewhere is a denial unless both have it, with the same provider.
 * One of the cap that has a name of the policy's gets another.
 */
export function restrictPrivacy(policy: Part, cap: Part): Sourced<unknown>[] {
  const [own, more] = [entriesOf("inference.privacy", [policy]), entriesOf("inference.privacy", [cap])];
  const taken = new Set(own.map(({ id }) => id));
  const bodies = own.map(meaningOf);
  const added = more.filter((entry) => !bodies.includes(meaningOf(entry)));
  return [...own, ...added].map((entry) => {
    const { part, id, normalized } = entry;
    const isTaken = part === cap && id !== undefined && taken.has(id);
    const name = id === undefined ? {} : { id: isTaken ? `${id}.2` : id };
    const isCommon = part === policy && more.some((other) => meaningOf(other) === meaningOf(entry));
    const isBoth = isCommon && isSameProvider(entry, policy, cap);
    return { value: { ...name, ...bodyAs(entry, isBoth) }, from: sourcesOf(part, normalized.id) };
  });
}

/** The providers that rules send calls to which both have. */
export function privacyProviders(policy: Part, cap: Part): readonly string[] {
  return restrictPrivacy(policy, cap).flatMap(({ value }) => (value as { readonly provider?: string }).provider ?? []);
}

function bodyAs({ written }: PartEntry, isBoth: boolean): object {
  const { id: _, ...body } = written as Readonly<Record<string, unknown>>;
  if (body.action !== "route" || isBoth) return body;
  const { provider: __, model: ___, ...rest } = body;
  return { ...rest, action: "deny" };
}

function isSameProvider({ normalized }: PartEntry, policy: Part, cap: Part): boolean {
  const said = ({ normalized: { inference } }: Part) =>
    canonicalJson(ownOf(inference.providers ?? {}, String(normalized.provider)) ?? null);
  return said(policy) === said(cap);
}

function meaningOf(entry: PartEntry): string {
  return canonicalJson(bodyOf(entry));
}
