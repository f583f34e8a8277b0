/**
 * Which dialect speaks an endpoint to a provider.
 *
 * @module
 */
import type { Provider } from "../../../policy/providers/read.ts";
import { translated } from "../translate/dialects.ts";
import { type Dialect, type Endpoint, FAMILY } from "./dialect.ts";
import { passThrough } from "./pass-through.ts";

/** Finds it. `model`: as the client calls it. Undefined: the provider has nothing like it. */
export function dialectFor(endpoint: Endpoint, provider: Provider, model: string): Dialect | undefined {
  const isKnown = FAMILY[endpoint] === provider.family && (endpoint !== "responses" || provider.hasResponses);
  return isKnown ? passThrough(endpoint) : translated(endpoint, provider, model);
}
