/**
 * Recipes as their authors write them, and what comes out of them.
 *
 * @module
 */
import type { z } from "zod";
import type { Policy } from "../policy/mod.ts";
import type { VolumeOptions } from "../sandbox/volumes.ts";
import type { RecipeTests } from "./claims/types.ts";

/** What a recipe is for: a task, an agent that does one, or a service that is added to others (a mixin). */
export type RecipeKind = "task" | "agent" | "service";

/** What goes into an image beside its base: names as the package managers take them, with versions or without. */
export interface RecipePackages {
  /** Debian's, for instance `ripgrep`. */
  readonly apt?: readonly string[];
  /** For instance `typescript@5.9.2`. They are installed globally. */
  readonly npm?: readonly string[];
  /** For instance `ruff==0.14.0`. */
  readonly pip?: readonly string[];
}

/** Where the container of a recipe comes from: `name` or `dockerfile`, and what is added to it. */
export interface RecipeImage {
  /** As Docker names it, best with its digest: `node@sha256:...`. */
  readonly name?: string;
  /** The text of one. */
  readonly dockerfile?: string;
  readonly packages?: RecipePackages;
}

/** A plugin by its name: one of Cofferdam's own, a package, or a path. */
export interface RecipePlugin {
  readonly name: string;
  /** What its factory is called with: plain data. @default nothing */
  readonly options?: unknown;
}

/**
 * What a recipe gives: plain data. Credentials are named in the policy, and no value of one is anywhere.
 */
export interface RecipeOutput {
  readonly policy: Policy;
  /** @default none: whatever the runtime has */
  readonly image?: string | RecipeImage;
  /**
   * How a folder of the host takes part. `review`: in a layer or a copy, and what changed is looked at before it counts. `mount`:
   * live. `none`: not at all.
   *
   * @default "review"
   */
  readonly workspace?: RecipeWorkspace;
  /** What is started where nobody says otherwise. */
  readonly command?: readonly string[];
  /** Variables for every command. No secrets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folders that outlive the sandbox. */
  readonly volumes?: readonly VolumeOptions[];
  readonly plugins?: readonly RecipePlugin[];
}

/** How a folder of the host takes part. */
export type RecipeWorkspace = "review" | "mount" | "none";

/** What `defineRecipe` takes. */
export interface RecipeDefinition<Input extends object, Params extends object> {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string;
  /** As npm has them: `1.0.0`. */
  readonly version: string;
  /** A sentence for people. */
  readonly description: string;
  /** @default "task" */
  readonly kind?: RecipeKind;
  /** An object schema of zod 4. Keys that it does not have are refused. */
  readonly params: z.ZodType<Params, Input>;
  /** Pure: the same parameters give the same output, which is held. */
  build(params: Params): RecipeOutput;
  /** What the recipe claims to allow and to deny: `cofferdam recipe test` tries it in a sandbox. */
  readonly tests?: RecipeTests<Input> | readonly RecipeTests<Input>[];
}

/** A name and a version. */
export interface RecipeId {
  readonly name: string;
  readonly version: string;
}

/** What a recipe has built: checked, complete and frozen all the way down. */
export interface BuiltRecipe {
  /** One, or those that were combined. */
  readonly recipes: readonly [RecipeId, ...RecipeId[]];
  readonly policy: Policy;
  readonly image?: RecipeImage;
  readonly workspace: RecipeWorkspace;
  readonly command?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly volumes: readonly VolumeOptions[];
  readonly plugins: readonly RecipePlugin[];
  /** Of the policy: `sha256:` and hexadecimal digits. */
  readonly policyDigest: string;
  /** Of everything above. */
  readonly digest: string;
}

/**
 * A recipe: a policy with parameters, and what goes with it.
 *
 * @example
 * ```ts
 * import { createSandbox, type Recipe } from "cofferdam";
 *
 * async function run(recipe: Recipe<{ readonly docs: string }>): Promise<void> {
 *   const { policy } = recipe.build({ docs: "./docs" });
 *   await using sandbox = await createSandbox(policy, { workspace: "." });
 * }
 * ```
 */
export interface Recipe<Input extends object = object> extends RecipeId {
  readonly description: string;
  readonly kind: RecipeKind;
  readonly params: z.ZodType;
  readonly tests: readonly RecipeTests[];
  /**
   * Builds it.
   *
   * @throws {SandboxError} RECIPE_PARAMS_INVALID If a parameter is missing, unknown or malformed.
   * @throws {SandboxError} RECIPE_INVALID If what it gives is malformed, or not the same twice.
   */
  build(params: Input): BuiltRecipe;
}

/** Where a recipe comes from. */
export type RecipeOrigin = "built-in" | "package" | "path";

/** A recipe that was found, before any of its code runs. */
export interface RecipePlace {
  readonly reference: string;
  readonly origin: RecipeOrigin;
  /** The module. */
  readonly url: string;
  /** Which of the module's recipes is meant, by name. */
  readonly name?: string;
  /** Of the code: a package's or the built-in ones' files, or the one file. */
  readonly digest: string;
}

/** A recipe, and where it came from. */
export interface LoadedRecipe {
  /** As it was called. */
  readonly reference: string;
  readonly origin: RecipeOrigin;
  /** The module that it is in. What it names is looked for from there. */
  readonly url: string;
  readonly recipe: Recipe;
  /** Of its code: `sha256:` and hexadecimal digits. */
  readonly sourceDigest: string;
}
