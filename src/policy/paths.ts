/**
 * Paths of a policy: what may be written, and the one spelling that each has.
 *
 * @module
 */

import { escapeGlob, globProblem, isLiteral, unescapeGlob } from "./glob.ts";

/** Where the workspace is in every sandbox. */
export const WORKSPACE_PATH: string = "/workspace";

/** Where `HOME` is in every sandbox. */
export const HOME_PATH: string = "/home/agent";

/** Where the warden and the certificates are, or what their places begin with before a `-`. Nothing can be granted there. */
const OWN_PATH = "/.cofferdam";

/** Where the workspace and the home are: absolute paths. */
export interface Places {
  readonly workspace: string;
  readonly home: string;
}

/** The longest path, in bytes of UTF-8: Linux's PATH_MAX without its NUL. */
export const PATH_MAX_BYTES: number = 4095;

const encoder = new TextEncoder();

/** The length of a text in bytes of UTF-8. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/**
 * What is wrong with a path of a policy, as the end of a sentence.
 *
 * `..` is refused altogether: what it means depends on links that a policy does not see.
 *
 * @returns undefined where the path is sound.
 */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "a path must not be empty";
  if (path.includes("\0")) return "a path must not contain NUL";
  if (/\p{Surrogate}/u.test(path)) return "a path must be well-formed Unicode";
  if (byteLength(path) > PATH_MAX_BYTES) return `a path has at most ${PATH_MAX_BYTES} bytes`;
  if (path.startsWith("~") && path !== "~" && !path.startsWith("~/")) {
    return 'only "~/" names a home, the sandbox\'s own: write "./~name" for a file of that name';
  }
  if (path.split("/").includes("..")) return 'a path must not contain ".."';
  return globProblem(path);
}

/**
 * The one spelling of a sound path: absolute, or from `.` (the workspace) or `~` (the home), without empty or `.`
 * components, without a trailing slash, and without a trailing `/**`, for a directory stands for its tree anyway.
 */
export function canonicalPath(path: string): string {
  const components = pathComponents(path);
  while (components.at(-1) === "**") components.pop();
  return joinComponents(path, components);
}

/** As {@link canonicalPath}, but a trailing `/**` stays: for the globs of binaries. */
export function canonicalBinary(binary: string): string {
  return binary.includes("/") || binary.startsWith("~") ? joinComponents(binary, pathComponents(binary)) : binary;
}

function pathComponents(path: string): string[] {
  return path.split("/").filter((component, index) => {
    return component !== "" && component !== "." && !(index === 0 && component === "~");
  });
}

function joinComponents(path: string, components: readonly string[]): string {
  if (path.startsWith("/")) return `/${components.join("/")}`;
  return [path.startsWith("~") ? "~" : ".", ...components].join("/");
}

/** The absolute pattern of a canonical path. */
export function absolutePattern(path: string, places: Places): string {
  if (path === "." || path.startsWith("./")) return escapeGlob(places.workspace) + path.slice(1);
  if (path === "~" || path.startsWith("~/")) return escapeGlob(places.home) + path.slice(1);
  return path;
}

/** The literal directory that everything a canonical path stands for lies in: the path itself where it has no star. */
export function literalPrefix(path: string, places: Places): string {
  const components = absolutePattern(path, places).split("/");
  const star = components.findIndex((component) => !isLiteral(component));
  const literal = star < 0 ? components : components.slice(0, star);
  return unescapeGlob(literal.join("/")) || "/";
}

/** Whether `path` is `directory` or lies in it, by name. */
export function isWithin(path: string, directory: string): boolean {
  return directory === "/" || path === directory || path.startsWith(`${directory}/`);
}

/** Whether an absolute path is for what is the sandbox's own. */
export function isOwnPlace(path: string): boolean {
  return isWithin(path, OWN_PATH) || path.startsWith(`${OWN_PATH}-`);
}

/**
 * Why an absolute path cannot be granted, as the end of a sentence.
 *
 * @returns undefined where it can.
 */
export function grantProblem(path: string, access: "read" | "write"): string | undefined {
  if (isOwnPlace(path)) return `nothing under ${OWN_PATH} can be granted: it is the warden's own`;
  if (access === "read") return undefined;
  if (path === "/") return "the root cannot be granted for writing: name the directories that are meant";
  for (const kernel of ["/proc", "/sys"]) {
    if (isWithin(path, kernel)) return `nothing under ${kernel} can be granted for writing: it is the kernel's`;
  }
  return undefined;
}
