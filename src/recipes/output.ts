/**
 * What a recipe gives, checked: data of the right shape, a sound policy, and nothing that no recipe should ask for.
 *
 * @module
 */
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import type { DocumentPath, IssueDraft } from "../policy/issues.ts";
import { normalizePolicy, type Policy, parsePolicy, policyDigest } from "../policy/mod.ts";
import { snapshot } from "../policy/snapshot.ts";
import { digestOf } from "./digest.ts";
import { frozen } from "./frozen.ts";
import { policyIssues } from "./policy-issues.ts";
import { invalidOutput, invalidRecipe } from "./problems.ts";
import { textIssues } from "./text-issues.ts";
import type { BuiltRecipe, RecipeId, RecipeImage, RecipePackages } from "./types.ts";

const text = (pattern: RegExp, wanted: string): z.ZodType<string> =>
  z
    .string()
    .max(1024)
    .regex(pattern, { error: `expected ${wanted}` });

/** As `docker pull` takes it. */
const imageName = text(
  /^[a-z0-9](?:[a-z0-9._:/-]*[a-z0-9])?(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/,
  "the name of an image",
);
const names = (pattern: RegExp, wanted: string) => z.array(text(pattern, wanted)).max(256).exactOptional();

// What begins with a letter or digit is no option, and none of the marks means anything to a shell.
const packages: z.ZodType<RecipePackages> = z.strictObject({
  apt: names(/^[a-z0-9][a-z0-9+.-]*(?:=[0-9A-Za-z.+:~-]+)?$/, "a package of Debian"),
  npm: names(/^(?:@[a-z0-9-][a-z0-9._-]*\/)?[a-z0-9-][a-z0-9._-]*(?:@[0-9A-Za-z.+-]+)?$/, "a package of npm"),
  pip: names(/^[A-Za-z0-9][A-Za-z0-9._-]*(?:==[0-9A-Za-z.+!-]+)?$/, "a package of pip"),
});

const image: z.ZodType<RecipeImage> = z
  .strictObject({
    name: imageName.exactOptional(),
    dockerfile: z.string().min(1).max(65_536).exactOptional(),
    packages: packages.exactOptional(),
  })
  .refine(({ name, dockerfile }) => (name === undefined) !== (dockerfile === undefined), {
    error: "expected exactly one of name and dockerfile",
  });

const volume = z.strictObject({
  name: text(/^[a-z0-9][a-z0-9_.-]{0,62}$/, "lower-case letters, digits, -, _ and ."),
  path: text(/^(?:\/|~)/, "an absolute path, or one from ~"),
  mode: z.enum(["read", "write"]).exactOptional(),
  shared: z.boolean().exactOptional(),
});

const output = z.strictObject({
  policy: z.custom<Policy>((value) => typeof value === "object" && value !== null, { error: "expected a policy" }),
  image: z.preprocess((value) => (typeof value === "string" ? { name: value } : value), image).exactOptional(),
  workspace: z.enum(["review", "mount", "none"]).default("review"),
  command: z.array(z.string().max(4096)).min(1).max(256).exactOptional(),
  env: z.record(text(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "the name of a variable"), z.string().max(4096)).default({}),
  volumes: z.array(volume).max(16).default([]),
  plugins: z
    .array(
      z.strictObject({
        name: text(/^[@a-z0-9./][@A-Za-z0-9._/-]*$/, "the name of a plugin"),
        options: z.unknown().exactOptional(),
      }),
    )
    .max(32)
    .default([]),
});
/** All but the policy, which is read as policies are. */
const beside = output.omit({ policy: true });

function issuesOf({ issues }: z.ZodError): IssueDraft[] {
  return issues.map(({ path, message }) => ({ path: path as DocumentPath, message }));
}

/**
 * Reads what a recipe gives.
 *
 * @throws {SandboxError} RECIPE_INVALID If it is malformed, or asks for what no recipe should: every mistake at once.
 */
export function readOutput(recipe: RecipeId, given: unknown): BuiltRecipe {
  const { name } = recipe;
  const issues: IssueDraft[] = [];
  const data = snapshot(given, issues);
  if (issues.length > 0) throw invalidOutput(name, issues);
  const read = output.safeParse(data);
  if (!read.success) throw invalidOutput(name, issuesOf(read.error));
  return completed([recipe], read.data);
}

/** What is filled in here. */
type Parts = Omit<BuiltRecipe, "recipes" | "policyDigest" | "digest">;

/** Checks the parts of a built recipe, and gives them their digests. */
export function completed(recipes: BuiltRecipe["recipes"], { policy: given, ...rest }: Parts): BuiltRecipe {
  const [{ name }] = recipes;
  // Whoever combines built recipes may have written one by hand.
  const shape = beside.safeParse(rest);
  if (!shape.success) throw invalidOutput(name, issuesOf(shape.error));
  const policy = readPolicy(name, given);
  const parts: Parts = { ...rest, policy };
  const issues = [...textIssues(parts), ...policyIssues(parts)];
  if (issues.length > 0) throw invalidOutput(name, issues);
  const named = { recipes, ...parts, policyDigest: policyDigest(normalizePolicy(policy)) };
  // The policy's own object stays what it is: who composed it is remembered beside it.
  const { policy: _, ...others } = named;
  frozen(others);
  return Object.freeze({ ...named, digest: digestOf(named) });
}

function readPolicy(name: string, given: BuiltRecipe["policy"]): BuiltRecipe["policy"] {
  try {
    const policy = parsePolicy(given.name === undefined ? { ...given, name } : given);
    return frozen(policy);
  } catch (cause) {
    if (SandboxError.is(cause, "POLICY_INVALID")) throw invalidRecipe(name, cause.message, cause);
    throw cause;
  }
}
