/**
 * The shape of a pipeline. What looks at more than one field is in `rules.ts`.
 *
 * @module
 */
import { z } from "zod";
import { wording } from "../policy/schema-issues.ts";
import { unknownKeyIn } from "../policy/unknown-key.ts";
import type { PipelineDefinition } from "./types.ts";

const name = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "a name is lower-case letters, digits and -");

/** Characters that mean something in a glob, or nothing good in a path. */
const UNSAFE = /[*?[\]{}!\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const path = z
  .string()
  .max(1024)
  .refine((text) => text !== "" && !text.startsWith("/") && !text.startsWith("~"), "a path is below the project")
  .refine((text) => !text.split("/").includes(".."), "a path has no ..")
  .refine((text) => !UNSAFE.test(text), "a path has no glob, backslash or control characters");

const milliseconds = z.int().min(1).max(86_400_000);
const program = z.array(z.string()).min(1).max(4096);
const callable = z.custom((value) => typeof value === "function", "expected a function");
/** A policy and options of a sandbox are checked where they are used. */
const policy = z.union([z.string(), z.looseObject({})]);
const sandbox = z.looseObject({
  workspace: z.undefined({ error: "the workspace is the stage's inputs" }).optional(),
  audit: z.undefined({ error: "the audit log is in the run's folder" }).optional(),
  signal: z.undefined({ error: "pass a signal to runPipeline" }).optional(),
  snapshot: z.undefined({ error: "a stage begins with its inputs" }).optional(),
  guest: z.undefined({ error: "a scripted guest makes no files" }).optional(),
  runtime: z.enum(["auto", "local", "docker"]).optional(),
  image: z.string().min(1).optional(),
  root: z.string({ error: "a root is the path of a folder or an archive" }).min(1).optional(),
});

const recipe = z.looseObject({
  policy: z.looseObject({}),
  image: z
    .looseObject({ name: z.string({ error: "an image that is yet to be built: build it, and name it" }) })
    .refine(
      (image) => !("dockerfile" in image || "packages" in image),
      "an image that is yet to be built: build it, and name it",
    )
    .optional(),
  plugins: z.array(z.unknown()).max(0, "plugins by name: pass them in sandbox.plugins").optional(),
});

const input = z.union([
  path,
  z.strictObject({ project: path, to: path.optional() }),
  z.strictObject({ stage: name, output: name, to: path.optional() }),
]);

const output = z.union([
  z.strictObject({
    path,
    kind: z.enum(["file", "folder"]).optional(),
    release: z.boolean().optional(),
    optional: z.boolean().optional(),
    maxBytes: z
      .int()
      .min(0)
      .max(2 ** 40)
      .optional(),
    maxFiles: z.int().min(0).max(100_000).optional(),
  }),
  z.strictObject({ stdout: z.literal(true), maxBytes: z.int().min(0).max(16_777_216).optional() }),
]);

const title = z.string().min(1).max(200);

const check = z.union([
  z.looseObject({ name: title, run: callable }),
  z.strictObject({ name: title, command: program, policy: policy.optional(), timeoutMs: milliseconds.optional() }),
]);

const gate = z.strictObject({
  on: z.enum(["diff", "plan", "report"]).optional(),
  report: name.optional(),
  approve: callable.optional(),
  timeoutMs: z
    .int()
    .min(1)
    .max(24 * 86_400_000)
    .optional(),
});

const RETRIED = ["exit", "timeout", "sandbox", "function", "missing", "too-large", "check"] as const;

const stage = z.strictObject({
  needs: z.array(name).max(64).optional(),
  policy: policy.optional(),
  sandbox: sandbox.optional(),
  recipe: recipe.optional(),
  command: z.union([program, callable]),
  inputs: z.array(input).max(256).optional(),
  outputs: z.record(name, output).optional(),
  scratch: z.array(path).max(64).optional(),
  checks: z.array(check).max(64).optional(),
  gate: gate.optional(),
  timeoutMs: milliseconds.optional(),
  retries: z
    .strictObject({
      count: z.int().min(1).max(10),
      on: z.array(z.enum(RETRIED)).optional(),
      delayMs: z.int().min(0).max(3_600_000).optional(),
    })
    .optional(),
});

const definition = z.strictObject({
  name,
  stages: z.record(name, stage).refine((stages) => {
    const count = Object.keys(stages).length;
    return count > 0 && count <= 64;
  }, "a pipeline has 1 to 64 stages"),
  sandbox: sandbox.optional(),
  parallel: z.int().min(1).max(16).optional(),
});

/** Something that is wrong with a definition, and where. */
export interface DefinitionIssue {
  /** For instance `stages.docs.outputs`. */
  readonly path: string;
  readonly message: string;
}

/** What stands against a value as a definition; nothing: it has the shape of one. */
export function shapeIssues(value: unknown): DefinitionIssue[] {
  const result = definition.safeParse(value, { error: wording });
  return result.success ? [] : result.error.issues.flatMap((issue) => flatten(issue, []));
}

function flatten(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): DefinitionIssue[] {
  const at = [...above, ...issue.path];
  if (issue.code === "invalid_union") {
    // The branch that got furthest says what is wrong.
    const branches = issue.errors.map((branch) => branch.flatMap((inner) => flatten(inner, at)));
    const depth = (branch: readonly DefinitionIssue[]) => Math.max(...branch.map((each) => each.path.length));
    const [best] = branches
      .filter((branch) => branch.length > 0)
      .sort((a, b) => depth(b) - depth(a) || a.length - b.length);
    if (best !== undefined) return best;
  }
  if (issue.code === "unrecognized_keys") {
    const parent = at.map((part) => (typeof part === "number" ? part : String(part)));
    return issue.keys.map((key) => {
      return { path: [...parent, key].join("."), message: unknownKeyIn(definition, parent, key).message };
    });
  }
  return [{ path: at.map(String).join("."), message: issue.message }];
}

/** Says that a value with no issues is a definition: its functions and policies are the author's own. */
export function asDefinition(value: unknown): PipelineDefinition {
  return value as PipelineDefinition;
}
