/**
 * Text as bytes: Latin-1 strings, so that a diff keeps what is not UTF-8.
 *
 * @module
 */

/** How far git looks for a NUL to tell text from anything else. */
const SNIFF_BYTES = 8000;

/** Whether git would call the content binary. */
export function isBinary(content: Uint8Array): boolean {
  return content.subarray(0, SNIFF_BYTES).includes(0);
}

/** A path as git writes it in a patch: quoted where it holds anything but plain characters. `path` is Latin-1. */
export function quotePath(path: string): string {
  if (!/[\u0000-\u001f"\\\u007f-\u00ff]/.test(path)) return path;
  const named: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\" };
  const quoted = [...path].map((char) => {
    const code = char.charCodeAt(0);
    return named[char] ?? (code < 0x20 || code > 0x7e ? `\\${code.toString(8).padStart(3, "0")}` : char);
  });
  return `"${quoted.join("")}"`;
}
