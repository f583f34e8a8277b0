/**
 * The races of flip.c: what each needs in its folder, and what it says.
 */
import { chmodSync, copyFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { makeFiles } from "./mediation.ts";
import type { Programs } from "./programs.ts";
import { giveAway } from "./scene.ts";

/** One kind of race. */
export interface Race {
  readonly kind: string;
  /** What somebody outside flips meanwhile, as names of the folder. */
  readonly flipsOutside?: readonly [string, string];
}

export const RACES: readonly Race[] = [
  { kind: "open" },
  { kind: "openat2" },
  { kind: "unlink" },
  { kind: "rename" },
  { kind: "execve" },
  { kind: "argument" },
  { kind: "interpreter" },
  { kind: "connect" },
  { kind: "symlink" },
  { kind: "parent" },
  { kind: "symlink-outside", flipsOutside: ["l", "m"] },
  { kind: "parent-outside", flipsOutside: ["p", "q"] },
];

/** Makes what is allowed (a, p/f) and what is denied (d, dd/f), and links to them. */
export function makeRaceFiles(folder: string, kind: string, { flip, mapped }: Pick<Programs, "flip" | "mapped">): void {
  makeFiles(folder, { "dd/f": "d", "p/f": "a" });
  for (const [name, target] of [
    ["l", "a"],
    ["m", "d"],
    ["q", "dd"],
  ] as const) {
    symlinkSync(target, join(folder, name));
  }
  makeFiles(folder, { a: "a", d: "d" });
  if (kind === "execve" || kind === "argument") copyPrograms(folder, { a: flip, d: flip });
  if (kind === "interpreter") copyPrograms(folder, { a: mapped.allowed, d: mapped.denied, i: mapped.interpreted });
}

function copyPrograms(folder: string, programs: Readonly<Record<string, string>>): void {
  for (const [name, program] of Object.entries(programs)) {
    const path = join(folder, name);
    copyFileSync(program, path);
    chmodSync(path, 0o755);
    giveAway(path);
  }
}

/** What came of the tries. */
export interface RaceCounts {
  readonly tries: number;
  readonly allowed: number;
  readonly denied: number;
  readonly refused: number;
  readonly killed: number;
  readonly other: number;
}

/** Reads the line that flip.c prints at the end. */
export function readCounts(text: string): RaceCounts {
  const numbers = [...text.matchAll(/\d+/g)].map(Number);
  const [tries, allowed, denied, refused, killed, other] = numbers;
  if (numbers.length !== 6 || other === undefined) throw new Error(`flip said ${JSON.stringify(text)}`);
  return {
    tries: tries ?? 0,
    allowed: allowed ?? 0,
    denied: denied ?? 0,
    refused: refused ?? 0,
    killed: killed ?? 0,
    other,
  };
}
