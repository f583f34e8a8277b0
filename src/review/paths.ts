/**
 * Paths of a review: Latin-1 strings below the workspace, so that every name is its bytes.
 *
 * @module
 */

/** The folder of a path; empty for the workspace itself. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** The last name of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The folders on the way to a path, outermost first, without the workspace itself. */
export function ancestorsOf(path: string): string[] {
  const found: string[] = [];
  for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1)) found.push(path.slice(0, slash));
  return found;
}

/** The components as bytes. */
export function componentsOf(path: string): Buffer[] {
  return path.split("/").map((name) => Buffer.from(name, "latin1"));
}

/** As text for people: what is not UTF-8 is replaced. */
export function displayOf(path: string): string {
  return Buffer.from(path, "latin1").toString();
}

/** The path of somebody who wrote text, as the bytes that it stands for. */
export function pathOfText(text: string): string {
  return Buffer.from(text).toString("latin1");
}
