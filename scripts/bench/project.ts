/** This project as an input of benches: its sources, and the tools that build it. */
import { chmod, copyFile, cp, mkdir, realpath, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "./command.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
/** Stays between runs: only what the lockfile newly names is fetched. */
const CACHE = join(REPOSITORY, ".cache/bench/npm");
/** Not of this user's configuration: no registry is asked, and nothing is looked up but the given files. */
const NPM = { update_notifier: "false", audit: "false", fund: "false", userconfig: "/dev/null", loglevel: "error" };

/** Copies entries of the repository into a new folder. */
export async function copyProject(folder: string, entries: readonly string[]): Promise<void> {
  await mkdir(folder);
  for (const entry of entries) await cp(join(REPOSITORY, entry), join(folder, entry), { recursive: true });
}

/**
 * Gives the folder a `bin/node` that works in a copy of it too, and tells which one. A Node of the system is linked: then
 * both sides run the very same file from the same pages of memory, which matters by some percent. Another one is copied.
 */
export async function addNode(folder: string): Promise<string> {
  const bin = join(folder, "bin");
  await mkdir(bin);
  const program = await nodeOfTheSystem();
  if (program === undefined) {
    await copyFile(await realpath(process.execPath), join(bin, "node"));
    await chmod(join(bin, "node"), 0o755);
  } else {
    await symlink(program, join(bin, "node"));
  }
  const version = await runCommand([join(bin, "node"), "--version"]);
  return `node ${version.toString().trim()}, ${program ?? `a copy of ${process.execPath}`}`;
}

/** Every sandbox can read what lies under /usr. */
async function nodeOfTheSystem(): Promise<string | undefined> {
  for (const candidate of [process.execPath, "/usr/local/bin/node", "/usr/bin/node"]) {
    const path = await realpath(candidate).catch(() => undefined);
    if (path?.startsWith("/usr/")) return path;
  }
  return undefined;
}

/** The variables of a build: the same everywhere but for the folder. */
export function toolVariables(folder: string): Record<string, string> {
  const npm = Object.entries(NPM).map(([key, value]) => [`npm_config_${key}`, value]);
  return {
    PATH: `${folder}/bin:/usr/local/bin:/usr/bin:/bin`,
    HOME: `${folder}/home`,
    LC_ALL: "C",
    // Headers for native packages, or their builds fail alike on both sides: nothing is fetched.
    npm_config_nodedir: "/usr",
    npm_config_cache: `${folder}/cache`,
    ...Object.fromEntries(npm),
  };
}

/**
 * Puts npm into the folder, the project's two files as `project`, and a cache with all that they name. Tells which registry
 * it came from.
 */
export async function addNpm(folder: string): Promise<string> {
  const program = await realpath((await runCommand(["sh", "-c", "command -v npm"])).toString().trim());
  await cp(dirname(dirname(program)), join(folder, "npm"), { recursive: true, verbatimSymlinks: true });
  const project = join(folder, "project");
  await copyProject(project, ["package.json", "package-lock.json"]);
  const npm = (...args: string[]) =>
    runCommand([join(folder, "bin/node"), join(folder, "npm/bin/npm-cli.js"), ...args], { cwd: project });
  const registry = (await npm("config", "get", "registry")).toString().trim();
  const options = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--cache", CACHE];
  // A lockfile that another npm wrote may lack packages for other systems: `npm ci` of this one insists on them.
  await npm("install", "--package-lock-only", ...options);
  await npm("ci", ...options);
  await rm(join(project, "node_modules"), { recursive: true });
  await cp(CACHE, join(folder, "cache"), { recursive: true });
  return registry;
}
