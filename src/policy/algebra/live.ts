/**
 * What a running sandbox can be given.
 *
 * @module
 */
import type { NormalizedPolicy } from "../normalized.ts";
import type { PolicyChangeEffect } from "./diff-types.ts";

/** Whether `setPolicy` does a change; otherwise it needs a new sandbox. */
export function isLive(
  old: NormalizedPolicy,
  next: NormalizedPolicy,
  change: { readonly section: string; readonly path: string },
  effect: PolicyChangeEffect,
): boolean {
  switch (change.section) {
    case "filesystem":
      return effect !== "widening";
    case "process":
      return effect !== "widening" && !change.path.startsWith("process.limits.");
    case "network":
    case "inference":
    case "credentials":
      return reaches(old) || !reaches(next) || !looksInside(next);
    default:
      return true;
  }
}

/** A sandbox that began with anything to reach has a certificate authority, with which TLS can be opened. */
function reaches({ network, inference }: NormalizedPolicy): boolean {
  const rules = [network.allow, network.deny, network.ask, inference.routes, inference.intercept];
  return rules.some((list) => list.length > 0) || network.unmatched === "ask";
}

function looksInside({ network, inference, credentials }: NormalizedPolicy): boolean {
  if (inference.routes.length + inference.intercept.length > 0) return true;
  if (credentials.some(({ expose }) => expose === "sealed")) return true;
  return (
    network.deny.some(({ http }) => http !== undefined) ||
    [...network.allow, ...network.ask].some(({ http, tls }) => http !== undefined || tls === "terminate")
  );
}
