/**
 * Who has a name: one owner at a time, from before its sandbox starts until nothing of it is left.
 *
 * A claim is a folder with a file for each process that holds it: the one that was called and, before that one leaves, the owner.
 * A folder can be moved to a place where there is none, or an empty one, and to no other, so one of many gets it. What the dead
 * have left is removed by the names of their files, which are theirs alone: so nobody can remove what others hold meanwhile.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import { ownerOfThisProcess, ownerState } from "../../runtimes/owner.ts";
import { UsageError } from "../failure.ts";
import { checkName, controlDirectory } from "./directory.ts";

/** So often the folder is looked for again after the dead were removed from it: others may be first. */
const TURNS = 3;

/** A name that this process has. */
export interface NameClaim {
  /** What the process that is to own the sandbox joins it by. */
  readonly holder: string;
  /** Gives it up. Idempotent. */
  release(): void;
}

/**
 * Takes a name.
 *
 * @throws {UsageError} If another process has it.
 */
export function claimName(name: string): NameClaim {
  const claim = tryClaim(name);
  if (claim !== undefined) return claim;
  throw new UsageError(`There is a sandbox "${name}" already, or one is being started or cleared away`);
}

/** Takes a name; undefined: another process has it. */
export function tryClaim(name: string): NameClaim | undefined {
  const folder = claimPath(name);
  const holder = holderName();
  const draft = `${folder}-${randomBytes(8).toString("hex")}`;
  mkdirSync(draft, { mode: 0o700 });
  try {
    writeFileSync(join(draft, holder), "", { mode: 0o600 });
    for (let turn = 0; turn < TURNS; turn++) {
      if (isMoved(draft, folder)) return claimOf(folder, holder);
      removeDead(folder);
    }
    return undefined;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * Joins a claim of the process that started this one.
 *
 * @throws {Error} If that one has it no longer.
 */
export function joinClaim(name: string, starter: string): NameClaim {
  const folder = claimPath(name);
  const holder = holderName();
  writeFileSync(join(folder, holder), "", { mode: 0o600, flag: "wx" });
  const claim = claimOf(folder, holder);
  // The other way round another could take it in between.
  if (existsSync(join(folder, starter))) return claim;
  claim.release();
  throw new Error(`The name "${name}" was given up before its owner had it`);
}

function claimPath(name: string): string {
  return join(controlDirectory(), `${checkName(name)}.owner`);
}

/** Where there is no /proc a number has to do. */
function holderName(): string {
  return ownerOfThisProcess() ?? `pid.${process.pid}`;
}

function claimOf(folder: string, holder: string): NameClaim {
  return {
    holder,
    release: () => {
      rmSync(join(folder, holder), { force: true });
      removeEmpty(folder);
    },
  };
}

function isMoved(draft: string, folder: string): boolean {
  try {
    renameSync(draft, folder);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    // What systems say of a folder that is not empty.
    if (["ENOTEMPTY", "EEXIST", "EPERM"].includes(code)) return false;
    throw error;
  }
}

function removeDead(folder: string): void {
  for (const holder of existsSync(folder) ? readdirSync(folder) : []) {
    if (isDead(folder, holder)) rmSync(join(folder, holder), { force: true });
  }
  removeEmpty(folder);
}

/** Of another boot nobody lives. What cannot be told is no. */
function isDead(folder: string, holder: string): boolean {
  const state = ownerState(holder);
  if (state !== "unknown") return state === "dead";
  const made = statSync(join(folder, holder), { throwIfNoEntry: false })?.mtimeMs;
  if (made !== undefined && made < Date.now() - uptime() * 1000 - CLOCK_MS) return true;
  const [, pid] = /^pid\.([1-9]\d*)$/.exec(holder) ?? [];
  return pid !== undefined && !isRunning(Number(pid));
}

/** By how much two looks at the clock may differ. */
const CLOCK_MS = 1000;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** One that is not empty stays. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Somebody is in it, or has removed it.
  }
}
