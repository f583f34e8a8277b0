/**
 * The rules of a policy as what decides: absolute patterns in one order, each with its verdict and its name. The warden
 * gets them (`native/tables.h`), `evaluate.ts` decides by them, and `narrowing.ts` compares them.
 *
 * @module
 */

import type { NormalizedPolicy, NormalizedProcessRule, PathAccess } from "./normalized.ts";
import { absolutePattern, type Places } from "./paths.ts";
import type { Unmatched, Verdict } from "./types.ts";

/** A rule on paths. */
export interface PathRule {
  /** What it says. A rule that defers to a hook says `ask`. */
  readonly verdict: Verdict;
  /** What it is about: `read` says nothing of writing. A denial has none, for it is about everything. */
  readonly access?: PathAccess;
  /** An absolute glob, canonical, escapes included. What it matches stands for its whole tree. */
  readonly pattern: string;
  readonly ruleId: string;
  /** The hook that decides. */
  readonly defer?: string;
}

/** A rule on programs. */
export interface ProgramRule {
  /** What it says. A rule that defers to a hook says `ask`. */
  readonly verdict: Verdict;
  readonly ruleId: string;
  /** An absolute glob, or one of names that are looked for on the `PATH`. */
  readonly pattern: string;
  /** Whether the pattern is one of names. */
  readonly name: boolean;
  /** One glob for each argument after the program's name; `**` stands for any number of them. Absent: any. */
  readonly args?: readonly string[];
  /** The program's hash, as lower-case hexadecimal. Absent: any. */
  readonly sha256?: string;
  /** The hook that decides. */
  readonly defer?: string;
}

/** What decides on paths. */
export interface PathTable {
  readonly rules: readonly PathRule[];
  readonly unmatched: Unmatched;
}

/** What decides on programs. */
export interface ProgramTable {
  readonly rules: readonly ProgramRule[];
  /** Whether `process.allow` is a list. Otherwise what no rule matches may start, and `unmatched` means nothing. */
  readonly allowList: boolean;
  readonly unmatched: Unmatched;
}

/**
 * The rules of the filesystem section in the order of the policy: read, write, deny, ask, and the baseline last, so that
 * a rule of the policy is named before one of the baseline.
 */
export function pathTable({ filesystem }: NormalizedPolicy, places: Places): PathTable {
  const granted = (list: "read" | "write"): PathRule[] => {
    return filesystem[list].map(({ id, path, defer }) => ({
      ...decides(defer),
      access: list,
      pattern: absolutePattern(path, places),
      ruleId: id,
    }));
  };
  return {
    rules: [
      ...granted("read"),
      ...granted("write"),
      ...filesystem.deny.map(
        ({ id, path }): PathRule => ({ verdict: "deny", pattern: absolutePattern(path, places), ruleId: id }),
      ),
      // Whatever is done there is asked about, so it is about writing.
      ...filesystem.ask.map(
        ({ id, path, defer }): PathRule => ({
          ...decides(defer),
          verdict: "ask",
          access: "write",
          pattern: absolutePattern(path, places),
          ruleId: id,
        }),
      ),
      ...filesystem.baseline.map(
        ({ id, path, access }): PathRule => ({
          verdict: "allow",
          access,
          pattern: absolutePattern(path, places),
          ruleId: id,
        }),
      ),
    ],
    unmatched: filesystem.unmatched,
  };
}

/** The rules of the process section in the order of the policy: allow, deny, ask. */
export function programTable({ process }: NormalizedPolicy, places: Places): ProgramTable {
  const rule = (verdict: Verdict, { id, binary, args, sha256, defer }: NormalizedProcessRule): ProgramRule => {
    const name = !binary.includes("/") && binary !== "~";
    return {
      ...decides(defer),
      ...(verdict === "allow" ? {} : { verdict }),
      ruleId: id,
      pattern: name ? binary : absolutePattern(binary, places),
      name,
      ...(args === undefined ? {} : { args }),
      ...(sha256 === undefined ? {} : { sha256 }),
    };
  };
  const allowed = process.allow === "readable" ? [] : process.allow;
  return {
    rules: [
      ...allowed.map((each) => rule("allow", each)),
      ...process.deny.map((each) => rule("deny", each)),
      ...process.ask.map((each) => rule("ask", each)),
    ],
    allowList: process.allow !== "readable",
    unmatched: process.unmatched,
  };
}

function decides(defer: string | undefined): { readonly verdict: "allow" | "ask"; readonly defer?: string } {
  return defer === undefined ? { verdict: "allow" } : { verdict: "ask", defer };
}
