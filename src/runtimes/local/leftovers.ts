/**
 * Finds and removes what killed owners left of local sandboxes: private folders, control groups, half-made volumes. Mounts
 * and namespaces go with the last process of a sandbox, and its processes with their launcher.
 *
 * @module
 */
import { lstatSync, readdirSync, type Stats } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { encodeMessage } from "../../link/codec.ts";
import { CODES } from "../../link/protocol.ts";
import type { WardenBinary } from "../../warden/mod.ts";
import { type Leftover, type LeftoverReport, OWNER_GONE, ownerState } from "../leftovers.ts";
import { stateDirectory } from "../state-directory.ts";
import { launch } from "./launch.ts";

const CGROUPS = "/sys/fs/cgroup";
/** How many control groups are looked at, and how deep. */
const GROUPS_MAX = 50_000;
const DEPTH_MAX = 12;
/** The launcher takes as many at a time. */
const BATCH = 16;

/** Removes what dead owners left; with `dryRun` only says what that would be. The warden is what removes. */
export async function cleanLocal(locateWarden: () => Promise<WardenBinary>, dryRun: boolean): Promise<LeftoverReport> {
  const found = [
    ...folders(tmpdir()),
    ...controlGroups(),
    ...folders(await stateDirectory("volumes")),
    ...folders(await stateDirectory("snapshots")),
  ];
  const dead = found.filter(({ reason }) => reason === OWNER_GONE);
  const left = found.filter(({ reason }) => reason !== OWNER_GONE);
  if (dryRun || dead.length === 0) return { removed: dead, left };
  const { path } = await locateWarden();
  for (let at = 0; at < dead.length; at += BATCH) await remove(path, dead.slice(at, at + BATCH));
  const stays = ({ name }: Leftover) => lstatSync(name, { throwIfNoEntry: false }) !== undefined;
  return {
    removed: dead.filter((each) => !stays(each)),
    left: [
      ...left,
      ...dead.filter(stays).map((each) => ({ ...each, reason: "it could not be removed, or not whole" })),
    ],
  };
}

/** Through a launcher, which removes trees that hostile programs made. */
async function remove(wardenPath: string, leftovers: readonly Leftover[]): Promise<void> {
  const frames = leftovers.map(({ kind, name }) => {
    const code = kind === "folder" ? CODES.owned.folder : CODES.owned.cgroup;
    return encodeMessage("owned", { kind: code, path: Buffer.from(name) });
  });
  const remover = await launch(wardenPath);
  await new Promise((resolve) => remover.output.write(Buffer.concat(frames), resolve));
  await remover.finish();
}

function folders(parent: string): Leftover[] {
  return list(parent).flatMap((name) => judge("folder", join(parent, name), name));
}

function controlGroups(): Leftover[] {
  const found: Leftover[] = [];
  let looked = 0;
  const look = (parent: string, depth: number): void => {
    for (const name of list(parent)) {
      if (++looked > GROUPS_MAX) return;
      const path = join(parent, name);
      const judged = judge("control group", path, name);
      found.push(...judged);
      if (judged.length === 0 && depth < DEPTH_MAX && isDirectory(path)) look(path, depth + 1);
    }
  };
  look(CGROUPS, 0);
  return found;
}

/** Nothing, if it is no name of ours or its owner lives. */
function judge(kind: "folder" | "control group", path: string, name: string): Leftover[] {
  const removal = /^\.removed-\d+-/.test(name);
  const state = removal ? "dead" : ownerState(name);
  if (state === undefined || state === "alive") return [];
  const leftover = (reason: string): Leftover[] => [{ runtime: "local", kind, name: path, reason }];
  const stats = statOf(path);
  if (stats === undefined) return [];
  // A name proves nothing: in a folder that all may write to, anybody can use it.
  if (!stats.isDirectory()) return leftover("it is no folder");
  if (stats.uid !== (process.geteuid?.() ?? 0)) return leftover("it belongs to another user");
  if (state === "unknown")
    return leftover("it was made before this boot, or in another container: who made it cannot be told");
  return leftover(OWNER_GONE);
}

function list(parent: string): string[] {
  try {
    return readdirSync(parent);
  } catch {
    return [];
  }
}

function isDirectory(path: string): boolean {
  return statOf(path)?.isDirectory() ?? false;
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
