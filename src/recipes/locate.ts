/**
 * Where a recipe is, by how somebody calls it: a built-in one's name, an installed package, or a path. Nothing is fetched.
 *
 * @module
 */
import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve as resolvePath } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SandboxError } from "../errors.ts";
import { digestOf } from "./digest.ts";
import { fileDigest, folderDigest } from "./source.ts";
import type { RecipePlace } from "./types.ts";

const BUILT_IN = /^[a-z][a-z0-9-]*$/;
const PACKAGE = /^(?:npm:)?(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*(?:\/[A-Za-z0-9._~/-]+)?$/;
const MODULE = /\.[cm]?[jt]s$/;

/** The module that has every built-in recipe: beside the sources, or in what is published. */
export const BUILT_IN_URL: string = import.meta.url.endsWith(".ts")
  ? new URL("../../recipes/mod.ts", import.meta.url).href
  : new URL("./built-in/recipes/mod.js", import.meta.url).href;

/** Where it is looked for. */
export interface LocateOptions {
  /** The folder that packages and paths are looked for from. */
  readonly folder: string;
  /** The names of what is built in. */
  readonly builtIn: readonly string[];
  /** Whether a name alone is one of those, or nothing. */
  readonly builtInNames: boolean;
}

/**
 * Finds a recipe: `ci-docs`, `acme-recipes`, `npm:ci-docs`, `./recipes/mine.ts`, each with `#name` where a module has several.
 *
 * @throws {SandboxError} RECIPE_UNAVAILABLE If it is not there.
 */
export async function locateRecipe(
  reference: string,
  { folder, builtIn, builtInNames }: LocateOptions,
): Promise<RecipePlace> {
  const [place = "", name] = reference.split("#", 2);
  const named = name === undefined ? {} : { name };
  try {
    if (name === undefined && builtIn.includes(place)) {
      return { reference, origin: "built-in", url: BUILT_IN_URL, name: place, digest: await builtInDigest() };
    }
    if (/^\.{0,2}\//.test(place) || place === "." || place === ".." || MODULE.test(place)) {
      return { reference, origin: "path", ...named, ...(await atPath(resolvePath(folder, place))) };
    }
    if (builtInNames && PACKAGE.test(place) && !/[:/]/.test(place)) {
      throw unavailable(
        reference,
        "no recipe of that name is built in",
        `cofferdam recipe list has those that are; of an installed package, whose code runs on this machine: npm:${place}`,
      );
    }
    if (PACKAGE.test(place) && !place.split("/").includes("..")) {
      const specifier = place.replace(/^npm:/, "");
      return {
        reference,
        origin: "package",
        ...named,
        ...(await inPackage(specifier, pathToFileURL(`${folder}/`).href)),
      };
    }
  } catch (cause) {
    if (SandboxError.is(cause)) throw cause;
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    const hint = BUILT_IN.test(place)
      ? `cofferdam recipe list names those that are built in; a package must be installed: npm install ${place}`
      : "Nothing is fetched: install the package, or name a file";
    throw unavailable(reference, reason, hint, cause);
  }
  throw unavailable(reference, "it is neither a name, nor a package, nor a path", "Write a path as ./recipe.ts");
}

/** The error of a recipe that is not to be had. */
export function unavailable(
  reference: string,
  reason: string,
  hint: string,
  cause?: unknown,
): SandboxError<"RECIPE_UNAVAILABLE"> {
  return new SandboxError("RECIPE_UNAVAILABLE", `Cannot load the recipe ${JSON.stringify(reference)}: ${reason}`, {
    details: { reference, reason },
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Where the sources come from a server (JSR), its URL has the version. */
async function builtInDigest(): Promise<string> {
  if (!BUILT_IN_URL.startsWith("file:")) return digestOf(BUILT_IN_URL);
  return folderDigest(dirname(fileURLToPath(BUILT_IN_URL)));
}

type Found = Pick<RecipePlace, "url" | "digest">;

async function atPath(path: string): Promise<Found> {
  const real = await realpath(path);
  if (!(await stat(real)).isDirectory()) return { url: pathToFileURL(real).href, digest: await fileDigest(real) };
  const { name } = JSON.parse(await readFile(join(real, "package.json"), "utf8")) as { readonly name?: unknown };
  if (typeof name !== "string") throw new Error("its package.json has no name");
  return inPackage(name, pathToFileURL(join(real, "package.json")).href);
}

async function inPackage(specifier: string, from: string): Promise<Found> {
  // Node's own algorithm, which Node itself gives to nobody but its loader.
  const { resolve } = await import("import-meta-resolve");
  const url = resolve(specifier, from);
  if (!url.startsWith("file:")) throw new Error("it is a module of the platform");
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  return { url, digest: await folderDigest(await packageFolder(fileURLToPath(url), name)) };
}

async function packageFolder(file: string, name: string): Promise<string> {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const text = await readFile(join(folder, "package.json"), "utf8").catch(() => "{}");
    if ((JSON.parse(text) as { readonly name?: unknown }).name === name) return folder;
  }
  throw new Error(`the folder of the package ${name} is not found`);
}
