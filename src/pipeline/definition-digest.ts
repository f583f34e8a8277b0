/**
 * What a run is bound to: everything that its definition says.
 *
 * @module
 */
import { z } from "zod";
import { digestOf } from "./manifest.ts";
import { schemaOf } from "./schema-check.ts";
import type { PipelineDefinition, Stage } from "./types.ts";

/**
 * The digest of a definition, with the digests of its policies. A function counts by its text: what it closes over, or imports,
 * does not. `source` is the digest of the file that it came from, where there is one.
 */
export function definitionDigest(
  definition: PipelineDefinition,
  policies: Readonly<Record<string, string>>,
  source: string | undefined,
): string {
  const { name, parallel, sandbox } = definition;
  const stages = Object.entries(definition.stages).map(([stage, value]) => [stage, plain(withoutPolicy(value))]);
  return digestOf({ name, parallel, sandbox: plain(sandbox), stages: Object.fromEntries(stages), policies, source });
}

function withoutPolicy({ policy: _, recipe, ...rest }: Stage): object {
  const { policy: __, ...others } = recipe ?? {};
  return { ...rest, recipe: others };
}

/** As data: functions by their text, schemas as JSON Schema, bytes as base64. */
function plain(value: unknown): unknown {
  if (typeof value === "function") {
    const schema = schemaOf(value);
    return schema === undefined ? { function: value.toString() } : { schema: jsonSchema(schema) };
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]));
}

/** What JSON Schema cannot say (a refinement) is left out. */
function jsonSchema(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, { unrepresentable: "any" });
}
