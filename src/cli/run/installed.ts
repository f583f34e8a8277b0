/**
 * Where this host has a program that a sandbox does not see.
 *
 * @module
 */
import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import type { RunFlags } from "./flags.ts";

/** Folders that a local sandbox sees anyway. */
const SYSTEM = /^\/(?:usr|bin|sbin|lib\d*|libx32)(?:\/|$)/;

/** What would bring a program that was not found into the sandbox, as a sentence; undefined: this host does not have it either. */
export async function installedHint(
  program: string,
  runtime: string,
  { recipe, from }: Pick<RunFlags, "recipe" | "from">,
): Promise<string | undefined> {
  if (program.includes("/") || runtime !== "local" || from !== undefined) return undefined;
  const place = await find(program);
  if (place === undefined || SYSTEM.test(place)) return undefined;
  const folders = [...new Set([dirname(place), homeOf(await realpath(place))])].filter((each) => !SYSTEM.test(each));
  const seen = `This machine has it in ${dirname(place)}, which the sandbox does not see`;
  if (recipe !== undefined && (await takesInstalled(recipe))) {
    return `${seen}. Add: ${folders.map((each) => `--param installed=${each}`).join(" ")}`;
  }
  return `${seen}: grant it in a policy (filesystem: { read: [${folders.join(", ")}] }) and name the program as ${place}`;
}

async function find(program: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, program);
    if (!isAbsolute(folder)) continue;
    const isProgram = await access(path, constants.X_OK)
      .then(async () => (await stat(path)).isFile())
      .catch(() => false);
    if (isProgram) return path;
  }
  return undefined;
}

/** The folder that a program needs: a package of npm may need all that lies beside it. */
function homeOf(real: string): string {
  const at = real.indexOf("/node_modules/");
  return at < 0 ? dirname(real) : real.slice(0, at + "/node_modules".length);
}

async function takesInstalled(reference: string): Promise<boolean> {
  const { describeParams, loadRecipe } = await import("../../mod.ts");
  // As `run` has found it: a name alone is no package of the current folder.
  const { recipe } = await loadRecipe(reference, { builtInNames: true });
  return describeParams(recipe.params).some(({ name }) => name === "installed");
}
