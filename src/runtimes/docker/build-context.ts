/**
 * The context of an image's build: a folder as an archive, and what names its content.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { readFileSync, readSync, realpathSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import ignore, { type Ignore } from "ignore";
import { SandboxError } from "../../errors.ts";
import { closeDirectory, openRoot } from "../workspace/directory.ts";
import { select } from "../workspace/select.ts";
import { emptyReport, type WalkEntry, walk } from "../workspace/walk.ts";
import { TAR_END, type TarEntry, tarHeader, tarPadding } from "./tar-header.ts";

const PIECE_BYTES = 262_144;

/**
 * Writes the archive, without what `.dockerignore` names and what is neither a file, a folder nor a link; gives the digest of
 * what is in it. Times do not count: what is the same builds the same.
 *
 * @throws {SandboxError} IMAGE_BUILD_FAILED If the folder cannot be read, or a file changes meanwhile.
 */
export async function writeContext(folder: string, target: string): Promise<Hash> {
  const hash = createHash("sha256");
  const file = await open(target, "wx", 0o600);
  try {
    const root = openRoot(realpathSync(folder));
    try {
      const rules = ignoreRules(folder);
      for (const found of walk(root, select([{ relative: ".", access: "read" }]), emptyReport())) {
        if (found.path.length > 0 && !isIgnored(found, rules)) await writeEntry(file, hash, found);
      }
    } finally {
      closeDirectory(root);
    }
    await file.write(TAR_END);
    return hash;
  } catch (cause) {
    if (SandboxError.is(cause)) throw cause;
    throw contextFailed(folder, (cause as Error).message, cause);
  } finally {
    await file.close();
  }
}

/** As docker reads the file: what begins the path counts, wherever a rule has no `/`. */
function ignoreRules(folder: string): Ignore | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, ".dockerignore"), "utf8");
  } catch {
    return undefined;
  }
  const lines = text.split("\n").map((line) => line.trim());
  const anchored = lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [mark, pattern] = line.startsWith("!") ? ["!", line.slice(1).trim()] : ["", line];
      return `${mark}/${pattern.replace(/^\.?\//, "")}`;
    });
  return ignore().add(anchored);
}

function isIgnored({ path, kind }: WalkEntry, rules: Ignore | undefined): boolean {
  // As the rules were read: else what they name in other letters than those of ASCII would be sent.
  return rules?.ignores(`${path.toString()}${kind === "directory" ? "/" : ""}`) ?? false;
}

async function writeEntry(file: FileHandle, hash: Hash, found: WalkEntry): Promise<void> {
  const entry: TarEntry = {
    kind: found.kind,
    name: found.path,
    mode: found.stats.mode & 0o7777,
    uid: 0,
    gid: 0,
    size: found.kind === "file" ? found.stats.size : 0,
    mtime: Math.floor(found.stats.mtimeMs / 1000),
    ...(found.kind === "symlink" ? { target: found.target } : {}),
  };
  hash.update(tarHeader({ ...entry, mtime: 0 }));
  await file.write(tarHeader(entry));
  if (found.kind !== "file") return;
  let left = entry.size;
  while (left > 0) {
    const piece = Buffer.alloc(Math.min(left, PIECE_BYTES));
    const length = readSync(found.fd, piece);
    if (length === 0) throw new Error(`"${found.path}" was cut while it was read`);
    hash.update(piece.subarray(0, length));
    await file.write(piece.subarray(0, length));
    left -= length;
  }
  await file.write(Buffer.alloc(tarPadding(entry.size)));
}

/** The error of a context. */
export function contextFailed(folder: string, reason: string, cause?: unknown): SandboxError<"IMAGE_BUILD_FAILED"> {
  return new SandboxError("IMAGE_BUILD_FAILED", `Cannot build an image from "${folder}": ${reason}`, {
    details: { context: folder, reason },
    ...(cause === undefined ? {} : { cause }),
  });
}
