/**
 * What there is in a folder of the host, as fast as the machine can tell: the launcher looks (copy_tree.h), in as many threads as there
 * are processors.
 *
 * @module
 */
import process from "node:process";
import { encodeMessage } from "../../link/codec.ts";
import { FLAGS } from "../../link/protocol.ts";
import { type BaselineEntries, closeDirectory, componentsOf, openRoot } from "../workspace/mod.ts";
import { type CopyingLauncher, readCopied } from "./copied.ts";

/**
 * The files and symlinks at and below the `roots` of a folder. What cannot be looked at is left out.
 *
 * @throws {Error} With the `code` of the system call, if the folder is not there any more.
 */
export async function surveyFolder(
  launcher: CopyingLauncher,
  folder: string,
  roots: readonly string[],
): Promise<BaselineEntries> {
  const entries: BaselineEntries = new Map();
  const root = openRoot(folder);
  try {
    launcher.output.write(
      encodeMessage("copy", {
        flags: FLAGS.copy.survey,
        uid: 0,
        gid: 0,
        source: Buffer.from(`/proc/${process.pid}/fd/${root.fd}`),
        target: new Uint8Array(),
        reads: [],
        writes: roots.map((below) => Buffer.from(componentsOf(below).join("/"))),
      }),
    );
    await readCopied(launcher, (path, entry) => entries.set(path, entry));
    return entries;
  } finally {
    closeDirectory(root);
  }
}
