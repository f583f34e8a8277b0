/**
 * Finds and removes what killed owners left of local sandboxes: private folders, control groups, half-made volumes and images. Mounts
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
import { imageStore, listImages } from "./root/store.ts";

const CGROUPS = "/sys/fs/cgroup";
/** How many control groups are looked at, and how deep. */
const GROUPS_MAX = 50_000;
const DEPTH_MAX = 12;
const UNPACKED = "it is unpacked again when it is needed";
const IN_USE = "a sandbox has it";
const NOT_WHOLE = "it could not be removed, or not whole";

/** An image has a lock, as a volume has: what a sandbox uses stays. */
const REMOVED_AS: Partial<Record<Leftover["kind"], keyof typeof CODES.owned>> = {
  "control group": "cgroup",
  image: "volume",
};

/** The launcher takes as many at a time. */
const BATCH = 16;

/** How {@link cleanLocal} cleans. */
export interface CleanLocalOptions {
  readonly dryRun: boolean;
  /** Whether unpacked images go too, that no sandbox has. */
  readonly images: boolean;
}

/** Removes what dead owners left; with `dryRun` only says what that would be. The warden is what removes. */
export async function cleanLocal(
  locateWarden: () => Promise<WardenBinary>,
  { dryRun, images }: CleanLocalOptions,
): Promise<LeftoverReport> {
  const store = await imageStore();
  const found = [
    ...(images ? await unpackedImages(store) : []),
    ...folders(store),
    ...folders(tmpdir()),
    ...controlGroups(),
    ...folders(await stateDirectory("volumes")),
    ...folders(await stateDirectory("snapshots")),
  ];
  const goes = ({ reason }: Leftover) => reason === OWNER_GONE || reason === UNPACKED;
  const dead = found.filter(goes);
  const left = found.filter((each) => !goes(each));
  if (dryRun || dead.length === 0) return { removed: dead, left };
  const { path } = await locateWarden();
  for (let at = 0; at < dead.length; at += BATCH) await remove(path, dead.slice(at, at + BATCH));
  const stays = ({ name }: Leftover) => lstatSync(name, { throwIfNoEntry: false }) !== undefined;
  return {
    removed: dead.filter((each) => !stays(each)),
    left: [
      ...left,
      ...dead.filter(stays).map((each) => ({ ...each, reason: each.kind === "image" ? IN_USE : NOT_WHOLE })),
    ],
  };
}

/** Through a launcher, which removes trees that hostile programs made. */
async function remove(wardenPath: string, leftovers: readonly Leftover[]): Promise<void> {
  const frames = leftovers.map(({ kind, name }) => {
    return encodeMessage("owned", { kind: CODES.owned[REMOVED_AS[kind] ?? "folder"], path: Buffer.from(name) });
  });
  const remover = await launch(wardenPath);
  await new Promise((resolve) => remover.output.write(Buffer.concat(frames), resolve));
  await remover.finish();
}

/** Their owner is everybody who names the archive again: it is unpacked then. */
async function unpackedImages(store: string): Promise<Leftover[]> {
  const images = await listImages(store);
  return images.map(({ name }): Leftover => ({ runtime: "local", kind: "image", name, reason: UNPACKED }));
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
