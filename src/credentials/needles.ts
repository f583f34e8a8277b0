/**
 * The forms in which a host may say a secret.
 *
 * @module
 */

/** Bytes to look for, and as many to say in their place. */
export interface Needle {
  readonly bytes: Buffer;
  readonly cover: Buffer;
}

/**
 * A value as it is, and in base64 wherever it may begin in three bytes; each percent-encoded with digits of either case, and in
 * JSON, whatever of it a writer escapes. What is said in its place is as long, so that whatever counts bytes stays right: the
 * placeholder, cut or filled up.
 */
export function needlesOf(value: string, placeholder: string): readonly Needle[] {
  const key = JSON.stringify([value, placeholder]);
  const known = made.get(key);
  if (known !== undefined) return known;
  const needles = make(value, placeholder);
  made.set(key, needles);
  const [oldest] = made.keys();
  if (made.size > MADE_MAX && oldest !== undefined) made.delete(oldest);
  return needles;
}

/** Those that were made last: every answer of a host needs them. */
const made = new Map<string, readonly Needle[]>();
const MADE_MAX = 64;

function make(value: string, placeholder: string): readonly Needle[] {
  const said = [value, ...[0, 1, 2].flatMap((offset) => base64At(value, offset))];
  const texts = new Set(said.flatMap((text) => [text, ...percentForms(text), ...jsonForms(text)]));
  return [...texts].map((text) => {
    const bytes = Buffer.from(text);
    const cover = Buffer.alloc(bytes.length, "*");
    if (text === value) cover.write(placeholder, "latin1");
    return { bytes, cover };
  });
}

/** What leaves `!'()*` as they are, what does not, and digits of either case. */
function percentForms(value: string): readonly string[] {
  const short = encodeURIComponent(value);
  const long = short.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return [short, long].flatMap((text) => [text, text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
}

/**
 * What writers of JSON escape by number: nothing, what has a meaning in HTML (Go), quotes and `=` with it (Gson), `+` and backquotes
 * with those (.NET), and whatever is no letter or digit; each with slashes or without.
 */
const BY_NUMBER: readonly ((char: string) => boolean)[] = [
  ...["", "/", "<>&", "<>&/", "<>&='", "<>&'\"`+", "<>&'\"`+/"].map((set) => (char: string) => set.includes(char)),
  (char) => /[^A-Za-z0-9]/.test(char),
];

/** Each with digits of either case, and with a backslash before slashes, too. */
function jsonForms(value: string): readonly string[] {
  const texts = BY_NUMBER.flatMap((isNumber) => [escaped(value, isNumber, true), escaped(value, isNumber, false)]);
  return texts.flatMap((text) => [text, text.replaceAll("/", "\\/")]);
}

function escaped(value: string, isNumber: (char: string) => boolean, isLower: boolean): string {
  const chars = [...value].map((char) => {
    if (!isNumber(char)) return JSON.stringify(char).slice(1, -1);
    const digits = char.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${isLower ? digits : digits.toUpperCase()}`;
  });
  return chars.join("");
}

/** The digits that are the value's alone, in both alphabets. */
function base64At(value: string, offset: number): readonly string[] {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
  const from = Math.ceil((offset * 8) / 6);
  const to = Math.floor((bytes.length * 8) / 6);
  return (["base64", "base64url"] as const).map((coding) => bytes.toString(coding).slice(from, to));
}
