/**
 * The file in which answers for always become rules: a part of a policy that somebody reviews, and composes or does not.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Document, isSeq, parseDocument } from "yaml";
import { displaySafe } from "../audit/display.ts";
import { SandboxError } from "../errors.ts";
import { parsePolicy } from "../policy/parse.ts";
import type { Policy } from "../policy/types.ts";
import { MAX_TEXT_BYTES } from "../policy/yaml.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

const HEAD = `# Rules that somebody answered "always" with. They are in force nowhere: review them, and compose them with a policy.
version: 1
name: approved
`;

const ABOUT_MAX = 400;

/** One writer at a time for each file of this process. */
const turns = new Map<string, Promise<unknown>>();

/** A file of approved rules. */
export class PolicyPatch {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Looks at the file; it need not exist yet.
   *
   * @throws {SandboxError} ARGUMENT_INVALID If it cannot be used: it is no regular file, no part of a policy, or has no folder.
   */
  static async open(path: string): Promise<PolicyPatch> {
    const absolute = resolve(path);
    try {
      if (!/\.ya?ml$/i.test(absolute)) throw new Error("its name must end in .yaml or .yml");
      if (!(await lstat(dirname(absolute))).isDirectory()) throw new Error("its folder is none");
      await readPart(absolute);
    } catch (cause) {
      throw new SandboxError(
        "ARGUMENT_INVALID",
        `Cannot keep approved rules in ${JSON.stringify(path)}: ${(cause as Error).message}`,
        { details: { argument: "approvals.patch", value: path }, hint: "Name a YAML file that is yours alone", cause },
      );
    }
    return new PolicyPatch(absolute);
  }

  /** Adds the rules of a policy, each once, with a line about why. */
  add(rules: Policy, about: string): Promise<void> {
    const before = turns.get(this.#path) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(() => addTo(this.#path, rules, about));
    turns.set(this.#path, turn);
    const done = () => void (turns.get(this.#path) === turn && turns.delete(this.#path));
    turn.then(done, done);
    return turn;
  }
}

async function addTo(path: string, rules: Policy, about: string): Promise<void> {
  const document = parseDocument(await readPart(path));
  const { version: _, ...sections } = rules;
  for (const [section, lists] of Object.entries(sections)) {
    for (const [list, entries] of Object.entries(lists as Readonly<Record<string, readonly unknown[]>>)) {
      for (const entry of entries) addEntry(document, [section, list], entry, about);
    }
  }
  const text = document.toString({ lineWidth: 0 });
  // Whatever went into it, it must be what `compose` takes.
  parsePolicy(text, { source: path });
  await replace(path, text);
}

function addEntry(document: Document, place: readonly [string, string], entry: unknown, about: string): void {
  if (!isSeq(document.getIn(place))) document.setIn(place, document.createNode([]));
  const list = document.getIn(place);
  if (!isSeq(list)) return;
  if ((list.toJSON() as unknown[]).some((present) => isDeepStrictEqual(present, entry))) return;
  const node = document.createNode(entry);
  node.commentBefore = ` ${displaySafe(about.slice(0, ABOUT_MAX))}`;
  list.add(node);
}

/** What is there, checked; or the beginning of it. */
async function readPart(path: string): Promise<string> {
  // A FIFO would make its reader wait.
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error.code === "ELOOP" ? new Error("it is a symlink") : error;
  });
  if (file === undefined) return HEAD;
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error("it is no regular file");
    if (stats.size > MAX_TEXT_BYTES) throw new Error(`it has more than ${MAX_TEXT_BYTES} bytes`);
    const text = await file.readFile("utf8");
    if (text.trim() === "") return HEAD;
    parsePolicy(text, { source: path });
    return text;
  } finally {
    await file.close();
  }
}

/** All of it or nothing; a link that somebody put there is replaced, and not followed. */
async function replace(path: string, text: string): Promise<void> {
  const fresh = `${path}.${randomBytes(8).toString("hex")}`;
  const file = await open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
