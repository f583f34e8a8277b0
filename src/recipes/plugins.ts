/**
 * Plugins by the names that recipes give.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import type { Plugin } from "../hooks/mod.ts";
import { invalidRecipe } from "./problems.ts";
import type { BuiltRecipe } from "./types.ts";

/** The module that has the plugins that Cofferdam brings along: beside the sources, or in what is published. */
const BUILT_IN_URL: string = import.meta.url.endsWith(".ts")
  ? new URL("../../plugins/mod.ts", import.meta.url).href
  : new URL("./built-in/plugins/mod.js", import.meta.url).href;

/**
 * Makes the plugins of a recipe: those that are built in, by name, or of installed packages, whose default export is the factory.
 * Nothing is fetched.
 *
 * @param folder The folder that packages are looked for from.
 * @throws {SandboxError} RECIPE_INVALID If one is not to be had.
 */
export async function loadPlugins(
  { plugins, recipes }: BuiltRecipe,
  folder: string = process.cwd(),
): Promise<Plugin[]> {
  const made: Plugin[] = [];
  for (const { name, options } of plugins) {
    const make = (await builtIn(name)) ?? (await installed(name, folder).catch((cause) => cause as Error));
    if (typeof make !== "function") {
      throw invalidRecipe(recipes[0].name, `its plugin ${JSON.stringify(name)} is not to be had`, make);
    }
    made.push(make(options) as Plugin);
  }
  return made;
}

type Factory = (options: unknown) => unknown;

async function builtIn(name: string): Promise<Factory | undefined> {
  const called = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const module = (await import(BUILT_IN_URL).catch(() => ({}))) as Readonly<Record<string, unknown>>;
  const make = Object.hasOwn(module, called) ? module[called] : undefined;
  return typeof make === "function" ? (make as Factory) : undefined;
}

async function installed(name: string, folder: string): Promise<Factory> {
  const { resolve } = await import("import-meta-resolve");
  const module = (await import(resolve(name, pathToFileURL(`${folder}/`).href))) as { readonly default?: unknown };
  if (typeof module.default === "function") return module.default as Factory;
  throw new Error("its default export is no factory");
}
