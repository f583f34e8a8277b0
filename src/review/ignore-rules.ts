/**
 * The `.gitignore` rules of the host's own folder. What a sandbox writes into such files has no say, or it could hide what it
 * does. See gitignore(5).
 *
 * @module
 */
import ignore, { type Ignore } from "ignore";
import type { HostFolder } from "./host-folder.ts";
import { ancestorsOf } from "./paths.ts";

/** A longer file of rules is not read: then nothing is ignored by it. */
const RULES_BYTES_MAX = 1024 * 1024;

/** The rules, read as far as they are needed. Names and rules are compared as bytes, as git does. */
export class IgnoreRules {
  readonly #folder: HostFolder;
  readonly #rules = new Map<string, Promise<Ignore | undefined>>();
  readonly #folders = new Map<string, Promise<boolean>>();

  constructor(folder: HostFolder) {
    this.#folder = folder;
  }

  /** Whether a file is ignored: by a rule for it, or for a folder that it lies in. */
  async ignores(path: string): Promise<boolean> {
    for (const folder of ancestorsOf(path)) if (await this.#ignoresFolder(folder)) return true;
    return this.#matches(path, path);
  }

  #ignoresFolder(folder: string): Promise<boolean> {
    const known = this.#folders.get(folder) ?? this.#matches(folder, `${folder}/`);
    this.#folders.set(folder, known);
    return known;
  }

  /** The rules nearest to a path have the last word. */
  async #matches(path: string, asked: string): Promise<boolean> {
    for (const folder of [...ancestorsOf(path).reverse(), ""]) {
      const rules = await this.#of(folder);
      const relative = folder === "" ? asked : asked.slice(folder.length + 1);
      const { ignored, unignored } = rules?.test(relative) ?? {};
      if (ignored || unignored) return ignored === true;
    }
    return false;
  }

  #of(folder: string): Promise<Ignore | undefined> {
    const known = this.#rules.get(folder) ?? this.#read(folder);
    this.#rules.set(folder, known);
    return known;
  }

  async #read(folder: string): Promise<Ignore | undefined> {
    const names = folder === "" ? [".git/info/exclude", ".gitignore"] : [`${folder}/.gitignore`];
    const files = await Promise.all(names.map((name) => this.#folder.read(name, RULES_BYTES_MAX)));
    const texts = files.flatMap((file) => (file === undefined ? [] : [file.toString("latin1")]));
    if (texts.length === 0) return undefined;
    return texts.reduce((rules, text) => rules.add(text), ignore({ ignorecase: false, allowRelativePaths: true }));
  }
}
