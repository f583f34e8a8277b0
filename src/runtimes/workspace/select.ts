/**
 * Which entries of a workspace some grant covers.
 *
 * @module
 */

/** What a grant inside the workspace allows. */
export type GrantAccess = "read" | "write";

/** What an entry is to the grants: `ancestor` is a directory on the way to something granted. */
export type EntryAccess = GrantAccess | "ancestor";

/** A grant inside the workspace. */
export interface WorkspaceGrant {
  /** Below the workspace, with `/` between components; `.` is the workspace itself. */
  readonly relative: string;
  readonly access: GrantAccess;
}

interface Node {
  access: GrantAccess | undefined;
  /** By the bytes of the name, as Latin-1: names need not be text, and U+FFFD must not stand for other bytes. */
  readonly children: Map<string, Node>;
}

/** A place in the tree of grants. */
export interface Selected {
  readonly access: EntryAccess;
  /** Undefined: no grant is at this place or below it. */
  readonly node: Node | undefined;
}

/** Builds the tree of grants; the result stands for the workspace itself, which is always entered. */
export function select(grants: readonly WorkspaceGrant[]): Selected {
  const root: Node = { access: undefined, children: new Map() };
  for (const grant of grants) {
    let node = root;
    for (const name of componentsOf(grant.relative)) node = child(node, Buffer.from(name).toString("latin1"));
    node.access = wider(node.access, grant.access);
  }
  return { access: root.access ?? "ancestor", node: root };
}

/** One step down; undefined where nothing is granted there or below. */
export function descend(from: Selected, name: Buffer): Selected | undefined {
  const node = from.node?.children.get(name.toString("latin1"));
  const inherited = from.access === "ancestor" ? undefined : from.access;
  const access = wider(inherited, node?.access);
  if (access !== undefined) return { access, node };
  return node === undefined ? undefined : { access: "ancestor", node };
}

/** What the grants say about a path below the workspace. */
export function accessAt(root: Selected, relative: string): EntryAccess | undefined {
  let at: Selected | undefined = root;
  for (const name of componentsOf(relative)) at = at && descend(at, Buffer.from(name));
  return at?.access;
}

/** The components of a path below the workspace. */
export function componentsOf(relative: string): string[] {
  return relative.split("/").filter((name) => name !== "" && name !== ".");
}

function child(node: Node, key: string): Node {
  const existing = node.children.get(key);
  if (existing !== undefined) return existing;
  const created: Node = { access: undefined, children: new Map() };
  node.children.set(key, created);
  return created;
}

function wider(a: GrantAccess | undefined, b: GrantAccess | undefined): GrantAccess | undefined {
  return a === "write" || b === "write" ? "write" : (a ?? b);
}
