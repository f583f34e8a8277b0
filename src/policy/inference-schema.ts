/**
 * The schema of the inference section.
 *
 * @module
 */

import * as z from "zod";
import * as f from "./fields.ts";
import type * as t from "./types.ts";

/** Every kind of provider. */
export const PROVIDER_KINDS: readonly t.ProviderKind[] = [
  "openai",
  "anthropic",
  "nvidia",
  "openrouter",
  "gemini",
  "ollama",
  "vllm",
  "nim",
];

/** A provider. */
export const providerSchema: z.ZodType<t.InferenceProvider> = z.strictObject({
  kind: z.enum(PROVIDER_KINDS),
  baseUrl: f.baseUrlField.exactOptional(),
  keyVariable: f.variableField.exactOptional(),
  credential: f.variableField.exactOptional(),
  local: z.boolean().exactOptional(),
  responses: z.boolean().exactOptional(),
});

/** As long as a timer of the platform goes. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

const targetShape = {
  provider: f.idField,
  model: f.nameField.exactOptional(),
  timeout: f.durationField.exactOptional(),
  timeoutMs: f.countField(TIMEOUT_MAX_MS).exactOptional(),
};

const target: z.ZodType<t.InferenceTarget> = z.strictObject(targetShape);

const route: z.ZodType<t.InferenceRoute> = z.strictObject({
  id: f.idField.exactOptional(),
  models: f.list(f.modelField, 1),
  ...targetShape,
  fallbacks: f.list(target).exactOptional(),
});

const limitsShape = {
  tokens: f.countField().exactOptional(),
  usd: z.number().positive().max(1e9).exactOptional(),
  callsPerMinute: f.countField().exactOptional(),
};

const limits: z.ZodType<t.InferenceLimits> = z.strictObject(limitsShape);

/** As many lists of paths are told apart. */
const PRIVACY_MAX = 32;

const pattern: z.ZodType<t.PrivacyPattern> = z.union([
  z.enum(["keys", "emails", "cards", "phones"]),
  z.strictObject({ regex: f.expressionField }),
  z.strictObject({ function: f.idField }),
]);

const privacyRule: z.ZodType<t.PrivacyRule> = z.strictObject({
  id: f.idField.exactOptional(),
  sensitive: f.list(f.pathField, 1).exactOptional(),
  patterns: f.list(pattern, 1).exactOptional(),
  action: z.enum(["route", "redact", "deny", "ask"]),
  provider: f.idField.exactOptional(),
  model: f.nameField.exactOptional(),
  local: z.boolean().exactOptional(),
});

/** The section. */
export const inferenceSchema: z.ZodType<t.InferenceSection> = z.strictObject({
  routes: f.list(route).exactOptional(),
  providers: z.record(f.idField, providerSchema).exactOptional(),
  intercept: f.list(f.hostField).exactOptional(),
  localOnly: z.boolean().exactOptional(),
  budget: z.strictObject({ ...limitsShape, providers: z.record(f.idField, limits).exactOptional() }).exactOptional(),
  privacy: z.array(privacyRule).max(PRIVACY_MAX).exactOptional(),
  unmatched: z.enum(["deny", "ask"]).exactOptional(),
});
