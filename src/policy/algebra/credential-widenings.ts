/**
 * Everything by which a newer policy may let secrets be used for more than an older one.
 *
 * @module
 */
import { coversText } from "../containment.ts";
import type { NormalizedCredential, NormalizedPolicy, SealedCredential } from "../normalized.ts";
import type { Widening } from "../widenings.ts";

/** Why a secret may be sent to more places. */
export function credentialWidenings({ credentials: old }: NormalizedPolicy, next: NormalizedPolicy): Widening[] {
  return next.credentials.flatMap((credential, index): Widening[] => {
    if (old.some((other) => containsCredential(other, credential))) return [];
    const { id, name } = credential;
    const because = `${name} may be used where no credential of the old policy could`;
    return [{ because, path: ["credentials", index], rule: { of: "new", id } }];
  });
}

/** What the sandbox holds itself, it may send anywhere. */
function containsCredential(wide: NormalizedCredential, narrow: NormalizedCredential): boolean {
  if (wide.name !== narrow.name || wide.provider !== narrow.provider) return false;
  if (wide.expose === "env") return true;
  return narrow.expose === "sealed" && wide.login === narrow.login && containsSealed(wide, narrow);
}

function containsSealed(wide: SealedCredential, narrow: SealedCredential): boolean {
  const paths = wide.paths === undefined || isCovered(wide.paths, narrow.paths, "/");
  const isPlaced = (["headers", "query"] as const).every((key) => {
    return narrow.places[key].every((name) => wide.places[key].includes(name));
  });
  return (
    isCovered(wide.hosts, narrow.hosts, ".") &&
    narrow.ports.every((port) => wide.ports.includes(port)) &&
    paths &&
    isPlaced &&
    (wide.places.basic || !narrow.places.basic) &&
    (wide.plaintext || !narrow.plaintext)
  );
}

function isCovered(wide: readonly string[], narrow: readonly string[] | undefined, separator: "." | "/"): boolean {
  return narrow?.every((glob) => wide.some((other) => coversText(other, glob, separator))) ?? false;
}
