/**
 * What a sandbox could leave behind on this host, looked for in every place where it could lie.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Sandbox } from "../../src/mod.ts";
import { until } from "./help.ts";
import type { Scene } from "./scene.ts";

const run = promisify(execFile);

async function docker(...args: readonly string[]): Promise<string[]> {
  const { stdout } = await run("docker", args);
  return stdout.split("\n").filter((line) => line !== "");
}

/** What there is now, as lines for people. Only what this process made is counted: others use this machine too. */
export async function lookAround(scene: Scene, owner: number = process.pid): Promise<string[]> {
  const found = readdirSync(scene.temporary)
    .filter((name) => name.startsWith("cofferdam"))
    .map((name) => `folder ${name}`);
  return [...found, ...(scene.place.docker ? await containers(owner) : [...launchers(owner), ...groups()])].sort();
}

/** Containers that a process owns, by the label HOST.PID.STARTED. */
async function containers(owner: number): Promise<string[]> {
  const format = '{{.Label "dev.cofferdam.owner"}} {{.Names}}';
  const all = await docker("ps", "--all", "--filter", "label=dev.cofferdam.sandbox", "--format", format);
  return all.filter((line) => line.split(" ")[0]?.split(".")[1] === String(owner)).map((line) => `container ${line}`);
}

/** The launchers that a process started, and the wardens below them. */
export function launchers(owner: number = process.pid): string[] {
  const all = processes();
  const below = (pid: number): boolean => {
    const parent = all.get(pid)?.parent;
    return parent !== undefined && (parent === owner || below(parent));
  };
  const found = [...all].filter(([pid, { name }]) => name.startsWith("warden") && below(pid));
  return found.map(([pid]) => `process ${pid}`);
}

/** Each process of this host that runs, with its parent. A warden does not show its arguments, even to root. */
export function processes(): Map<number, { readonly parent: number; readonly name: string }> {
  const found = new Map<number, { parent: number; name: string }>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "latin1");
      const end = stat.lastIndexOf(")");
      const [state, parent] = stat.slice(end + 2).split(" ");
      if (state !== "Z")
        found.set(Number(entry), { parent: Number(parent), name: stat.slice(stat.indexOf("(") + 1, end) });
    } catch {
      // It went while we looked.
    }
  }
  return found;
}

/** Control groups of sandboxes that have no process. One of somebody else's that just starts or ends may be among them. */
function groups(): string[] {
  const found: string[] = [];
  const look = (folder: string, depth: number): void => {
    for (const entry of listFolders(folder)) {
      if (entry.startsWith("cofferdam-")) found.push(`control group ${folder}/${entry}`);
      else if (depth > 0) look(`${folder}/${entry}`, depth - 1);
    }
  };
  look("/sys/fs/cgroup", 4);
  return found;
}

function listFolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

/** The anonymous volumes of a sandbox's container. */
export async function volumesOf(scene: Scene, sandbox: Sandbox): Promise<string[]> {
  if (!scene.place.docker) return [];
  const format = '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}}\n{{end}}{{end}}';
  const names = await docker("inspect", "--format", format, `cofferdam-${sandbox.id}`);
  return names.filter((name) => /^[0-9a-f]{64}$/.test(name));
}

/** Waits until nothing is there that was not there before: neither processes, folders, groups, containers nor volumes. */
export async function expectNothingLeft(
  scene: Scene,
  before: readonly string[],
  volumes: readonly string[] = [],
  owner?: number,
): Promise<void> {
  let left: string[] = [];
  await until(async () => {
    left = (await lookAround(scene, owner)).filter((each) => !before.includes(each));
    return left.length === 0;
  }, "nothing is left").catch((error: unknown) => {
    throw new Error(`${error instanceof Error ? error.message : error}: ${left.join(", ")}`);
  });
  if (volumes.length === 0) return;
  const present = await docker("volume", "ls", "--quiet");
  const kept = volumes.filter((name) => present.includes(name));
  if (kept.length > 0) throw new Error(`volumes are left: ${kept.join(", ")}`);
}
