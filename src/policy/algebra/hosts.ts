/**
 * Hosts, programs, ports and addresses of rules on connections: whether one list means all that another does, and what two
 * have in common.
 *
 * @module
 */
import { hostRange, isListed } from "../addresses.ts";
import { coversText } from "../containment.ts";
import type { NormalizedNetworkDenial } from "../normalized.ts";
import { absolutePattern } from "../paths.ts";
import { PLACES } from "../widenings.ts";
import { meetGlobs } from "./meet-globs.ts";

/** What the rules on connections have in common. */
export type Conditions = Pick<NormalizedNetworkDenial, "host" | "ports" | "binaries">;

/** Whether all connections that `narrow` means are meant by `wide`. */
export function containsConditions(wide: Conditions, narrow: Conditions): boolean {
  return (
    containsHost(wide.host, narrow.host) &&
    containsPorts(wide.ports, narrow.ports) &&
    containsBinaries(wide.binaries, narrow.binaries)
  );
}

/** Whether one connection may be meant by both. A name may lead to an address. */
export function conditionsMayMeet(a: Conditions, b: Conditions): boolean {
  const isMixed = (hostRange(a.host) === undefined) !== (hostRange(b.host) === undefined);
  return meetConditions(isMixed ? { ...a, host: b.host } : a, b).length > 0;
}

/** The connections that both mean. */
export function meetConditions(a: Conditions, b: Conditions): readonly Conditions[] {
  const ports = meetPorts(a.ports, b.ports);
  const binaries = meetBinaries(a.binaries, b.binaries);
  if (ports === undefined || binaries === undefined) return [];
  return meetHosts(a.host, b.host).map((host) => ({ host, ports, binaries }));
}

function containsHost(wide: string, narrow: string): boolean {
  const [outer, inner] = [hostRange(wide), hostRange(narrow)];
  if (outer === undefined || inner === undefined) return outer === inner && coversText(wide, narrow, ".");
  return containsRange(outer, inner);
}

function meetHosts(a: string, b: string): readonly string[] {
  if (containsHost(a, b)) return [b];
  if (containsHost(b, a)) return [a];
  if (hostRange(a) !== undefined || hostRange(b) !== undefined) return [];
  // A last label of digits is an address to whoever parses URLs, and never a name.
  return meetGlobs(a, b, ".").filter((host) => !/(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/.test(host));
}

/** Whether a range, or an address, lies in another. Of two ranges neither or one is within the other. */
export function containsRange(wide: string, narrow: string): boolean {
  const bits = (range: string) => Number(range.split("/")[1] ?? Number.POSITIVE_INFINITY);
  const [first = ""] = narrow.split("/");
  return bits(wide) <= bits(narrow) && isListed(first, [wide]);
}

/** The ranges that lie in both lists. */
export function meetRanges(a: readonly string[], b: readonly string[]): readonly string[] {
  const met = a.flatMap((left) => {
    return b.flatMap((right) => {
      if (containsRange(left, right)) return [right];
      return containsRange(right, left) ? [left] : [];
    });
  });
  const distinct = [...new Set(met)];
  return distinct.filter((range) => !distinct.some((other) => other !== range && containsRange(other, range)));
}

function containsPorts(wide: Conditions["ports"], narrow: Conditions["ports"]): boolean {
  return wide === "all" || (narrow !== "all" && narrow.every((port) => wide.includes(port)));
}

function meetPorts(a: Conditions["ports"], b: Conditions["ports"]): Conditions["ports"] | undefined {
  if (a === "all") return b;
  const met = b === "all" ? a : a.filter((port) => b.includes(port));
  return met.length === 0 ? undefined : met;
}

function containsBinaries(wide: Conditions["binaries"], narrow: Conditions["binaries"]): boolean {
  if (wide === "any") return true;
  if (narrow === "any") return false;
  return narrow.every((each) => wide.some((other) => coversText(binaryGlob(other), binaryGlob(each))));
}

function meetBinaries(a: Conditions["binaries"], b: Conditions["binaries"]): Conditions["binaries"] | undefined {
  if (a === "any") return b;
  if (b === "any") return a;
  const met = a.flatMap((left) => b.flatMap((right) => meetGlobs(binaryGlob(left), binaryGlob(right))));
  return met.length === 0 ? undefined : [...new Set(met.map(binaryOf))];
}

/** A name is meant in every directory. */
function binaryGlob(binary: string): string {
  return binary.includes("/") || binary === "~" ? absolutePattern(binary, PLACES) : `/**/${binary}`;
}

function binaryOf(glob: string): string {
  const [, name] = /^\/\*\*\/([^/]+)$/.exec(glob) ?? [];
  return name === undefined || name === "**" || name.startsWith("~") ? glob : name;
}
