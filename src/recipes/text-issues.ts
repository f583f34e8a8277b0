/**
 * Texts of a recipe that somebody could be deceived by, or that hold what nobody should write down.
 *
 * @module
 */

import type { DocumentPath, IssueDraft } from "../policy/issues.ts";
import { CREDENTIAL_PROFILES } from "../policy/mod.ts";
import type { BuiltRecipe } from "./types.ts";

type Texts = Pick<BuiltRecipe, "env"> & object;

/** Everything that stands against the texts of a recipe. */
export function textIssues(parts: Texts): IssueDraft[] {
  return [...controlIssues(parts, []), ...secretIssues(parts)];
}

/** Controls, format characters such as bidi overrides, lone surrogates: what is read is not what is meant. */
const DECEIVING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function controlIssues(value: unknown, path: DocumentPath): IssueDraft[] {
  if (typeof value === "string") {
    const isText = path.at(-1) === "dockerfile";
    const found = DECEIVING.exec(isText ? value.replace(/[\n\t]/g, "") : value);
    return found === null ? [] : [{ path, message: `it has the invisible character ${code(found[0])}` }];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const part = Array.isArray(value) ? Number(key) : key;
    return [...controlIssues(key, [...path, key]), ...controlIssues(child, [...path, part])];
  });
}

function code(character: string): string {
  return `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}`;
}

const KNOWN_SECRETS = new Set(Object.values(CREDENTIAL_PROFILES).flatMap(({ variables }) => variables));
const SECRET_NAME = /(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|(?:API|ACCESS|PRIVATE|SIGNING)_?KEY)S?$/i;
/** Some clients want a key before they start, whatever it is. */
const PLACEHOLDER = /^(?:unused|none|dummy)?$/;

/** Loaders and interpreters run what these name. */
const CODE_VARIABLES = /^(?:LD_.*|NODE_OPTIONS|BASH_ENV|ENV|PYTHONSTARTUP|PERL5OPT|RUBYOPT)$/;

function secretIssues({ env }: Texts): IssueDraft[] {
  return Object.entries(env).flatMap(([name, value]): IssueDraft[] => {
    const path = ["env", name];
    if (CODE_VARIABLES.test(name)) return [{ path, message: "programs run what this variable names" }];
    if (!KNOWN_SECRETS.has(name) && !SECRET_NAME.test(name)) return [];
    if (PLACEHOLDER.test(value)) return [];
    return [{ path, message: 'a recipe holds no secret: name it in credentials, or write "unused"' }];
  });
}
