/**
 * Whether a denial meets a grant, judged by names alone and on the safe side.
 *
 * @module
 */

import type { NormalizedPolicy } from "./normalized.ts";
import { isWithin, literalPrefix, type Places } from "./paths.ts";

/** Directories that are links to others on many systems. A denial of one name means the other too. */
const ALIASES: readonly (readonly [name: string, target: string])[] = [
  ...["bin", "sbin", "lib", "lib32", "lib64", "libx32"].map((name) => [`/${name}`, `/usr/${name}`] as const),
  ["/sbin", "/usr/bin"],
  ["/usr/sbin", "/usr/bin"],
  ["/var/run", "/run"],
  ["/var/lock", "/run/lock"],
  ["/dev/shm", "/run/shm"],
  ["/dev/fd", "/proc/self/fd"],
  ["/etc/mtab", "/proc/self/mounts"],
];

/** The id of the first grant, the baseline's included, that a canonical denied path may meet; undefined for none. */
export function overlappingGrant(policy: NormalizedPolicy, denied: string, places: Places): string | undefined {
  const { baseline, read, write, ask } = policy.filesystem;
  const names = spellings(literalPrefix(denied, places));
  return [...read, ...write, ...ask, ...baseline].find((grant) => {
    const others = spellings(literalPrefix(grant.path, places));
    return names.some((a) => others.some((b) => isWithin(a, b) || isWithin(b, a)));
  })?.id;
}

/** A path under every name that it may have. */
function spellings(path: string): string[] {
  const names = new Set([path]);
  for (const name of names) {
    for (const [a, b] of ALIASES) {
      if (isWithin(name, a)) names.add(b + name.slice(a.length));
      if (isWithin(name, b)) names.add(a + name.slice(b.length));
    }
  }
  return [...names];
}
