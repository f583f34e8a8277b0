/**
 * The parameters of a recipe: read as hostile input, and described.
 *
 * @module
 */
import { z } from "zod";
import type { DocumentPath, IssueDraft } from "../policy/issues.ts";
import { nearestKey } from "../policy/nearest.ts";
import { snapshot } from "../policy/snapshot.ts";
import { frozen } from "./frozen.ts";
import { invalidParams } from "./problems.ts";

/** What is known of one parameter. */
export interface RecipeParam {
  readonly name: string;
  /** For instance `string`, `number`, `boolean`, `array`. */
  readonly type: string;
  readonly required: boolean;
  readonly description?: string;
  readonly default?: unknown;
  /** The only values that it takes. */
  readonly choices?: readonly unknown[];
  /** What it is where nobody says: the host of a registry, of npm's or pip's own configuration. */
  readonly from?: "npm" | "pip";
}

interface Described {
  readonly name: string;
  readonly params: z.ZodType;
}

/** Whether a value is an object schema of zod 4, of whichever copy of it. */
export function isObjectSchema(
  value: unknown,
): value is z.ZodType & { readonly shape: Readonly<Record<string, z.ZodType>> } {
  if (typeof value !== "object" || value === null || !("_zod" in value)) return false;
  const { def } = value._zod as { readonly def?: { readonly type?: unknown; readonly shape?: unknown } };
  return def?.type === "object" && typeof def.shape === "object";
}

/**
 * Reads parameters.
 *
 * @throws {SandboxError} RECIPE_PARAMS_INVALID If one is missing, unknown or malformed: every mistake at once.
 */
export function readParams({ name, params }: Described, input: unknown): object {
  const issues: IssueDraft[] = [];
  const data = snapshot(input ?? {}, issues);
  if (issues.length > 0) throw invalidParams(name, issues);
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    throw invalidParams(name, [{ path: [], message: "parameters are a map" }]);
  }
  const unknown = Object.keys(data).filter((key) => !Object.hasOwn(shapeOf(params), key));
  const read = params.safeParse(data);
  const wrong = read.success ? [] : read.error.issues.map(({ path, message }) => draft(path, message));
  const all = [...unknown.map((key) => unknownParam(key, Object.keys(shapeOf(params)))), ...wrong];
  if (all.length > 0 || !read.success) throw invalidParams(name, all);
  return frozen(read.data as object);
}

/** The fields of a recipe's parameters. */
export function shapeOf(params: z.ZodType): Readonly<Record<string, z.ZodType>> {
  return isObjectSchema(params) ? params.shape : {};
}

/** Lists the parameters of a recipe. */
export function describeParams(params: z.ZodType): RecipeParam[] {
  const schema = z.toJSONSchema(params, { io: "input", unrepresentable: "any" });
  return Object.entries(schema.properties ?? {}).map(([name, property]): RecipeParam => {
    const { type, description, enum: choices, from, ...rest } = typeof property === "object" ? property : {};
    return {
      name,
      type: typeof type === "string" ? type : "any",
      required: (schema.required ?? []).includes(name) && from === undefined,
      ...(description === undefined ? {} : { description }),
      ...("default" in rest ? { default: rest.default } : {}),
      ...(choices === undefined ? {} : { choices }),
      ...(from === "npm" || from === "pip" ? { from } : {}),
    };
  });
}

function draft(path: readonly PropertyKey[], message: string): IssueDraft {
  const place: DocumentPath = path.map((part) => (typeof part === "number" ? part : String(part)));
  return { path: place, message };
}

function unknownParam(key: string, known: readonly string[]): IssueDraft {
  const nearest = nearestKey(key, known);
  const help = known.length === 0 ? "there are none" : `there are ${known.join(", ")}`;
  const message = `unknown parameter: ${nearest === undefined ? help : `did you mean ${JSON.stringify(nearest)}?`}`;
  return { path: [key], message };
}
