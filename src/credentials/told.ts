/**
 * What a program says, without the secrets that its sandbox knows: for errors, logs and reports.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { KnownSecret } from "../audit/mod.ts";
import { type Needle, needlesOf } from "./needles.ts";
import { cover, Scrubber } from "./scrub.ts";

/** For output as it comes. What may be the beginning of a secret is kept back, so whoever cuts what comes out cuts no secret. */
export function outputScrubber(secrets: () => readonly KnownSecret[]): Scrubber {
  return new Scrubber(() => needlesFor(secrets()), 1);
}

/** A text with `[redacted:NAME]` in the place of a secret, cut or filled up to its length. */
export function scrubText(text: string, secrets: readonly KnownSecret[]): string {
  const bytes = Buffer.from(text);
  const covered = cover(bytes, needlesFor(secrets));
  // A lone surrogate stays one where there is no secret.
  return covered === bytes ? text : covered.toString();
}

/** In every form that a host might say them in: a program may know as many. */
function needlesFor(secrets: readonly KnownSecret[]): readonly Needle[] {
  return secrets.flatMap(({ name, values }) => {
    return values
      .map((value) => (typeof value === "string" ? value : Buffer.from(value).toString()))
      .filter((value) => value !== "")
      .flatMap((value) => needlesOf(value, `[redacted:${name}]`));
  });
}
