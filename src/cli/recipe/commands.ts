/**
 * The commands about recipes.
 *
 * @module
 */
import { type Command, Option } from "commander";
import type { ClaimRuntime } from "../../mod.ts";
import type { RecipeFlags } from "./flags.ts";

const JSON_FLAG = ["--json", "print JSON, for machines"] as const;

/** The options of whatever builds a recipe. */
export function recipeOptions(command: Command): Command {
  return command
    .option("--with <recipe>", "add a service to it (may be repeated)", list)
    .option("--param <name=value>", "a parameter, or service.name=value for one of a service (may be repeated)", list)
    .option("--params <file>", "parameters as YAML or JSON, those of services below their names")
    .option("--lock", "write cofferdam.lock, which holds later runs to what is built now");
}

/** Adds them. */
export function addRecipe(program: Command): void {
  const recipe = program
    .command("recipe")
    .summary("look at, test and write recipes")
    .description("Policies that are shared.");
  recipe
    .command("list")
    .summary("print the recipes that are built in")
    .description("Prints the recipes that are built in.")
    .option(...JSON_FLAG)
    .action(async (flags: { json?: boolean }) => {
      const { listRecipes } = await import("./list.ts");
      await listRecipes(flags);
    });
  recipeOptions(
    recipe
      .command("show")
      .summary("print what a recipe takes and gives")
      .description("Prints what a recipe takes and gives: its parameters, and the policy that it builds.")
      .argument("<recipe>", "a built-in one's name, an installed package, or a path"),
  )
    .option("--dockerfile", "print the Dockerfile of its image")
    .option(...JSON_FLAG)
    .action(async (reference: string, flags: RecipeFlags & { json?: boolean; dockerfile?: boolean }) => {
      const { showRecipe } = await import("./show.ts");
      await showRecipe(reference, flags);
    });
  recipe
    .command("test")
    .summary("try what recipes claim")
    .description("Tries what recipes claim, in a sandbox with their policy, and each denial without what denies it.")
    .argument("<recipes...>", "built-in ones by name, installed packages, or paths")
    .addOption(
      new Option("-r, --runtime <runtime>", "where it is tried")
        .choices(["local", "docker", "memory"])
        .default("local"),
    )
    .option("--from <image>", "with docker: an image that has Node, instead of the recipes' own")
    .option(...JSON_FLAG)
    .action(async (references: string[], flags: { json?: boolean; from?: string; runtime: ClaimRuntime }) => {
      const { tryRecipes } = await import("./test.ts");
      process.exitCode = await tryRecipes(references, flags);
    });
  recipe
    .command("new")
    .summary("write a package with a recipe")
    .description("Writes a package with a recipe, to be changed and published.")
    .argument("<name>", "the name of the package and of its folder")
    .option(...JSON_FLAG)
    .action(async (name: string, flags: { json?: boolean }) => {
      const { newRecipe } = await import("./new.ts");
      await newRecipe(name, flags);
    });
}

function list(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
