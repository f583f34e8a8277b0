/**
 * Limits by control groups: version 2 where a group was delegated to this user, version 1 where this process is root.
 *
 * @module
 */
import { constants } from "node:fs";
import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ProcessLimits } from "../../domains/process/mod.ts";
import { WARDEN_PROCESSES } from "../limits.ts";

/** The folders of the groups that one sandbox is in. The launcher removes them. */
export interface LimitGroups {
  readonly directories: readonly string[];
}

const CONTROLLERS = ["memory", "pids", "cpu"] as const;
type Controller = (typeof CONTROLLERS)[number];

/** Which settings of each version hold a limit. */
function settings(limits: ProcessLimits): Record<Controller, { v1: [string, string][]; v2: [string, string][] }> {
  const { memoryBytes, pids, cpus } = limits;
  const period = 100_000;
  const quota = cpus === undefined ? "" : String(Math.max(1000, Math.round(cpus * period)));
  const processes = pids === undefined ? "" : String(pids + WARDEN_PROCESSES);
  return {
    memory: {
      v1: memoryBytes === undefined ? [] : [["memory.limit_in_bytes", String(memoryBytes)]],
      v2:
        memoryBytes === undefined
          ? []
          : [
              ["memory.max", String(memoryBytes)],
              ["memory.swap.max", "0"],
            ],
    },
    pids: {
      v1: pids === undefined ? [] : [["pids.max", processes]],
      v2: pids === undefined ? [] : [["pids.max", processes]],
    },
    cpu: {
      v1:
        cpus === undefined
          ? []
          : [
              ["cpu.cfs_period_us", String(period)],
              ["cpu.cfs_quota_us", quota],
            ],
      v2: cpus === undefined ? [] : [["cpu.max", `${quota} ${period}`]],
    },
  };
}

/** Makes the groups that hold the limits, and tells of each before; undefined if this process may not. */
export async function createLimitGroups(
  name: string,
  limits: ProcessLimits,
  own: (directory: string) => void,
): Promise<LimitGroups | undefined> {
  const wanted = settings(limits);
  const needed = CONTROLLERS.filter((controller) => wanted[controller].v1.length > 0);
  const groups = await ownGroups();
  const made: string[] = [];
  try {
    const unified = await unifiedParent(groups, needed);
    if (unified !== undefined) {
      await make(
        join(unified, name),
        needed.flatMap((controller) => wanted[controller].v2),
        made,
        own,
      );
      return { directories: made };
    }
    for (const controller of needed) {
      const parent = groups.get(controller);
      if (parent === undefined) throw new Error(`no ${controller} controller`);
      await make(join(parent, name), wanted[controller].v1, made, own);
    }
    return { directories: made };
  } catch {
    return undefined;
  }
}

async function make(
  directory: string,
  values: readonly [string, string][],
  made: string[],
  own: (directory: string) => void,
): Promise<void> {
  if (made.includes(directory)) return;
  own(directory);
  await mkdir(directory);
  made.push(directory);
  for (const [file, value] of values) {
    // Kernels without swap accounting have no swap limit, and need none.
    const optional = file === "memory.swap.max";
    await writeFile(join(directory, file), value).catch((error: unknown) => {
      if (!optional) throw error;
    });
  }
}

/** This process's group in each hierarchy; version 2 under the empty name. See cgroups(7). */
async function ownGroups(): Promise<Map<string, string>> {
  const [membership, mounts] = await Promise.all([
    readFile("/proc/self/cgroup", "utf8").catch(() => ""),
    readFile("/proc/self/mountinfo", "utf8").catch(() => ""),
  ]);
  const mounted = new Map<string, { point: string; root: string }>();
  for (const line of mounts.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [type = "", , options = ""] = after.split(" ");
    const [, , , root = "/", point = ""] = before.split(" ");
    if (type === "cgroup2") mounted.set("", { point, root });
    if (type === "cgroup") for (const option of options.split(",")) mounted.set(option, { point, root });
  }
  const groups = new Map<string, string>();
  for (const line of membership.split("\n")) {
    const [, controllers, ...path] = line.split(":");
    if (controllers === undefined) continue;
    for (const controller of controllers.split(",")) {
      const at = mounted.get(controller);
      const inside = path.join(":");
      if (at === undefined) continue;
      const relative = at.root !== "/" && inside.startsWith(at.root) ? inside.slice(at.root.length) : inside;
      groups.set(controller, join(at.point, relative));
    }
  }
  return groups;
}

/** The nearest group above this process that was delegated to it and passes the controllers on to its children. */
async function unifiedParent(own: Map<string, string>, needed: readonly string[]): Promise<string | undefined> {
  const start = own.get("");
  for (let at = start; at !== undefined && at.length > 1; at = dirname(at)) {
    const passed = await readFile(join(at, "cgroup.subtree_control"), "utf8").catch(() => undefined);
    if (passed === undefined) return undefined;
    const writable = await access(join(at, "cgroup.procs"), constants.W_OK).then(
      () => true,
      () => false,
    );
    if (!writable) return undefined;
    const has = passed.trim().split(" ");
    if (needed.every((controller) => has.includes(controller))) return at;
  }
  return undefined;
}
