/**
 * The calls of the table, by group: what each is made to, and what it comes to where it may.
 */
import type { Way } from "../mediation.ts";

/** What a call is made to, in a folder of its own with a `file`, an `other` file and an empty `folder`. */
export type Target = "file" | "other" | "new" | "folder" | ".";

/** A call of mediate.c. */
export interface TableCall {
  readonly call: string;
  readonly on: Target;
  readonly other?: Target;
  /** What it says where it may. @default "OK" */
  readonly says?: string;
  /** Whether it changes nothing that can be seen. */
  readonly harmless?: true;
  /** Whether it only reads: then what may be read, but not written, lets it be. */
  readonly reads?: true;
  /** What it comes to everywhere, whatever the policy says. */
  readonly always?: string;
  readonly ways?: readonly Way[];
  /** Only x86-64 has it. */
  readonly old?: true;
  /** Whether the file has an extended attribute already. */
  readonly attribute?: true;
}

/** Calls that belong together, and what decisions about them are called. */
export interface CallGroup {
  readonly name: string;
  readonly operations: readonly string[];
  readonly calls: readonly TableCall[];
}

const READ = { on: "file", says: "OK:content_", harmless: true, reads: true } as const;
const WRITE = { on: "file" } as const;
const NEW = { on: "new" } as const;
const RELATIVE: readonly Way[] = ["cwd", "dirfd"];

export const GROUPS: readonly CallGroup[] = [
  {
    name: "open for reading",
    operations: ["read", "list"],
    calls: [
      { call: "openat-read", ...READ },
      { call: "openat-nofollow", ...READ },
      { call: "openat2-read", ...READ },
      { call: "openat2-no-symlinks", ...READ, ways: ["absolute", "cwd"] },
      // Paths from the root are not below a folder.
      { call: "openat2-beneath", ...READ, ways: RELATIVE },
      { call: "openat2-in-root", ...READ, ways: RELATIVE },
      { call: "path-then-read", ...READ },
      { call: "openat-list", on: ".", harmless: true, reads: true },
      { call: "open-read", ...READ, old: true },
    ],
  },
  {
    name: "open for writing",
    operations: ["write"],
    calls: [
      { call: "openat-write", ...WRITE },
      { call: "openat-read-write", ...WRITE },
      { call: "openat-append", ...WRITE },
      { call: "openat-truncate", ...WRITE },
      { call: "openat-create-or-open", ...WRITE },
      { call: "openat2-write", ...WRITE },
      { call: "path-then-write", ...WRITE },
      { call: "read-then-write", ...WRITE },
      { call: "truncate", ...WRITE },
      { call: "open-write", ...WRITE, old: true },
      { call: "creat", ...WRITE, old: true },
    ],
  },
  {
    name: "make files",
    operations: ["create"],
    calls: [
      { call: "openat-create", ...NEW },
      { call: "openat-create-or-open", ...NEW },
      { call: "openat2-create", ...NEW },
      { call: "unnamed", on: ".", harmless: true },
      { call: "unnamed-then-link", on: ".", other: "new", ways: ["absolute"] },
      { call: "open-create", ...NEW, old: true },
      { call: "creat", ...NEW, old: true },
    ],
  },
  {
    name: "make other names",
    operations: ["create", "link"],
    calls: [
      { call: "mkdirat", ...NEW },
      { call: "symlinkat", ...NEW },
      { call: "mknodat-fifo", ...NEW },
      { call: "mknodat-file", ...NEW },
      { call: "mknodat-device", ...NEW, always: "EPERM" },
      { call: "bind", ...NEW },
      { call: "bind-packets", ...NEW },
      { call: "linkat", on: "file", other: "new" },
      { call: "linkat-follow", on: "file", other: "new" },
      { call: "linkat-descriptor", on: "file", other: "new" },
      { call: "mkdir", ...NEW, old: true },
      { call: "symlink", ...NEW, old: true },
      { call: "mknod-fifo", ...NEW, old: true },
      { call: "link", on: "file", other: "new", old: true },
    ],
  },
  {
    name: "remove and rename",
    operations: ["delete", "rename", "create"],
    calls: [
      { call: "unlinkat", on: "file" },
      { call: "unlinkat-folder", on: "folder" },
      { call: "renameat2", on: "file", other: "new" },
      { call: "renameat2", on: "file", other: "other" },
      { call: "renameat2-noreplace", on: "file", other: "new" },
      { call: "renameat2-exchange", on: "file", other: "other" },
      { call: "unlink", on: "file", old: true },
      { call: "rmdir", on: "folder", old: true },
      { call: "rename", on: "file", other: "new", old: true },
      { call: "renameat", on: "file", other: "other", old: true },
    ],
  },
  {
    name: "change mode and owner",
    operations: ["metadata"],
    calls: [
      { call: "fchmod", ...WRITE },
      { call: "fchmodat", ...WRITE },
      { call: "fchmodat", on: "folder" },
      { call: "fchmodat2", ...WRITE },
      { call: "fchmodat2-descriptor", ...WRITE },
      { call: "fchown", ...WRITE },
      { call: "fchownat", ...WRITE },
      { call: "fchownat-nofollow", ...WRITE },
      { call: "fchownat-descriptor", ...WRITE },
      { call: "chmod", ...WRITE, old: true },
      { call: "chown", ...WRITE, old: true },
      { call: "lchown", ...WRITE, old: true },
    ],
  },
  {
    name: "change times and attributes",
    operations: ["metadata"],
    calls: [
      { call: "utimensat", ...WRITE },
      { call: "utimensat-now", ...WRITE },
      { call: "utimensat-descriptor", ...WRITE },
      { call: "setxattr", ...WRITE },
      { call: "lsetxattr", ...WRITE },
      { call: "fsetxattr", ...WRITE },
      { call: "removexattr", ...WRITE, attribute: true },
      { call: "lremovexattr", ...WRITE, attribute: true },
      { call: "fremovexattr", ...WRITE, attribute: true },
      // What is newer than the filter does not exist.
      { call: "setxattrat", ...WRITE, always: "ENOSYS" },
      { call: "removexattrat", ...WRITE, attribute: true, always: "ENOSYS" },
      { call: "utime", ...WRITE, old: true },
      { call: "utimes", ...WRITE, old: true },
      { call: "futimesat", ...WRITE, old: true },
    ],
  },
];
