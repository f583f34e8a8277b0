/**
 * The volumes of a sandbox, checked against its policy: a volume brings a folder, and never a permission.
 *
 * @module
 */
import { posix } from "node:path";
import type { FilesystemPlan } from "../domains/filesystem/mod.ts";
import { BASELINE, grantProblem, HOME_PATH, isWithin, WORKSPACE_PATH } from "../policy/core.ts";
import type { VolumeRequest } from "../runtimes/runtime.ts";
import { invalid } from "./arguments.ts";

/** A folder that outlives the sandbox. */
export interface VolumeOptions {
  /** Lower-case letters, digits, `-`, `_` and `.`; at most 63. One that does not exist is made. */
  readonly name: string;
  /** Where it is in the sandbox: absolute, or from `~`; `~` itself keeps the home. Not in the workspace or the system's folders. */
  readonly path: string;
  /** `read`: nothing in it can be changed, whatever the policy allows. @default "write" */
  readonly mode?: "read" | "write";
  /**
   * Whether other sandboxes that say so too may have it at the same time. The warden decides every file operation then, as
   * in a mounted workspace.
   *
   * @default false, or true with mode "read"
   */
  readonly shared?: boolean;
}

const VOLUMES_MAX = 16;
const NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/;

/**
 * The volumes as the runtimes take them.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If one is malformed, or no rule of the policy grants anything in it.
 */
export function resolveVolumes(filesystem: FilesystemPlan, options: readonly VolumeOptions[] = []): VolumeRequest[] {
  if (options.length > VOLUMES_MAX) {
    const hint = `Give at most ${VOLUMES_MAX}`;
    throw invalid("volumes", `Cannot use ${options.length} volumes`, options.length, hint);
  }
  const resolved = options.map((volume, index) => resolveVolume(volume, `volumes[${index}]`, filesystem));
  for (const [index, { name, path }] of resolved.entries()) {
    const other = resolved.findIndex(
      (each) => each.name === name || isWithin(each.path, path) || isWithin(path, each.path),
    );
    if (other === index) continue;
    const message = `Cannot use the volume "${name}" beside volumes[${other}]: the name is the same, or one lies in the other`;
    throw invalid(`volumes[${index}]`, message, path, "Give each a name and a folder of its own");
  }
  return resolved;
}

/** The name of a volume, checked. */
export function volumeName(argument: string, name: unknown): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  const hint = "Use lower-case letters, digits, -, _ and .";
  throw invalid(argument, `Cannot use ${JSON.stringify(name)} as the name of a volume`, name, hint);
}

function resolveVolume(volume: VolumeOptions, argument: string, filesystem: FilesystemPlan): VolumeRequest {
  const name = volumeName(`${argument}.name`, volume.name);
  const path = volumePath(`${argument}.path`, volume.path);
  const { mode = "write", shared = mode === "read" } = volume;
  if (mode !== "read" && mode !== "write") {
    throw invalid(`${argument}.mode`, `Cannot use the volume mode "${String(mode)}"`, mode, 'Use "read" or "write"');
  }
  const { access, finer } = grantedIn(path, filesystem);
  if (access === undefined) {
    const message = `Cannot use the volume "${name}": the policy grants nothing in ${path}`;
    throw invalid(
      `${argument}.path`,
      message,
      path,
      `Add filesystem: { write: [${JSON.stringify(path)}] } to the policy`,
    );
  }
  return { name, path, access: mode === "read" ? "read" : access, shared, live: shared || finer };
}

/** The widest that the grants give in a folder, and whether they give less in some parts of it. */
function grantedIn(path: string, { grants }: FilesystemPlan): { access: "read" | "write" | undefined; finer: boolean } {
  const own = grants.filter(({ floorOnly, access }) => floorOnly !== true && access !== "device");
  const whole = own.filter((grant) => isWithin(path, grant.path)).map(({ access }) => access);
  const parts = own.filter((grant) => grant.path !== path && isWithin(grant.path, path)).map(({ access }) => access);
  if (whole.includes("write")) return { access: "write", finer: false };
  const writes = parts.includes("write");
  if (whole.length === 0 && parts.length === 0) return { access: undefined, finer: false };
  // The agent owns what is in a volume: where it may write only parts, the warden keeps it from changing modes in others.
  return { access: writes ? "write" : "read", finer: writes };
}

/** Where a volume is, checked and absolute. */
export function volumePath(argument: string, path: unknown): string {
  const problem = (reason: string) => {
    const hint = "Use a folder such as /data or ~/.memory";
    return invalid(argument, `Cannot put a volume at ${JSON.stringify(path)}: ${reason}`, path, hint);
  };
  if (typeof path !== "string") throw problem("it is no text");
  const absolute = path === "~" || path.startsWith("~/") ? HOME_PATH + path.slice(1) : path;
  if (!absolute.startsWith("/")) throw problem("it must be absolute, or start with ~/");
  if (absolute.split("/").some((part) => part === ".." || part === ".")) throw problem("it has . or .. in it");
  const canonical = posix.resolve(absolute);
  if (/[\0\n]|\p{Surrogate}/u.test(canonical) || Buffer.byteLength(canonical) > 1024)
    throw problem("it is no plain path");
  if (isWithin(canonical, WORKSPACE_PATH)) throw problem("the workspace is a folder of its own");
  const system = ["/dev", "/etc", ...BASELINE.filter(({ access }) => access === "read").map((grant) => grant.path)];
  if (system.some((folder) => isWithin(canonical, folder) || isWithin(folder, canonical))) {
    throw problem("the system's folders are there");
  }
  const refused = grantProblem(canonical, "write");
  if (refused !== undefined) throw problem(refused);
  return canonical;
}
