/**
 * A sealed credential, and where it may go.
 *
 * @module
 */
import type { Origin } from "../egress/http/host.ts";
import { compileGlob, credentialMatcher, type SealedCredential } from "../policy/core.ts";
import { readTarget } from "../policy/http/mod.ts";
import type { AwsKeys } from "./aws/keys.ts";
import type { SourceReader } from "./source-reader.ts";

/** One that the sandbox has a placeholder of. */
export interface SealedSecret extends CredentialBinding {
  readonly credential: SealedCredential;
  readonly placeholder: string;
  readonly reader: SourceReader;
  /** What the sandbox signs with, where it is no value but keys. */
  readonly keys?: AwsKeys;
}

/** Where it may go. */
export interface CredentialBinding {
  /** Whether the host is one that it is bound to. */
  isFor(origin: Pick<Origin, "host" | "port">): boolean;
  /** Why it is not sent there, as the end of a sentence; undefined where it is. `path` has a query, or none. */
  problem(origin: Origin, path: string): string | undefined;
}

/** Makes it. */
export function binding(credential: SealedCredential): CredentialBinding {
  const { hosts, paths, plaintext } = credential;
  const isFor = credentialMatcher(credential);
  const inPaths = paths?.map((path) => compileGlob(path));
  return {
    isFor,
    problem: (origin, path) => {
      if (!isFor(origin)) return `it is for ${hosts.join(", ")} only`;
      if (origin.scheme !== "https" && !plaintext) return "it is not sent without TLS";
      if (inPaths === undefined) return undefined;
      const target = readTarget(path);
      // However the host reads the path, it must be one of them.
      const readings = "problem" in target ? [""] : target.readings;
      const isMeant = readings.every((reading) => inPaths.some((matches) => matches(reading)));
      return isMeant ? undefined : `it is for the paths ${(paths ?? []).join(", ")} only`;
    },
  };
}
