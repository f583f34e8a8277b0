/**
 * What is looked for by name: keys, addresses of e-mail, numbers of cards and of phones.
 *
 * Every expression takes a bounded number of steps from each place, and few places begin one: texts come from whoever wants to
 * make the host slow.
 *
 * @module
 */
import type { BuiltInPattern } from "../../../policy/core.ts";
import { type FindSpans, inSlices, type Span } from "./spans.ts";

/** Finds each. */
export const BUILT_IN: Readonly<Record<BuiltInPattern, FindSpans>> = {
  keys: async (text) => privateKeys(text).concat(await inSlices(text, (part) => all(part, TOKENS))),
  emails: (text) => inSlices(text, (part) => all(part, EMAIL)),
  cards: (text) => inSlices(text, cards),
  phones: (text) => inSlices(text, phones),
};

/** The keys in a text that is no longer than a slice. */
export function keysIn(text: string): Span[] {
  return privateKeys(text).concat(all(text, TOKENS));
}

/** Tokens by what their makers begin them with, and JSON Web Tokens. */
const TOKENS = new RegExp(
  `(?<![A-Za-z0-9_-])(?:${[
    "sk-[A-Za-z0-9_-]{20,256}",
    "[sr]k_(?:live|test)_[A-Za-z0-9]{16,256}",
    "gh[opusr]_[A-Za-z0-9]{30,256}",
    "github_pat_[A-Za-z0-9_]{22,256}",
    "glpat-[A-Za-z0-9_-]{20,256}",
    "(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])",
    "AIza[0-9A-Za-z_-]{35}",
    "xox[abeprs]-[0-9A-Za-z-]{10,256}",
    "hf_[A-Za-z0-9]{30,256}",
    "npm_[A-Za-z0-9]{36}",
    "pypi-[A-Za-z0-9_-]{40,256}",
    "nvapi-[A-Za-z0-9_-]{20,256}",
    "eyJ[A-Za-z0-9_-]{10,2048}\\.eyJ[A-Za-z0-9_-]{10,4096}\\.[A-Za-z0-9_-]{10,2048}",
  ].join("|")})`,
  "g",
);

const EMAIL =
  /(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}(?![A-Za-z0-9@-])/g;

const KEY_BEGINS = /-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----/g;
const KEY_ENDS = "-----END ";

function all(text: string, expression: RegExp): Span[] {
  return [...text.matchAll(expression)].map(({ 0: found, index }) => [index, index + found.length]);
}

/** Up to their ends; one without an end goes to the end of the text. */
function privateKeys(text: string): Span[] {
  const spans: Span[] = [];
  let from = 0;
  for (const [begin] of all(text, KEY_BEGINS)) {
    if (begin < from) continue;
    const mark = text.indexOf(KEY_ENDS, begin);
    const close = mark < 0 ? -1 : text.indexOf("-----", mark + KEY_ENDS.length);
    from = close < 0 ? text.length : close + 5;
    spans.push([begin, from]);
  }
  return spans;
}

/** Digits in groups: what separates them is one space or hyphen. */
const DIGITS = /(?<![0-9A-Za-z])\d(?:[ -]?\d){12,}(?![0-9A-Za-z])/g;
const CARD_MIN = 13;
const CARD_MAX = 19;

/** Whole groups of digits that are as long as a card's number, begin as one, and whose check digit is right. */
function cards(text: string): Span[] {
  return all(text, DIGITS).flatMap(([start, end]) => {
    const spans: Span[] = [];
    const groups = [...text.slice(start, end).matchAll(/\d+/g)];
    for (let first = 0; first < groups.length; first++) {
      let digits = "";
      for (let last = first; last < groups.length && digits.length < CARD_MAX; last++) {
        const group = groups[last];
        digits += group?.[0] ?? "";
        if (digits.length < CARD_MIN || digits.length > CARD_MAX || !isCard(digits)) continue;
        spans.push([start + (groups[first]?.index ?? 0), start + (group?.index ?? 0) + (group?.[0].length ?? 0)]);
        break;
      }
    }
    return spans;
  });
}

/** Luhn's check, for numbers that begin as those of cards do. */
function isCard(digits: string): boolean {
  if (!/^[2-6]/.test(digits)) return false;
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index]);
    const value = index % 2 === 0 ? digit : digit * 2;
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}

const INTERNATIONAL = /(?<![0-9A-Za-z+])\+\d{1,3}(?:[ .-]?\(\d{1,4}\))?(?:[ .-]?\d{1,8}){1,6}(?![0-9A-Za-z])/g;
const NORTH_AMERICAN =
  /(?<![0-9A-Za-z.-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}(?![0-9A-Za-z-])/g;

/** Numbers with a country code, and those that are written as in North America. */
function phones(text: string): Span[] {
  const long = all(text, INTERNATIONAL).filter(([start, end]) => {
    const digits = text.slice(start, end).replaceAll(/\D/g, "").length;
    return digits >= 8 && digits <= 15;
  });
  // A number with its country code may look like one of those without.
  const inside = new Set(long.flatMap(([, end]) => end));
  return long.concat(all(text, NORTH_AMERICAN).filter(([, end]) => !inside.has(end)));
}
