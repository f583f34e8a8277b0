/**
 * devcontainer.json: what a sandbox takes of it, and what it refuses. See https://containers.dev/implementors/json_reference/.
 *
 * @module
 */
import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import * as z from "zod";
import type { ImageSource } from "../../mod.ts";
import { UsageError } from "../failure.ts";
import { parseJsonc } from "./jsonc.ts";

/** What becomes of one. */
export interface Devcontainer {
  /** One that the engine has, or one to be built. */
  readonly image: string | ImageSource;
  readonly env: Readonly<Record<string, string>>;
  /** Programs that make the container ready, in the sandbox, under its policy. */
  readonly setup: readonly (readonly string[])[];
  /** What a person should know: what was asked for and is another way here. */
  readonly notes: readonly string[];
}

/** What would give the container more than a policy does, or needs what a sandbox has not; and why. */
const REFUSED: Readonly<Record<string, string>> = {
  dockerComposeFile: "a sandbox is one container",
  features: "they are fetched and run while the image is built: put them into a Dockerfile",
  initializeCommand: "it runs on the host",
  mounts: "name volumes with --volume, and a folder with --workspace",
  workspaceMount: "name the folder with --workspace and --mode",
  runArgs: "they are options of the engine, which the policy says",
  privileged: "nothing is privileged in a sandbox",
  capAdd: "a sandbox has no capabilities",
  securityOpt: "a sandbox has a profile of its own",
};

const strings = z.record(z.string(), z.string());
const command = z.union([z.string(), z.array(z.string()).min(1)]);
const commands = z.union([command, z.record(z.string(), command)]);
const schema = z.looseObject({
  image: z.string().optional(),
  dockerFile: z.string().optional(),
  context: z.string().optional(),
  build: z
    .looseObject({
      dockerfile: z.string().optional(),
      context: z.string().optional(),
      args: strings.optional(),
      target: z.string().optional(),
    })
    .optional(),
  remoteUser: z.string().optional(),
  containerUser: z.string().optional(),
  containerEnv: strings.optional(),
  remoteEnv: z.record(z.string(), z.union([z.string(), z.null()])).optional(),
  onCreateCommand: commands.optional(),
  updateContentCommand: commands.optional(),
  postCreateCommand: commands.optional(),
});
type Document = z.infer<typeof schema>;

/** Where a folder may have one. */
const PLACES = [".devcontainer/devcontainer.json", ".devcontainer.json", "devcontainer.json"];

const BYTES_MAX = 1024 * 1024;

/** Finds the one of a folder; undefined: it has none. */
export async function findDevcontainer(folder: string): Promise<string | undefined> {
  for (const place of PLACES) {
    const found = await stat(join(folder, place)).catch(() => undefined);
    if (found?.isFile()) return join(folder, place);
  }
  return undefined;
}

/**
 * Reads the one at `path`, which was found for the folder that a person named.
 *
 * @throws {UsageError} If it is malformed, or asks for what a sandbox does not do, or for files outside of the folder.
 */
export async function readDevcontainer(path: string, named: string): Promise<Devcontainer> {
  const document = parse(path, await readBounded(path));
  for (const [key, why] of Object.entries(REFUSED)) {
    if (Object.hasOwn(document, key)) throw new UsageError(`Cannot use "${path}": ${key} is not done here, for ${why}`);
  }
  const { containerEnv = {}, remoteEnv = {}, remoteUser, containerUser } = document;
  const given = Object.entries({ ...containerEnv, ...remoteEnv }).filter(
    (each): each is [string, string] => each[1] !== null,
  );
  const user = remoteUser ?? containerUser;
  return {
    image: await imageOf(path, named, document),
    env: Object.fromEntries(given.map(([name, value]) => [name, substituted(path, value)])),
    setup: [document.onCreateCommand, document.updateContentCommand, document.postCreateCommand].flatMap(programs),
    notes: user === undefined ? [] : [`it asks for the user ${user}: here programs run as the sandbox's own user`],
  };
}

async function readBounded(path: string): Promise<string> {
  if ((await stat(path)).size > BYTES_MAX) throw new UsageError(`Cannot use "${path}": it is longer than 1 MiB`);
  return readFile(path, "utf8");
}

function parse(path: string, text: string): Document {
  let value: unknown;
  try {
    value = parseJsonc(text);
  } catch (error) {
    throw new UsageError(`Cannot use "${path}": ${(error as Error).message}`);
  }
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw new UsageError(`Cannot use "${path}": ${issue?.path.join(".") || "it"}: ${issue?.message}`);
}

/**
 * Paths in it are relative to the folder that it lies in. What is in the context goes to a build that no policy holds and that has
 * a network: a file that came with a project must not choose more of this machine for that than the folder that was named.
 */
async function imageOf(
  path: string,
  named: string,
  { image, build = {}, dockerFile, context: outer }: Document,
): Promise<string | ImageSource> {
  const dockerfile = build.dockerfile ?? dockerFile;
  if (dockerfile === undefined) {
    if (image !== undefined) return image;
    throw new UsageError(`Cannot use "${path}": it names neither an image nor a Dockerfile`);
  }
  const folder = await realpath(dirname(path));
  const root = await realpath(named);
  const given = build.context ?? outer ?? ".";
  const context = await realpath(resolve(folder, given)).catch((cause: Error) => {
    throw new UsageError(`Cannot use "${path}": its context: ${cause.message}`);
  });
  if (context !== root && !context.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) {
    throw new UsageError(`Cannot use "${path}": its context ${JSON.stringify(given)} is outside of "${named}"`);
  }
  const args = Object.fromEntries(
    Object.entries(build.args ?? {}).map(([name, value]) => [name, substituted(path, value)]),
  );
  const { target } = build;
  return {
    context,
    dockerfile: relative(context, resolve(folder, dockerfile)),
    args,
    ...(target === undefined ? {} : { target }),
  };
}

/** The host's environment does not enter by a file that came with a project. */
function substituted(path: string, value: string): string {
  return value.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    if (name === "containerWorkspaceFolder") return "/workspace";
    throw new UsageError(`Cannot use "${path}": \${${name}} is not put in here; give variables with --env`);
  });
}

function programs(given: z.infer<typeof commands> | undefined): (readonly string[])[] {
  if (given === undefined) return [];
  if (typeof given === "string") return [["/bin/sh", "-c", given]];
  return Array.isArray(given) ? [given] : Object.values(given).flatMap(programs);
}
