/**
 * A store with one sealed credential, and connections whose requests go through it.
 */
import { randomBytes } from "node:crypto";
import type { CredentialSource, CredentialUse } from "../../src/credentials/mod.ts";
import { CredentialStore, SealedUpstream } from "../../src/credentials/mod.ts";
import type { CredentialRule, NormalizedCredential } from "../../src/policy/mod.ts";
import { normalizePolicy } from "../../src/policy/mod.ts";
import type { Scene } from "../egress/support.ts";

/** Never a literal, so that no file holds it. */
export function secret(prefix = "ghp_"): string {
  return prefix + randomBytes(18).toString("hex");
}

export function normalized(...credentials: readonly CredentialRule[]): readonly NormalizedCredential[] {
  return normalizePolicy({ version: 1, credentials }).credentials;
}

/** A store with credentials in force. */
export async function storeWith(
  sources: Readonly<Record<string, CredentialSource>>,
  ...rules: readonly CredentialRule[]
): Promise<CredentialStore> {
  const store = new CredentialStore({ sources, environment: {} });
  store.use(await store.prepare(normalized(...rules)));
  return store;
}

/** Lets the connections of a scene put them in. The result has what is recorded. */
export function sealing(scene: Scene, store: CredentialStore): { uses: CredentialUse[]; problems: Error[] } {
  const uses: CredentialUse[] = [];
  const problems: Error[] = [];
  scene.looks = {
    through: (upstream, origin) => {
      return new SealedUpstream(upstream, origin, {
        store,
        record: (use) => uses.push(use),
        problem: (error) => problems.push(error),
      });
    },
  };
  return { uses, problems };
}
