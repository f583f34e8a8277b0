/**
 * Where a sandbox runs.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { encodeMessage } from "../link/codec.ts";
import { CODES } from "../link/protocol.ts";
import { normalizePolicy } from "../policy/core.ts";
import { localRuntime } from "../runtimes/local/mod.ts";
import type { Runtime, RuntimeName } from "../runtimes/runtime.ts";
import { createWardenLocator, type WardenBinary } from "../warden/mod.ts";
import { createId } from "./id.ts";
import { openLink } from "./open-link.ts";
import type { SandboxOptions } from "./options.ts";
import { planDomains } from "./plan-domains.ts";

/** Runtimes keep what they have learnt (engines, volumes, the built warden): one of each for each set of options. */
const locateWarden = createWardenLocator();
const local = localRuntime({ locateWarden });
const engines = new Map<string, Runtime>();

/** The warden of this machine, which also cleans up. */
export function hostWarden(): Promise<WardenBinary> {
  return locateWarden(process.arch === "arm64" ? "arm64" : "x64");
}

/**
 * The runtime that the options ask for.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If there is none of that name.
 */
export async function chooseRuntime(options: SandboxOptions): Promise<Runtime> {
  const name = options.runtime ?? "auto";
  if ((options.guest !== undefined) !== (name === "memory")) throw guestMisplaced(name);
  switch (name === "auto" ? automaticRuntime(options) : name) {
    case "local":
      return local;
    case "docker":
      return docker(options);
    case "memory":
      return (await import("../runtimes/memory/mod.ts")).memoryRuntime(options.guest ?? {});
    default:
      throw new SandboxError("ARGUMENT_INVALID", `Cannot run a sandbox on "${String(name)}"`, {
        details: { argument: "runtime", value: name },
        hint: 'Use "auto", "docker", "local" or "memory"',
      });
  }
}

/** A script is no sandbox, and a sandbox runs no script: one must not be taken for the other. */
function guestMisplaced(name: string): SandboxError<"ARGUMENT_INVALID"> {
  const message =
    name === "memory" ? "Cannot run a sandbox in memory without a guest" : `Cannot run a scripted guest on "${name}"`;
  return new SandboxError("ARGUMENT_INVALID", message, {
    details: { argument: "guest" },
    hint: 'runtime: "memory" and guest go together, and isolate nothing',
  });
}

/** What `auto` means for these options. */
export function automaticRuntime({ image, root }: Pick<SandboxOptions, "image" | "root">): RuntimeName {
  if (root !== undefined) return "local";
  return image === undefined && process.platform === "linux" ? "local" : "docker";
}

/** Loaded when it is needed: the client of the Docker engine takes half a second, which local sandboxes need not wait for. */
async function docker(options: SandboxOptions): Promise<Runtime> {
  const key = JSON.stringify([options.docker ?? {}, process.env.DOCKER_HOST ?? ""]);
  const known = engines.get(key);
  if (known !== undefined) return known;
  const { dockerRuntime } = await import("../runtimes/docker/mod.ts");
  const runtime = engines.get(key) ?? dockerRuntime({ docker: options.docker, locateWarden });
  engines.set(key, runtime);
  return runtime;
}

/**
 * Why a runtime cannot be used here, as a sentence for people; undefined if it can. Starts nothing that stays.
 *
 * @example
 * ```ts
 * import { runtimeProblem } from "cofferdam";
 *
 * console.log((await runtimeProblem("docker")) ?? "docker works here");
 * ```
 */
export async function runtimeProblem(
  runtime: RuntimeName,
  options: Pick<SandboxOptions, "docker"> = {},
): Promise<string | undefined> {
  try {
    if (runtime === "docker") {
      const { pingEngine } = await import("../runtimes/docker/ping.ts");
      await pingEngine(options.docker ?? {});
    } else if (runtime === "local") await probeLocal();
    return undefined;
  } catch (error) {
    if (!SandboxError.is(error)) return error instanceof Error ? error.message : String(error);
    return error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  }
}

/** A sandbox that grants nothing: it shows whether namespaces, Landlock and the filter are to be had. */
async function probeLocal(): Promise<void> {
  const nothing = normalizePolicy({
    version: 1,
    filesystem: { baseline: false },
    process: { limits: { mode: "best-effort" } },
    audit: { files: "off" },
  });
  const { filesystem, process } = planDomains(nothing);
  const request = {
    id: createId(),
    filesystem,
    process,
    workspace: undefined,
    image: undefined,
    signal: undefined,
  };
  const warden = await local.start(request);
  await openLink(warden, { filesystem, frames: [FLOOR] }, { decisions: { ...UNASKED } }, {});
  await warden.end();
}

/** A policy without a rule, which nothing is asked about. */
const FLOOR = encodeMessage("policy", {
  generation: 1,
  mode: CODES.mode.floor,
  flags: 0,
  timeoutMs: 0,
  search: [],
  untrusted: [],
  volumes: [],
});

const UNASKED = {
  link: undefined,
  onAccess: () => undefined,
  onProgram: () => undefined,
  onExpired: () => undefined,
  onDecided: () => undefined,
};
