/**
 * `matchesSchema`: a check that holds an output to a schema.
 *
 * @module
 */
import type { z } from "zod";
import type { FunctionCheck } from "./types.ts";

const schemas = new WeakMap<object, z.ZodType>();
const ISSUES_MAX = 5;

/**
 * A check: an output is one file of JSON, and a schema takes it.
 *
 * Shape: the whole file is one JSON value in UTF-8. What the schema says against it becomes the stage's failure, made fit for
 * a terminal. Use strict objects: what a schema passes over, nobody has looked at.
 *
 * @example
 * ```ts
 * import { definePipeline, matchesSchema } from "cofferdam";
 * import { z } from "zod";
 *
 * const verdict = z.strictObject({ deploy: z.boolean(), reasons: z.array(z.string().max(500)).max(20) });
 * export default definePipeline({
 *   name: "pre-deploy",
 *   stages: {
 *     judge: {
 *       command: ["judge", "plan.json"],
 *       inputs: ["plan.json"],
 *       outputs: { verdict: { stdout: true, maxBytes: 65536 } },
 *       checks: [matchesSchema("verdict", verdict)],
 *     },
 *   },
 * });
 * ```
 */
export function matchesSchema(output: string, schema: z.ZodType): FunctionCheck {
  const run: FunctionCheck["run"] = async (outputs) => {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await outputs.read(output)));
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError) return `"${output}" is no JSON in UTF-8`;
      throw error;
    }
    const result = await schema.safeParseAsync(value);
    if (result.success) return undefined;
    const issues = result.error.issues.slice(0, ISSUES_MAX).map(({ path, message }) => {
      return path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`;
    });
    return `"${output}" does not match its schema: ${issues.join("; ")}`;
  };
  schemas.set(run, schema);
  return { name: `${output} matches its schema`, run };
}

/** The schema that a check was made from. */
export function schemaOf(run: object): z.ZodType | undefined {
  return schemas.get(run);
}
