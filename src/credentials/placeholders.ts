/**
 * What a sandbox gets in the place of secrets: texts of the same form, which nobody outside could guess.
 *
 * @module
 */
import { randomBytes, randomInt } from "node:crypto";
import type { CredentialProvider } from "../policy/core.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX = "0123456789abcdef";

/** How tokens of a kind look: their publicly known beginning, and their length. */
interface TokenForm {
  readonly prefix: string;
  readonly length: number;
  readonly alphabet?: string;
}

/** The longer of two beginnings comes first. */
const FORMS: readonly TokenForm[] = [
  { prefix: "github_pat_", length: 93 },
  ...["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].map((prefix) => ({ prefix, length: 40 })),
  { prefix: "glpat-", length: 26 },
  { prefix: "sk-ant-api03-", length: 108 },
  { prefix: "sk-ant-oat01-", length: 108 },
  { prefix: "sk-or-v1-", length: 73, alphabet: HEX },
  { prefix: "sk-proj-", length: 164 },
  { prefix: "sk-", length: 51 },
  { prefix: "nvapi-", length: 70 },
  { prefix: "npm_", length: 40 },
  { prefix: "pypi-", length: 179 },
  { prefix: "hf_", length: 37 },
  { prefix: "AIza", length: 39 },
];

/** What a provider's tokens look like where the value itself does not tell. */
const PREFIXES: Readonly<Partial<Record<CredentialProvider, string>>> = {
  anthropic: "sk-ant-api03-",
  claude: "sk-ant-api03-",
  codex: "sk-proj-",
  copilot: "gho_",
  gemini: "AIza",
  github: "ghp_",
  gitlab: "glpat-",
  huggingface: "hf_",
  npm: "npm_",
  nvidia: "nvapi-",
  openai: "sk-proj-",
  opencode: "sk-",
  openrouter: "sk-or-v1-",
  pypi: "pypi-",
};

/** The placeholders of one sandbox: all of them hold one mark that nothing else does, so that one search finds them. */
export class Placeholders {
  /** 64 bits, in digits that every form takes. */
  readonly mark: string = randomBytes(8).toString("hex");

  /** A text with the mark at its beginning, of letters and digits. */
  random(length: number): string {
    return (
      this.mark + Array.from({ length: length - this.mark.length }, () => LETTERS[randomInt(LETTERS.length)]).join("")
    );
  }

  /** Makes one, of the form of the value, or of its provider's. Nothing of the value but a known beginning is in it. */
  make(value: string, provider: CredentialProvider | undefined): string {
    const usual = provider === undefined ? undefined : PREFIXES[provider];
    const form = FORMS.find(({ prefix }) => value.startsWith(prefix)) ??
      FORMS.find(({ prefix }) => prefix === usual) ?? { prefix: "", length: Math.min(Math.max(value.length, 32), 128) };
    const { prefix, length, alphabet = LETTERS } = form;
    const rest = Math.max(length - prefix.length - this.mark.length, 4);
    return prefix + this.mark + Array.from({ length: rest }, () => alphabet[randomInt(alphabet.length)]).join("");
  }
}
