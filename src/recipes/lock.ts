/**
 * `cofferdam.lock`: which code a recipe was, and what it built, when somebody last looked.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { canonicalJson } from "../policy/digest.ts";
import { digestOf } from "./digest.ts";
import { frozen } from "./frozen.ts";
import type { BuiltRecipe, LoadedRecipe, RecipePlace } from "./types.ts";

/** What a recipe built from some parameters. Every digest is `sha256:` and hexadecimal digits. */
export interface LockedBuild {
  readonly policy: string;
  /** Of all that was built. */
  readonly output: string;
  /** Of the image that its name meant. */
  readonly image?: string;
}

/** What is known of one recipe. */
export interface LockedRecipe {
  readonly name: string;
  readonly version: string;
  /** Of its code. */
  readonly source: string;
  /** By the digest of the parameters. */
  readonly builds: Readonly<Record<string, LockedBuild>>;
}

/** A lockfile. */
export interface RecipeLock {
  readonly lockfile: 1;
  /** By how the recipe is called. */
  readonly recipes: Readonly<Record<string, LockedRecipe>>;
}

/** The name of a lockfile. */
export const LOCK_NAME = "cofferdam.lock";

const BYTES_MAX = 4 * 2 ** 20;
const digest: z.ZodType<string> = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const build: z.ZodType<LockedBuild> = z.strictObject({ policy: digest, output: digest, image: digest.exactOptional() });
const entry: z.ZodType<LockedRecipe> = z.strictObject({
  name: z.string().max(64),
  version: z.string().max(128),
  source: digest,
  builds: z.record(digest, build),
});
const schema: z.ZodType<RecipeLock> = z.strictObject({
  lockfile: z.literal(1),
  recipes: z.record(z.string().max(1024), entry),
});

/** A lock with nothing in it. */
export const EMPTY_LOCK: RecipeLock = frozen({ lockfile: 1, recipes: {} });

/**
 * Reads a lockfile.
 *
 * @returns undefined where there is none.
 * @throws {SandboxError} LOCK_UNUSABLE If it cannot be read, or is no lockfile.
 */
export async function readRecipeLock(path: string): Promise<RecipeLock | undefined> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > BYTES_MAX) throw new Error(`it has more than ${BYTES_MAX} bytes`);
    text = await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unusable("read", path, cause);
  }
  try {
    return frozen(schema.parse(JSON.parse(text)));
  } catch (cause) {
    throw unusable("read", path, new Error("it is no lockfile of this version", { cause }));
  }
}

/**
 * Writes a lockfile: the old one is there, or the new one, and never a part.
 *
 * @throws {SandboxError} LOCK_UNUSABLE If that fails.
 */
export async function writeRecipeLock(path: string, lock: RecipeLock): Promise<void> {
  const beside = `${path}.${randomUUID()}`;
  try {
    const file = await open(beside, "wx", 0o644);
    try {
      await file.writeFile(`${JSON.stringify(JSON.parse(canonicalJson(lock)), undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    throw unusable("write", path, cause);
  }
}

/** What was built, to be locked or held to a lock. */
export interface BuildFacts {
  readonly loaded: LoadedRecipe;
  /** As they were given. */
  readonly params: object;
  readonly built: BuiltRecipe;
  /** The digest of the image, where it has one and somebody knows it. */
  readonly imageDigest?: string;
}

/** The lock with one more build. What it knew of other code of the recipe is gone. */
export function lockBuild(lock: RecipeLock, { loaded, params, built, imageDigest }: BuildFacts): RecipeLock {
  const { reference, recipe, sourceDigest: source } = loaded;
  const before = lock.recipes[reference];
  const image = imageDigest === undefined ? {} : { image: imageDigest };
  const made: LockedBuild = { policy: built.policyDigest, output: built.digest, ...image };
  const builds = { ...(before?.source === source ? before.builds : {}), [digestOf(params)]: made };
  const locked: LockedRecipe = { name: recipe.name, version: recipe.version, source, builds };
  return frozen({ ...lock, recipes: { ...lock.recipes, [reference]: locked } });
}

/**
 * Holds code to a lock, before it runs.
 *
 * @throws {SandboxError} RECIPE_CHANGED If it is not what the lock says, or the lock says nothing of it.
 */
export function assertLockedSource(lock: RecipeLock, { reference, digest: found }: RecipePlace): void {
  const locked = Object.hasOwn(lock.recipes, reference) ? lock.recipes[reference] : undefined;
  if (locked === undefined) throw changed({ reference, what: "missing", found });
  if (locked.source !== found) throw changed({ reference, what: "source", locked: locked.source, found });
}

/**
 * Holds what was built to a lock.
 *
 * @throws {SandboxError} RECIPE_CHANGED If it differs, or the lock says nothing of these parameters.
 */
export function assertLockedBuild(lock: RecipeLock, { loaded, params, built, imageDigest }: BuildFacts): void {
  const { reference, recipe } = loaded;
  const entry = Object.hasOwn(lock.recipes, reference) ? lock.recipes[reference] : undefined;
  const locked = entry?.builds[digestOf(params)];
  if (entry === undefined || locked === undefined) throw changed({ reference, what: "missing", found: built.digest });
  const pairs = [
    ["version", entry.version, recipe.version],
    ["policy", locked.policy, built.policyDigest],
    ["output", locked.output, built.digest],
    ["image", locked.image ?? imageDigest, imageDigest],
  ] as const;
  for (const [what, expected, found] of pairs) {
    if (expected === found || found === undefined) continue;
    throw changed({ reference, what, found, ...(expected === undefined ? {} : { locked: expected }) });
  }
}

const WORDS = {
  missing: "the lockfile does not have it with these parameters",
  source: "its code is not what the lockfile says",
  version: "its version is not what the lockfile says",
  policy: "its policy is not what the lockfile says",
  output: "what it builds is not what the lockfile says",
  image: "its image is not what the lockfile says",
};

function changed(
  details: SandboxError<"RECIPE_CHANGED">["details"] & { readonly what: keyof typeof WORDS },
): SandboxError<"RECIPE_CHANGED"> {
  const { reference, what } = details;
  return new SandboxError("RECIPE_CHANGED", `Cannot use the recipe ${JSON.stringify(reference)}: ${WORDS[what]}`, {
    details,
    hint: "Read what changed in its files: none of its code has run. If that is what you want, run it with --lock",
  });
}

function unusable(verb: string, path: string, cause: unknown): SandboxError<"LOCK_UNUSABLE"> {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SandboxError("LOCK_UNUSABLE", `Cannot ${verb} the lockfile ${JSON.stringify(path)}: ${reason}`, {
    details: { path, reason },
    hint: `Mend it, or remove it and run with --lock`,
    cause,
  });
}
