/**
 * How TypeScript joins a decision: plugins, their hooks, and the chain that asks them.
 *
 * @module
 */
export type * from "./approval-types.ts";
export { assertNotInHook, insideHookOf } from "./call.ts";
export type { Decided, DecideOptions, DecisionMaker, PolicyRuling } from "./decided.ts";
export { definePlugin } from "./define.ts";
export { binaryPatterns, pathPatterns } from "./filter.ts";
export { HookedMessage, HookedResponse } from "./hooked.ts";
export { HookedAnswer, HookedCall, HookedChunk } from "./hooked-call.ts";
export { HookedRequest } from "./hooked-request.ts";
export type * from "./inference-types.ts";
export { type PeekTextOptions, peekText } from "./peek-text.ts";
export { PluginRegistry } from "./registry.ts";
export type {
  AnswerHooks,
  HookDomain,
  RegistryLimits,
  RegistryOptions,
  Subscription,
  TrafficHooks,
} from "./registry-types.ts";
export type * from "./subjects.ts";
export type * from "./types.ts";
export { allow, ask, deny, type HookVerdict, substitute } from "./verdict.ts";
