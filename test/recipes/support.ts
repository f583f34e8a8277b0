/** Recipes of tests, and files that hold some. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { z } from "zod";
import { defineRecipe, type Policy, type Recipe, type RecipeOutput } from "../../src/mod.ts";

/** The barrel as a module can import it. */
export const BARREL: string = new URL("../../src/mod.ts", import.meta.url).href;

/** The repository. */
export const PROJECT: string = fileURLToPath(new URL("../../", import.meta.url));

/** A recipe that gives this, whatever it is. */
export function giving(output: unknown, name = "given"): Recipe {
  return defineRecipe({
    name,
    version: "1.0.0",
    description: "Gives what a test wants.",
    params: z.object({}),
    build: () => output as RecipeOutput,
  });
}

/** A recipe with nothing but a policy. */
export function withPolicy(policy: Omit<Policy, "version">, name = "given"): Recipe {
  return giving({ policy: { version: 1, ...policy } }, name);
}

/** A folder that is gone after the tests. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "recipes-"));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
