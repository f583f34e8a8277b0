/**
 * Git's patches of binary files: the whole content, deflated, in git's base 85. See gitformat-pack(5) and git-apply(1).
 *
 * @module
 */
import { deflateSync } from "node:zlib";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const LINE_BYTES = 52;

/** The body of a binary patch that replaces the old content by the new, and can be taken back. */
export function binaryPatch(before: Uint8Array, after: Uint8Array): string {
  return `GIT binary patch\n${literal(after)}\n${literal(before)}\n`;
}

function literal(content: Uint8Array): string {
  const deflated = deflateSync(content);
  const lines = [`literal ${content.length}\n`];
  for (let at = 0; at < deflated.length; at += LINE_BYTES) {
    const part = deflated.subarray(at, at + LINE_BYTES);
    lines.push(`${lengthLetter(part.length)}${base85(part)}\n`);
  }
  return lines.join("");
}

/** `A` to `Z` for 1 to 26 bytes, `a` to `z` for 27 to 52. */
function lengthLetter(length: number): string {
  return String.fromCharCode(length <= 26 ? 64 + length : 96 + length - 26);
}

function base85(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    let value = 0;
    for (let offset = 0; offset < 4; offset++) value = value * 256 + (bytes[at + offset] ?? 0);
    let group = "";
    for (let digit = 0; digit < 5; digit++) {
      group = ALPHABET.charAt(value % 85) + group;
      value = Math.floor(value / 85);
    }
    text += group;
  }
  return text;
}
