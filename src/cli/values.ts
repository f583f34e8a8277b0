/**
 * The values of options, read.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import type { VolumeFlag } from "./run/flags.ts";

/** Variables, one after the other. */
export function append(value: string, before: readonly string[] = []): readonly string[] {
  if (/^[A-Za-z_][A-Za-z0-9_]*(=|$)/.test(value)) return [...before, value];
  throw new InvalidArgumentError("It must be NAME or NAME=value.");
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration, in milliseconds. */
export function duration(value: string): number {
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(value) ?? [];
  const milliseconds = Number(count) * (UNITS[unit ?? ""] ?? 0);
  if (milliseconds > 0) return milliseconds;
  throw new InvalidArgumentError("It must be a number with ms, s, m or h.");
}

/** Volumes, one after the other: `NAME:PATH`, or `NAME:PATH:ro`. */
export function volume(value: string, before: readonly VolumeFlag[] = []): readonly VolumeFlag[] {
  const [, name = "", path = "", mode] = /^([^:]+):([^:]+)(:ro)?$/.exec(value) ?? [];
  if (name !== "") return [...before, { name, path, mode: mode === undefined ? "write" : "read" }];
  throw new InvalidArgumentError("It must be NAME:PATH or NAME:PATH:ro.");
}
