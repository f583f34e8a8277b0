/**
 * Copies the granted part of a workspace to a directory of this host. The launcher does it (copy_tree.h), in as many threads as the
 * machine has processors.
 *
 * @module
 */
import { chmod, lchown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { encodeMessage } from "../../link/codec.ts";
import { FLAGS } from "../../link/protocol.ts";
import {
  type Agent,
  accessAt,
  type BaselineRecorder,
  type CopyReport,
  closeDirectory,
  componentsOf,
  openRoot,
  ownershipOf,
  select,
  type WorkspaceGrant,
} from "../workspace/mod.ts";
import { type CopyingLauncher, readCopied } from "./copied.ts";

/** How {@link copyWorkspace} copies. */
export interface CopyOptions extends Agent {
  readonly grants: readonly WorkspaceGrant[];
  /** Directories to make in the copy, parents before children. */
  readonly missing?: readonly string[];
  /** Whether owners can be set, so that what is only readable belongs to root. Otherwise all belongs to the caller. */
  readonly chown: boolean;
  /** Learns what was copied. */
  readonly baseline?: BaselineRecorder;
  /** Nobody waits for it any more. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Copies everything that the grants cover into `target`, an empty directory that nobody else writes to.
 *
 * Modes (without set-id bits), times and holes are kept; hard links become separate files; sockets, FIFOs and devices are left out.
 *
 * @throws {Error} With the `code` of the system call, if the copy cannot be made whole.
 */
export async function copyWorkspace(
  launcher: CopyingLauncher,
  source: string,
  target: string,
  options: CopyOptions,
): Promise<CopyReport> {
  await makeMissing(target, options);
  // Held open, so that it is what was looked at; the launcher finds it there.
  const root = openRoot(source);
  try {
    launcher.output.write(encodeMessage("copy", order(`/proc/${process.pid}/fd/${root.fd}`, target, options)));
    const { baseline, signal } = options;
    const report = await readCopied(launcher, (path, entry) => baseline?.keep(path, entry), signal);
    baseline?.finish(target);
    return report;
  } finally {
    closeDirectory(root);
  }
}

/** What {@link copyWorkspace} would make of an empty directory. */
export async function emptyWorkspace(target: string, options: CopyOptions): Promise<void> {
  await makeMissing(target, options);
  if (options.chown) {
    const { uid, gid, mode } = ownershipOf(select(options.grants).access, 0o700, options);
    await lchown(target, uid, gid);
    await chmod(target, mode);
  }
  options.baseline?.finish(target);
}

function order(source: string, target: string, { grants, chown, uid, gid }: CopyOptions) {
  const paths = (access: WorkspaceGrant["access"]) =>
    grants
      .filter((grant) => grant.access === access)
      .map(({ relative }) => Buffer.from(componentsOf(relative).join("/")));
  return {
    flags: chown ? FLAGS.copy.chown : 0,
    uid,
    gid,
    source: Buffer.from(source),
    target: Buffer.from(target),
    reads: paths("read"),
    writes: paths("write"),
  };
}

/** Before the copy, which gives the directories above them what they have in the source. */
async function makeMissing(target: string, options: CopyOptions): Promise<void> {
  const selected = select(options.grants);
  for (const relative of options.missing ?? []) {
    const path = join(target, relative);
    await mkdir(path, { recursive: true, mode: 0o700 });
    const ownership = ownershipOf(accessAt(selected, relative) ?? "ancestor", 0o755, options);
    if (options.chown) await lchown(path, ownership.uid, ownership.gid);
    await chmod(path, options.chown ? ownership.mode : 0o755);
  }
}
