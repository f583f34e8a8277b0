/** Looking at processes through /proc. */
import { readdir, readFile } from "node:fs/promises";

/** The children of a process. */
export async function childrenOf(parent: number): Promise<number[]> {
  return [...(await parentsOfAll())].flatMap(([pid, of]) => (of === parent ? [pid] : []));
}

/** Every process with its parent. */
export async function parentsOfAll(): Promise<ReadonlyMap<number, number>> {
  const parents = new Map<number, number>();
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
    // The name may hold spaces and parentheses: the fields begin behind the last one.
    const [, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (ppid !== undefined) parents.set(Number(pid), Number(ppid));
  }
  return parents;
}

/** What a process holds in memory, in bytes. */
export interface ProcessMemory {
  /** Shared pages divided by those who share them. */
  readonly pss: number;
  readonly rss: number;
}

/** The memory of a process. Of another user's undumpable one only root may ask. */
export async function memoryOf(pid: number): Promise<ProcessMemory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "latin1");
  const field = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]);
  return { pss: field("Pss"), rss: field("Rss") };
}
