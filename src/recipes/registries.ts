/**
 * The hosts of package registries, as npm's and pip's own configuration has them. What lies in a workspace is content and no
 * configuration: an `.npmrc` there decides nothing.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { isAddress } from "../policy/mod.ts";
import { describeParams } from "./params.ts";
import type { Recipe } from "./types.ts";

/**
 * The host of a package manager's registry, with `:port` where that is not 443.
 *
 * @returns undefined where its configuration names none, or one without a host name.
 *
 * @example
 * ```ts
 * import { registryHost } from "cofferdam";
 *
 * console.log(await registryHost("npm"));
 * ```
 */
export async function registryHost(manager: "npm" | "pip"): Promise<string | undefined> {
  const url = manager === "npm" ? await npmRegistry() : await pipIndex();
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { hostname, port, protocol } = new URL(url);
  if (!hostname.includes(".") || isAddress(hostname)) return undefined;
  const at = port || (protocol === "http:" ? "80" : "");
  return at === "" ? hostname : `${hostname}:${at}`;
}

/** The parameters, with the hosts of registries that nobody gave. */
export async function withRegistries(recipe: Recipe, params: object): Promise<Record<string, unknown>> {
  const missing = describeParams(recipe.params).filter(
    ({ name, from, default: fallback }) => from !== undefined && fallback === undefined && !Object.hasOwn(params, name),
  );
  const found = await Promise.all(missing.map(async ({ name, from }) => [name, from && (await registryHost(from))]));
  return { ...params, ...Object.fromEntries(found.filter(([, host]) => host !== undefined)) };
}

type NpmConfiguration = (options: { readonly global: boolean }) => { readonly config: Map<string, unknown> };

async function npmRegistry(): Promise<string | undefined> {
  // It has no types.
  const npmConf = createRequire(import.meta.url)("@pnpm/npm-conf") as NpmConfiguration;
  // `global`: without the files of the project.
  const registry = npmConf({ global: true }).config.get("registry");
  return typeof registry === "string" ? registry : undefined;
}

/** In the order in which pip lets one override the other: https://pip.pypa.io/en/stable/topics/configuration/ */
async function pipIndex(): Promise<string | undefined> {
  const { PIP_INDEX_URL, UV_DEFAULT_INDEX, UV_INDEX_URL, PIP_CONFIG_FILE, XDG_CONFIG_HOME } = process.env;
  const variable = PIP_INDEX_URL ?? UV_DEFAULT_INDEX ?? UV_INDEX_URL;
  if (variable !== undefined && variable !== "") return variable;
  const home = homedir();
  const files = [
    ...(PIP_CONFIG_FILE === undefined ? [] : [PIP_CONFIG_FILE]),
    join(XDG_CONFIG_HOME ?? join(home, ".config"), "pip/pip.conf"),
    ...(process.platform === "darwin" ? [join(home, "Library/Application Support/pip/pip.conf")] : []),
    join(home, ".pip/pip.conf"),
    "/etc/pip.conf",
    "/etc/xdg/pip/pip.conf",
  ];
  const { parse } = await import("ini");
  const read = await Promise.all(files.map(async (file) => parse(await readFile(file, "utf8").catch(() => "")) as Ini));
  // Key by key a file overrides those after it; and only then the command's own section comes before the one of all commands.
  const all = ["install", "global"].flatMap((section) => read.map((each) => each[section]?.["index-url"]));
  return all.find((index) => typeof index === "string");
}

type Ini = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
