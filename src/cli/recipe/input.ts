/**
 * A recipe as the sandbox of `run`.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  assertLockedBuild,
  type BuildFacts,
  type BuiltRecipe,
  compose,
  displaySafe,
  LOCK_NAME,
  loadPlugins,
  loadPolicy,
  lockBuild,
  type Plugin,
  type Policy,
  readRecipeLock,
  type SandboxOptions,
  writeRecipeLock,
} from "../../mod.ts";
import { nameOfImage } from "../../recipes/image.ts";
import type { RunFlags } from "../run/flags.ts";
import { aside } from "../write.ts";
import { buildFromFlags } from "./build.ts";

/** What a sandbox is made from. */
export interface RecipeInput {
  readonly policy: Policy;
  readonly options: SandboxOptions;
}

/** What the recipe adds to the options that were typed, which come first. */
export async function recipeInput(flags: RunFlags, typed: SandboxOptions, signal: AbortSignal): Promise<RecipeInput> {
  const { built, facts } = await buildFromFlags(flags);
  const { workspace, ...options } = typed;
  const isLive = built.workspace === "mount" && flags.mode === undefined && workspace !== undefined;
  const path = typeof workspace === "string" ? workspace : workspace?.path;
  const place = isLive && path !== undefined ? { path, mode: "mount" as const } : workspace;
  const named = await imageOf(built, flags, signal);
  const image = named === undefined ? undefined : await holdImage(facts, named, flags.lock === true);
  return {
    policy: flags.policy === undefined ? built.policy : compose(built.policy, await loadPolicy(flags.policy)),
    options: {
      ...options,
      ...(image === undefined ? {} : { image }),
      ...(place === undefined || built.workspace === "none" ? {} : { workspace: place }),
      env: { ...built.env, ...typed.env },
      volumes: [...built.volumes, ...(typed.volumes ?? [])],
      plugins: await pluginsOf(facts),
    },
  };
}

/** Each from where its recipe is: the current folder may be a stranger's, and have another package of that name. */
async function pluginsOf(facts: readonly BuildFacts[]): Promise<Plugin[]> {
  const made: Plugin[] = [];
  const known = new Set<string>();
  for (const { loaded, built } of facts) {
    const plugins = built.plugins.filter(({ name }) => !known.has(name));
    for (const { name } of plugins) known.add(name);
    // Built-in ones, which may come from a server, have none but built-in plugins.
    const folder = loaded.origin === "built-in" ? "/" : dirname(fileURLToPath(loaded.url));
    made.push(...(await loadPlugins({ ...built, plugins }, folder)));
  }
  return made;
}

/** The program of a recipe, where nobody typed one. */
export async function recipeCommand(flags: RunFlags): Promise<readonly string[] | undefined> {
  return (await buildFromFlags(flags)).built.command;
}

/** Only containers have images. What has to be built is, under a name that its content makes. */
async function imageOf({ image }: BuiltRecipe, flags: RunFlags, signal: AbortSignal): Promise<string | undefined> {
  if (flags.runtime !== "docker" || flags.from !== undefined || image === undefined) return undefined;
  const onProgress = flags.quiet === true ? {} : { onProgress: (line: string) => aside(displaySafe(line)) };
  return nameOfImage(image, { signal, ...onProgress });
}

/** Holds the image to the lockfile, or writes it there: what its name means can change. */
async function holdImage(facts: readonly BuildFacts[], image: string, lock: boolean): Promise<string> {
  const { imageDigest } = await import("../../runtimes/docker/image-digest.ts");
  const { id } = await imageDigest(image, {});
  const path = join(process.cwd(), LOCK_NAME);
  const known = await readRecipeLock(path);
  const [fact] = facts;
  if (known === undefined || fact === undefined) return id;
  if (lock) await writeRecipeLock(path, lockBuild(known, { ...fact, imageDigest: id }));
  else assertLockedBuild(known, { ...fact, imageDigest: id });
  return id;
}
