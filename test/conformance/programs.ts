/**
 * The static programs of the cases, and how they run outside, where nothing guards them.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { isRoot, ORDINARY_UID } from "./places.ts";

/** Paths on the host. */
export interface Programs {
  /** See attack.c. */
  readonly attack: string;
  /** See tool.c. */
  readonly tool: string;
  /** See mediate.c. */
  readonly mediate: string;
  /** See flip.c. */
  readonly flip: string;
  /** See guest.c. */
  readonly guest: string;
  /** See server.c. */
  readonly server: string;
  /** See net.c. */
  readonly net: string;
  readonly mapped: MappedPrograms;
}

/** The programs of mapped.c. */
export interface MappedPrograms {
  /** Ends with the status that flip.c takes for what is allowed. */
  readonly allowed: string;
  /** Ends with the one for what is denied. */
  readonly denied: string;
  /** Names `l` in its working directory as its interpreter, and never runs itself. */
  readonly interpreted: string;
}

const FLAGS = ["-static", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers"];

/** Compiles a program into a folder. */
export function buildProgram(folder: string, name: string, sources: readonly string[]): string {
  const target = join(folder, name);
  const paths = sources.map((source) => new URL(`./${source}`, import.meta.url).pathname);
  execFileSync("cc", [...FLAGS, "-o", target, ...paths, "-lutil"], { stdio: ["ignore", "ignore", "inherit"] });
  chmodSync(target, 0o755);
  return target;
}

/** Compiles the programs of mapped.c into a folder. */
export function buildMapped(folder: string): MappedPrograms {
  const build = (name: string, status: number, ...flags: readonly string[]) => {
    const target = join(folder, name);
    const source = new URL("./mapped.c", import.meta.url).pathname;
    const all = ["-O1", "-Wall", "-Wextra", "-Werror", "-nostdlib", `-DSTATUS=${status}`, ...flags];
    execFileSync("cc", [...all, "-o", target, source], { stdio: ["ignore", "ignore", "inherit"] });
    return target;
  };
  return {
    allowed: build("mapped-allowed", 10, "-static"),
    denied: build("mapped-denied", 20, "-static"),
    interpreted: build("mapped-interpreted", 50, "-pie", "-fPIE", "-Wl,--dynamic-linker=l"),
  };
}

/** Compiles the programs into a folder. */
export function buildPrograms(folder: string): Programs {
  const build = (name: string, ...parts: readonly string[]) =>
    buildProgram(folder, name, [`${name}.c`, ...parts.map((part) => `${name}-${part}.c`)]);
  return {
    attack: build("attack", "paths", "sockets", "processes", "kernel"),
    tool: build("tool"),
    mediate: build("mediate", "open", "names", "metadata", "start"),
    flip: build("flip"),
    guest: build("guest", "start"),
    server: build("server"),
    net: build("net", "names"),
    mapped: buildMapped(folder),
  };
}

/**
 * What a program prints outside a sandbox, as an ordinary user under namespaces of its own: those keep nothing from it.
 * The name of a signal, if one ended it.
 */
export function outside(argv: readonly string[]): string {
  const user = String(ORDINARY_UID);
  const become = isRoot ? ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] : [];
  const [command = "", ...rest] = [...become, "unshare", "-Urpfmnui", ...argv];
  const { stdout, stderr, signal, status } = spawnSync(command, rest, { encoding: "utf8", timeout: 50_000 });
  if (signal !== null) return signal;
  if (stdout === "") throw new Error(`${argv.join(" ")} said nothing outside, but for status ${status}: ${stderr}`);
  return stdout.trim();
}
