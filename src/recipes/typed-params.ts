/**
 * Parameters as they are typed on a command line or written in a file.
 *
 * @module
 */
import type { z } from "zod";
import type { IssueDraft } from "../policy/issues.ts";
import { readYaml } from "../policy/yaml.ts";
import { shapeOf } from "./params.ts";
import { invalidParams } from "./problems.ts";

interface Described {
  readonly name: string;
  readonly params: z.ZodType;
}

/**
 * Reads `key=value` pairs. A text is taken as it is; for a number, a boolean or a map the value is read as YAML, and of a list each
 * pair is one entry.
 *
 * @throws {SandboxError} RECIPE_PARAMS_INVALID If one is no pair, comes twice, or is not of its kind.
 */
export function parseParams({ name, params }: Described, pairs: readonly string[]): Record<string, unknown> {
  const shape = shapeOf(params);
  const read = new Map<string, unknown>();
  const issues: IssueDraft[] = [];
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const key = pair.slice(0, Math.max(at, 0));
    if (key === "") {
      issues.push({ path: [], message: `expected name=value, found ${JSON.stringify(pair)}` });
      continue;
    }
    const kind = Object.hasOwn(shape, key) ? kindOf(shape[key]) : "string";
    const value = pair.slice(at + 1);
    const before = read.get(key);
    if (kind === "array") read.set(key, [...(Array.isArray(before) ? before : []), value]);
    else if (before !== undefined) issues.push({ path: [key], message: "it is given twice" });
    else read.set(key, kind === "string" ? value : scalar(key, value, issues));
  }
  if (issues.length > 0) throw invalidParams(name, issues);
  return Object.fromEntries(read);
}

/**
 * Reads parameters from YAML or JSON text, within the bounds of policies: no tags, few aliases, no key twice.
 *
 * @throws {SandboxError} RECIPE_PARAMS_INVALID If it is not a map.
 */
export function parseParamsText({ name }: Described, text: string): Record<string, unknown> {
  const read = readYaml(text);
  if (!read.ok) throw invalidParams(name, read.issues);
  const { value } = read;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalidParams(name, [{ path: [], message: "parameters are a map" }]);
}

function scalar(key: string, text: string, issues: IssueDraft[]): unknown {
  const read = readYaml(text);
  if (read.ok) return read.value;
  issues.push(...read.issues.map(({ message }) => ({ path: [key], message })));
  return undefined;
}

interface Definition {
  readonly type?: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
}

/** What a schema is in the end, below its defaults and transformations. */
function kindOf(schema: z.ZodType | undefined): "string" | "array" | "other" {
  const { type, innerType, in: input } = (schema?._zod.def ?? {}) as Definition;
  const inner = innerType ?? input;
  if (inner !== undefined) return kindOf(inner);
  if (type === "array") return "array";
  return type === "string" || type === "enum" || type === "literal" ? "string" : "other";
}
