/** Taking samples. */
import type { BenchContext, Contestant, Row } from "./types.ts";

/** How often to do something. */
export interface Rounds {
  readonly full: number;
  readonly quick: number;
  /** Rounds before those that count. */
  readonly warmUp?: number;
}

/**
 * Lets all contestants run in every round, so that what disturbs the machine disturbs all of them alike. Each round begins
 * with another one, so that nobody always runs in the same one's wake.
 */
export async function interleave(
  context: BenchContext,
  contestants: readonly Contestant[],
  { full, quick, warmUp = 3 }: Rounds,
): Promise<Row[]> {
  const rounds = context.quick ? quick : full;
  const skipped = context.quick ? 1 : warmUp;
  const samples = contestants.map((): number[] => []);
  for (let round = -skipped; round < rounds; round++) {
    context.progress(round + skipped, rounds + skipped);
    for (let turn = 0; turn < contestants.length; turn++) {
      const which = (turn + round + skipped) % contestants.length;
      const value = await contestants[which]?.run();
      if (round >= 0 && value !== undefined) samples[which]?.push(value);
    }
  }
  return contestants.map(({ name, target }, index) => ({
    name,
    samples: samples[index] ?? [],
    ...(target === undefined ? {} : { target }),
  }));
}

/** How long something takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** A rate from bytes and milliseconds, in millions of bytes a second. */
export function rate(bytes: number, milliseconds: number): number {
  return bytes / 1e6 / (milliseconds / 1000);
}

/** The value below which the given share of the samples lies; between two samples, what lies between them. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** The middle sample. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** A target that is a number. */
export function atMost(value: number, unit: string): { text: string; bound: () => number } {
  return { text: `≤ ${value} ${unit}`, bound: () => value };
}

/** What one row takes more than another, round by round. */
export function addedTo(rows: readonly Row[], name: string, base: string, as: string): Row {
  return byRound(rows, name, base, as, (value, of) => value - of);
}

/** How many times as much as another a row takes, round by round. */
export function timesOf(rows: readonly Row[], name: string, base: string, as: string): Row {
  return byRound(rows, name, base, as, (value, of) => value / of);
}

function byRound(
  rows: readonly Row[],
  name: string,
  base: string,
  as: string,
  combine: (value: number, of: number) => number,
): Row {
  const samplesOf = (wanted: string) => rows.find((row) => row.name === wanted)?.samples ?? [];
  const bases = samplesOf(base);
  return { name: as, samples: samplesOf(name).map((value, round) => combine(value, bases[round] ?? Number.NaN)) };
}
