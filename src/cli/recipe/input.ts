/**
 * A recipe as the sandbox of `run`.
 *
 * @module
 */
import { compose, loadPlugins, loadPolicy, type Policy, type SandboxOptions } from "../../mod.ts";
import { HintedError } from "../failure.ts";
import type { RunFlags } from "../run/flags.ts";
import { buildFromFlags } from "./build.ts";

/** What a sandbox is made from. */
export interface RecipeInput {
  readonly policy: Policy;
  readonly options: SandboxOptions;
}

/** What the recipe adds to the options that were typed, which come first. */
export async function recipeInput(flags: RunFlags, typed: SandboxOptions): Promise<RecipeInput> {
  const { built } = await buildFromFlags(flags);
  const { workspace, ...options } = typed;
  const isLive = built.workspace === "mount" && flags.mode === undefined && workspace !== undefined;
  const path = typeof workspace === "string" ? workspace : workspace?.path;
  const place = isLive && path !== undefined ? { path, mode: "mount" as const } : workspace;
  const image = imageOf(built, flags);
  return {
    policy: flags.policy === undefined ? built.policy : compose(built.policy, await loadPolicy(flags.policy)),
    options: {
      ...options,
      ...(image === undefined ? {} : { image }),
      ...(place === undefined || built.workspace === "none" ? {} : { workspace: place }),
      env: { ...built.env, ...typed.env },
      volumes: [...built.volumes, ...(typed.volumes ?? [])],
      plugins: await loadPlugins(built),
    },
  };
}

/** The program of a recipe, where nobody typed one. */
export async function recipeCommand(flags: RunFlags): Promise<readonly string[] | undefined> {
  return (await buildFromFlags(flags)).built.command;
}

/** Only containers have images, and only those that the engine has are used. */
function imageOf({ image }: Awaited<ReturnType<typeof buildFromFlags>>["built"], flags: RunFlags): string | undefined {
  if (flags.runtime !== "docker" || flags.from !== undefined || image === undefined) return undefined;
  if (image.name !== undefined && image.packages === undefined) return image.name;
  throw new HintedError(
    "The recipe's image has to be built first",
    `cofferdam recipe show ${flags.recipe} --dockerfile | docker build -t my-image -, then --from my-image`,
  );
}
