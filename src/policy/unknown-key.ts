/**
 * What a schema knows in the place of a key that it does not.
 *
 * @module
 */
import * as z from "zod";
import { quote } from "./issues.ts";
import { nearestKey } from "./nearest.ts";

type JsonSchema = z.core.JSONSchema.JSONSchema;

const jsonSchemas = new WeakMap<z.ZodType, JsonSchema>();

/** The message about an unknown key in the map at `parent`, and the key that was perhaps meant. */
export function unknownKeyIn(
  schema: z.ZodType,
  parent: readonly (string | number)[],
  key: string,
): { readonly message: string; readonly nearest: string | undefined } {
  const known = knownKeys(schema, parent);
  const nearest = nearestKey(key, known);
  const help = nearest === undefined ? `known keys are ${known.join(", ")}` : `did you mean ${quote(nearest)}?`;
  return { message: `unknown key ${quote(key)}: ${help}`, nearest };
}

/** The keys that may stand in the map at a place, read off the schema itself. */
function knownKeys(schema: z.ZodType, path: readonly (string | number)[]): string[] {
  // Functions and other values that no JSON has say nothing of keys.
  const whole = jsonSchemas.get(schema) ?? z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  jsonSchemas.set(schema, whole);
  let nodes: JsonSchema[] = [whole];
  for (const part of path) nodes = nodes.flatMap(branches).flatMap((node) => child(node, part));
  return [...new Set(nodes.flatMap(branches).flatMap((node) => Object.keys(node.properties ?? {})))];
}

function branches(node: JsonSchema): JsonSchema[] {
  return [node, ...(node.anyOf ?? []).filter(isSchema).flatMap(branches)];
}

function child(node: JsonSchema, part: string | number): JsonSchema[] {
  const next = typeof part === "number" ? node.items : (node.properties?.[part] ?? node.additionalProperties);
  return isSchema(next) ? [next] : [];
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
