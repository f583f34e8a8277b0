/**
 * `cofferdam recipe new`.
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { templateFiles } from "../../mod.ts";
import { UsageError } from "../failure.ts";
import { packageVersion } from "../version.ts";
import { aside, say, sayJson } from "../write.ts";

const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** Writes a package with a recipe into a new folder. Nothing that is there is overwritten. */
export async function newRecipe(name: string, { json }: { readonly json?: boolean }): Promise<void> {
  if (!NAME.test(name) || name.length > 64) {
    throw new UsageError(`${JSON.stringify(name)} is no name: lower-case letters and digits, with hyphens between`);
  }
  try {
    await mkdir(name);
  } catch (error) {
    throw new UsageError(`Cannot make the folder ${JSON.stringify(name)}: ${(error as Error).message}`);
  }
  const files = Object.entries(templateFiles(name, packageVersion()));
  for (const [path, text] of files) await writeFile(join(name, path), text, { flag: "wx" });
  if (json) return sayJson({ folder: name, files: files.map(([path]) => path) });
  for (const [path] of files) say(join(name, path));
  aside(`Try it: cofferdam recipe test ./${name}`);
}
