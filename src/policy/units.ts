/**
 * Sizes and durations as people write them.
 *
 * @module
 */

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** What {@link parseBytes} reads, as the end of an error message. */
export const BYTES_RULE: string = 'a size with a unit, such as "512MiB" or "1GiB" (B, kB, MB, GB, KiB, MiB, GiB)';

/** What {@link parseDuration} reads, as the end of an error message. */
export const DURATION_RULE: string = 'a duration with a unit, such as "30s" or "10m" (ms, s, m, h)';

function parse(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^([1-9][0-9]{0,15})([A-Za-z]{1,3})$/.exec(text);
  const factor = match?.[2] !== undefined && Object.hasOwn(units, match[2]) ? units[match[2]] : undefined;
  if (factor === undefined) return undefined;
  const value = Number(match?.[1]) * factor;
  return Number.isSafeInteger(value) ? value : undefined;
}

/**
 * Reads a size: a positive whole number and a unit, without a space. Decimal units count in thousands, binary ones in
 * 1024s.
 *
 * @returns Bytes; undefined where the text is no size or is past 2^53 - 1.
 */
export function parseBytes(text: string): number | undefined {
  return parse(text, BYTES);
}

/**
 * Reads a duration: a positive whole number and one unit of `ms`, `s`, `m`, `h`, without a space.
 *
 * @returns Milliseconds; undefined where the text is no duration or is past 2^53 - 1.
 */
export function parseDuration(text: string): number | undefined {
  return parse(text, MILLISECONDS);
}
