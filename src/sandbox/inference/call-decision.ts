/**
 * A call to a model as it is recorded.
 *
 * @module
 */
import type { Decision, InferenceFacts, KnownSecret } from "../../audit/mod.ts";
import type { CallRecord } from "../../domains/inference/mod.ts";
import { contentOf } from "./call-content.ts";

/** Says it. `secrets`: what is left out of what was said. */
export function callDecision(call: CallRecord, secrets: () => readonly KnownSecret[]): Omit<Decision, "kind"> {
  const { subject, model, route, failure, latencyMs } = call;
  const { pid, binary, sha256, ancestors } = subject;
  // What went to a provider was allowed, whatever came of it, unless the policy changed meanwhile.
  const isDenied =
    failure !== undefined &&
    (call.target === undefined || failure.kind === "denied" || failure.options.denied === true);
  return {
    domain: "inference",
    operation: "call",
    subject: {
      pid,
      binary,
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(ancestors.length > 0 ? { ancestors } : {}),
    },
    object: model === "" ? "a call" : model,
    verdict: isDenied ? "deny" : "allow",
    ...(route === undefined ? {} : { ruleId: route.id }),
    decidedBy: call.decided?.decidedBy ?? { kind: "policy" },
    latencyMs,
    reason: reasonOf(call),
    inference: factsOf(call, secrets),
  };
}

function reasonOf({ failure, route, failed, decided }: CallRecord): string {
  const before = failed.length === 0 ? "" : `; before that: ${failed.join("; ")}`;
  if (failure !== undefined) return `${failure.message}${before}`;
  return `${decided === undefined || decided.decidedBy.kind === "policy" ? `rule ${route?.id} allows it` : decided.reason}${before}`;
}

function factsOf(call: CallRecord, secrets: () => readonly KnownSecret[]): InferenceFacts {
  const content = contentOf(call, secrets);
  const { endpoint, target, model, usage, usd, failure, firstByteMs, privacy } = call;
  return {
    endpoint,
    ...(target === undefined
      ? {}
      : { provider: target.provider.name, model: target.model ?? model, local: target.provider.local }),
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    ...(usage.cachedTokens > 0 ? { cachedTokens: usage.cachedTokens } : {}),
    ...(usd === undefined ? {} : { usd }),
    ...(usage.estimated ? { estimated: true } : {}),
    ...(privacy.length > 0 ? { privacy } : {}),
    ...(content === undefined ? {} : { content }),
    outcome: failure === undefined ? "answered" : failure.kind,
    ...(firstByteMs === undefined ? {} : { firstByteMs }),
  };
}
