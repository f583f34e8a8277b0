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
 * A value as it is, percent-encoded with digits of either case, in JSON with or without `\\/`, and in base64 wherever it may
 * begin in three bytes. What is said in its place is
 * as long, so that whatever counts bytes stays right: the placeholder, cut or filled up.
 */
export function needlesOf(value: string, placeholder: string): readonly Needle[] {
  const texts = new Set([
    value,
    ...percentForms(value),
    ...jsonForms(value),
    ...[0, 1, 2].flatMap((offset) => base64At(value, offset)),
  ]);
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

/** Some writers escape slashes, and some what has a meaning in HTML. */
function jsonForms(value: string): readonly string[] {
  const text = JSON.stringify(value).slice(1, -1);
  const inHtml = text.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
  return [text, inHtml].flatMap((each) => [each, each.replaceAll("/", "\\/")]);
}

/** The digits that are the value's alone, in both alphabets. */
function base64At(value: string, offset: number): readonly string[] {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
  const from = Math.ceil((offset * 8) / 6);
  const to = Math.floor((bytes.length * 8) / 6);
  return (["base64", "base64url"] as const).map((coding) => bytes.toString(coding).slice(from, to));
}
