/**
 * The target of an HTTP request, in one form: what is judged is what is sent.
 *
 * Servers read odd paths differently: some decode `%2F` before they split, some merge `//`, drop `;parameters` or take `\`
 * for `/`. So a target has one spelling that is sent, and every *reading* that a server may have of it; a request is
 * allowed where all readings are. What no two servers agree on (double encoding, control characters, a `..` above the
 * root) is refused.
 *
 * Source: RFC 3986 §6.2.2 (normalization), RFC 9110 §4.2.3.
 *
 * @module
 */

/** A target in its one form. */
export interface RequestTarget {
  /** What is sent: normalized, percent-encoded; `*` for `OPTIONS *`. */
  readonly path: string;
  /** As it came, with its `?`; empty where there is none. */
  readonly query: string;
  /** What servers may take the path for, decoded: more than one where they differ. Encoded slashes may stay `%2F` and `%5C`. */
  readonly readings: readonly string[];
}

/** Why a target is refused, as the end of a sentence. */
export interface TargetProblem {
  readonly problem: string;
}

/** The longest target, in characters. Node's own bound for all headers together is 16 KiB. */
const TARGET_MAX = 8192;

/** The most segments, by any reading: each rule looks at each of them, in each reading. */
const SEGMENTS_MAX = 256;

/** Reads a target as it stands in the request line, or in `:path`. */
export function readTarget(raw: string): RequestTarget | TargetProblem {
  if (raw === "*") return { path: "*", query: "", readings: ["*"] };
  if (raw.length > TARGET_MAX) return { problem: `its target has more than ${TARGET_MAX} characters` };
  if (!raw.startsWith("/")) return { problem: "its target does not start with a slash" };
  if (!/^[\x21-\x7e]*$/.test(raw)) return { problem: "its target holds characters that must be percent-encoded" };
  if (raw.includes("#")) return { problem: "its target holds a fragment" };
  const mark = raw.indexOf("?");
  const rawPath = mark < 0 ? raw : raw.slice(0, mark);
  const problem = pathProblem(rawPath);
  if (problem !== undefined) return { problem };
  const segments = resolveDots(rawPath.slice(1).split("/").map(normalize));
  const readings = segments === undefined ? undefined : readingsOf(segments);
  if (segments === undefined || readings === undefined) return { problem: "its path leads above the root" };
  return { path: join(segments), query: mark < 0 ? "" : raw.slice(mark), readings };
}

function pathProblem(path: string): string | undefined {
  if (path.includes("\\")) return "its path holds a backslash";
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return "its path holds a % that encodes nothing";
  if (/%(?:[01][0-9A-Fa-f]|7[Ff])/.test(path)) return "its path holds an encoded control character";
  // Two bytes for one of ASCII are no UTF-8, and old decoders take them for a dot or a slash.
  if (/%C[01]%[89AB][0-9A-F]/i.test(path)) return "its path holds a character that is encoded in too many bytes";
  if (path.split(/\/|%2F|%5C/i).length > SEGMENTS_MAX + 1) return `its path has more than ${SEGMENTS_MAX} segments`;
  // Of what would mean something when it is decoded once more.
  return /%25(?:2[5EFef]|3[Bb]|5[Cc]|00)/.test(path) ? "its path is percent-encoded twice" : undefined;
}

const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** A segment's one spelling: RFC 3986 §6.2.2, and what may not stand in a path (`pchar`) encoded. */
function normalize(segment: string): string {
  return segment
    .replace(/%([0-9A-Fa-f]{2})/g, (encoded, digits: string) => {
      const char = String.fromCharCode(Number.parseInt(digits, 16));
      return UNRESERVED.test(char) ? char : encoded.toUpperCase();
    })
    .replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@%]/g, (char) => hex(char.charCodeAt(0)));
}

/** RFC 3986 §5.2.4; undefined: above the root. */
function resolveDots(segments: readonly string[]): string[] | undefined {
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment !== "." && segment !== "..") {
      kept.push(segment);
      continue;
    }
    if (segment === ".." && kept.pop() === undefined) return undefined;
    if (index === segments.length - 1) kept.push("");
  }
  return kept;
}

/** How a server may drop what stands after a semicolon. */
const PARAMETERS = [/$^/, /;.*$/s, /(?:;|%3B).*$/s] as const;

/** What a server may take for a slash. */
const SLASHES = [/%2F/, /%2F|%5C/] as const;

/** Every way to read a path: with or without parameters, slashes decoded before or after or never, merged or not, dots resolved or not. */
function readingsOf(segments: readonly string[]): string[] | undefined {
  const plain = join(segments.map(decode));
  const odd = segments.some((segment, index) => {
    return /;|%3B|%2F|%5C/.test(segment) || (segment === "" && index < segments.length - 1);
  });
  if (!odd) return [plain];
  const readings = new Set([plain]);
  for (const parameters of PARAMETERS) {
    const drop = (texts: readonly string[]) => texts.map((text) => text.replace(parameters, ""));
    const split = (texts: readonly string[], slash: RegExp) => texts.flatMap((text) => text.split(slash));
    const splits = SLASHES.flatMap((slash) => [drop(split(segments, slash)), split(drop(segments), slash)]);
    for (const pieces of [drop(segments), ...splits]) {
      for (const kept of [pieces, pieces.filter((piece, index) => piece !== "" || index === pieces.length - 1)]) {
        const resolved = resolveDots(kept);
        if (resolved === undefined) return undefined;
        readings.add(join(kept.map(decode))).add(join(resolved.map(decode)));
      }
    }
  }
  return [...readings];
}

function join(segments: readonly string[]): string {
  return `/${segments.join("/")}`;
}

/** Without percent-encoding, but for slashes and for bytes that are no UTF-8. */
function decode(text: string): string {
  return text.replace(/(?:%(?!2F|5C)[0-9A-F]{2})+/g, (encoded) => {
    const bytes = Buffer.from(encoded.replaceAll("%", ""), "hex");
    const decoded = bytes.toString();
    return Buffer.from(decoded).equals(bytes) ? decoded : [...bytes].map(charOrHex).join("");
  });
}

function charOrHex(byte: number): string {
  return byte < 0x80 ? String.fromCharCode(byte) : hex(byte);
}

function hex(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}
