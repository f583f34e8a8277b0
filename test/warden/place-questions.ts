/**
 * What the finder of places is asked, and has to say: see place.test.ts.
 */

/** As in place.h and the kernel's openat2.h. */
export const FOLLOW = 1;
const PARENT = 2;
const EMPTY = 4;
const NO_XDEV = 0x01;
const NO_MAGICLINKS = 0x02;
const NO_SYMLINKS = 0x04;
const BENEATH = 0x08;
const IN_ROOT = 0x10;

/** As in place_scene.h. */
export const FD = {
  pipe: 40,
  directory: 41,
  file: 42,
  unlinked: 43,
  memory: 44,
  socket: 45,
  status: 46,
  link: 47,
  self: 48,
  warden: 49,
  gone: 50,
  hard: 51,
  foreign: 52,
} as const;

export interface Place {
  readonly error?: string;
  readonly kind?: string;
  /** What begins with `./` is below the test's folder. */
  readonly path?: string;
  readonly name?: string;
  readonly parent?: number;
  readonly kernel?: number;
  readonly own?: number;
  readonly anonymous?: number;
  readonly unlinked?: number;
}

export interface Question {
  readonly name: string;
  /** `{caller}` and the like are numbers of processes; what is relative starts from `world/work`. */
  readonly path: string;
  readonly flags?: number;
  readonly how?: number;
  readonly base?: number;
  readonly who?: "caller" | "thread";
  readonly expected: Place | string;
}

const long = "n".repeat(255);
const PLAIN: Question[] = [
  { name: "a file", path: "plain", expected: file("world/work/plain") },
  { name: "a file below the parent", path: "../file", expected: file("world/file") },
  { name: "a file by slashes and dots", path: ".//./plain", expected: file("world/work/plain") },
  { name: "the root and above it", path: "/../..", expected: { kind: "directory", path: "/" } },
  { name: "a folder with slashes", path: "../directory//", expected: folder("world/directory") },
  { name: "a file with a slash", path: "plain/", expected: "ENOTDIR" },
  { name: "a name below a file", path: "plain/x", expected: "ENOTDIR" },
  { name: "dots below a file", path: "plain/..", expected: "ENOTDIR" },
  { name: "nothing", path: "none", expected: "ENOENT" },
  { name: "no path", path: "", expected: "ENOENT" },
  { name: "a name with a newline", path: "new\nline", expected: file("world/work/new\nline") },
  { name: "a name of 255 bytes", path: long, expected: file(`world/work/${long}`) },
  { name: "a name of 256 bytes", path: `${long}n`, expected: "ENAMETOOLONG" },
  { name: "a path of 4095 bytes", path: `${"./".repeat(2045)}plain`, expected: file("world/work/plain") },
  { name: "a path of 4096 bytes", path: `${"./".repeat(2045)}plain/`, expected: "ENAMETOOLONG" },
  { name: "a file by its base", path: "file", base: FD.directory, expected: file("world/directory/file") },
  { name: "a base that is no folder", path: "x", base: FD.file, expected: "ENOTDIR" },
  { name: "the folder of a thread of its own", path: "file", who: "thread", expected: file("world/directory/file") },
  { name: "a path that is too long to tell", path: `deep-link/${long}/plain`, expected: "ENAMETOOLONG" },
  { name: "a name that ends in (deleted)", path: "x (deleted)", expected: file("world/work/x (deleted)") },
];

const LINKS: Question[] = [
  { name: "a link", path: "../to-file", expected: file("world/file") },
  { name: "a link itself", path: "../to-file", flags: 0, expected: link("world/to-file") },
  { name: "a link with a slash itself", path: "../to-directory/", flags: 0, expected: folder("world/directory") },
  { name: "a link on the way", path: "../to-directory/file", flags: 0, expected: file("world/directory/file") },
  { name: "a loop", path: "../loop", expected: "ELOOP" },
  { name: "a loop itself", path: "../loop", flags: 0, expected: link("world/loop") },
  { name: "a dangling link", path: "../dangling", expected: "ENOENT" },
  { name: "forty links", path: "chain/40", expected: file("world/work/plain") },
  { name: "forty-one links", path: "chain/41", expected: "ELOOP" },
  { name: "forty links through procfs", path: "chain/p38", expected: file("world/work/plain") },
  { name: "forty-one links through procfs", path: "chain/p39", expected: "ELOOP" },
  { name: "links that multiply", path: "/proc/self/cwd/chain/wide/wide/.", expected: "ELOOP" },
];

const ENTRIES: Question[] = [
  { name: "a file", path: "plain", flags: PARENT, expected: entry("file", "world/work", "plain") },
  { name: "nothing", path: "none", flags: PARENT, expected: entry("none", "world/work", "none") },
  { name: "nothing, to be a folder", path: "none//", flags: PARENT, expected: entry("none", "world/work", "none") },
  { name: "nothing with a slash, to be a file", path: "none/", flags: PARENT | FOLLOW, expected: "EISDIR" },
  { name: "nothing below nothing", path: "none/x", flags: PARENT, expected: "ENOENT" },
  { name: "a name of 255 bytes", path: `${"m".repeat(255)}`, flags: PARENT, expected: { name: "m".repeat(255) } },
  { name: "a name of 256 bytes", path: "m".repeat(256), flags: PARENT, expected: "ENAMETOOLONG" },
  { name: "a link", path: "../to-file", flags: PARENT, expected: entry("link", "world", "to-file") },
  { name: "a link with a slash", path: "../to-directory/", flags: PARENT, expected: "ENOTDIR" },
  {
    name: "what a link leads to",
    path: "../to-file",
    flags: PARENT | FOLLOW,
    expected: entry("file", "world", "file"),
  },
  {
    name: "what a dangling link would make",
    path: "../dangling",
    flags: PARENT | FOLLOW,
    expected: entry("none", "world", "nowhere"),
  },
  {
    name: "what dangling links would make, link by link",
    path: "chain/far",
    flags: PARENT | FOLLOW,
    expected: entry("none", "world/directory", "made"),
  },
  { name: "a loop", path: "../loop", flags: PARENT | FOLLOW, expected: "ELOOP" },
  { name: "the folder itself", path: ".", flags: PARENT, expected: { ...folder("world/work"), parent: 0, name: "" } },
  { name: "the folder above", path: "..", flags: PARENT, expected: { ...folder("world"), parent: 0, name: "" } },
  { name: "the root", path: "//", flags: PARENT, expected: { kind: "directory", path: "/", parent: 0 } },
  {
    name: "a name in the root",
    path: "/cofferdam-none",
    flags: PARENT,
    expected: { path: "/cofferdam-none", parent: 1 },
  },
  {
    name: "what a descriptor leads to",
    path: "/dev/fd/42",
    flags: PARENT | FOLLOW,
    expected: { ...file("world/file"), parent: 0, name: "" },
  },
  { name: "a name in procfs", path: "/proc/none", flags: PARENT, expected: "ENOENT" },
  { name: "a name among descriptors", path: "/proc/self/fd/99", flags: PARENT | FOLLOW, expected: "ENOENT" },
  {
    name: "a name below a path that is too long",
    path: `deep-link/${long}/x`,
    flags: PARENT,
    expected: "ENAMETOOLONG",
  },
];

const OWN: Place = { kind: "file", kernel: 1, own: 1 };
const PROCFS: Question[] = [
  { name: "self", path: "/proc/self/maps", expected: { ...OWN, path: "/proc/{caller}/maps" } },
  { name: "self as a link", path: "/proc/self", flags: 0, expected: { kind: "link", path: "/proc/self", own: 0 } },
  { name: "self of a thread", path: "/proc/self/maps", who: "thread", expected: { path: "/proc/{caller}/maps" } },
  {
    name: "thread-self",
    path: "/proc/thread-self/maps",
    who: "thread",
    expected: { ...OWN, path: "/proc/{caller}/task/{thread}/maps" },
  },
  { name: "its number", path: "/proc/{caller}/mem", expected: OWN },
  { name: "a number of a thread", path: "/proc/{thread}/maps", expected: { ...OWN, path: "/proc/{thread}/maps" } },
  { name: "a number with a zero before it", path: "/proc/0{caller}/maps", expected: "ENOENT" },
  { name: "its command's other process", path: "/proc/{kin}/maps", expected: OWN },
  { name: "another command's process", path: "/proc/{stranger}/maps", expected: { kind: "file", kernel: 1, own: 0 } },
  { name: "another command's working directory", path: "/proc/{stranger}/cwd", expected: "EACCES" },
  { name: "another command's root", path: "/proc/{stranger}/root/etc", expected: "EACCES" },
  {
    name: "the link of another command's root",
    path: "/proc/{stranger}/root",
    flags: 0,
    expected: { kind: "link", own: 0 },
  },
  { name: "what is about no process", path: "/proc/meminfo", expected: { kind: "file", kernel: 1, own: 0 } },
  { name: "mounts", path: "/proc/mounts", expected: { ...OWN, path: "/proc/{caller}/mounts" } },
  { name: "net", path: "/proc/net/unix", expected: { ...OWN, path: "/proc/{caller}/net/unix" } },
  { name: "settings", path: "/proc/sys/kernel/pid_max", expected: { kind: "file", kernel: 1, own: 0 } },
  {
    name: "the way back out",
    path: "/proc/self/task/{thread}/../../../..",
    expected: { kind: "directory", path: "/" },
  },
  { name: "a process that is not there", path: "/proc/4194303/maps", expected: "ENOENT" },
  { name: "a link to maps", path: "maps", expected: { ...OWN, path: "/proc/{caller}/maps" } },
  { name: "a link to the warden's maps", path: "warden-maps", expected: "EACCES" },
  {
    name: "a link to thread-self",
    path: "thread-maps",
    expected: { ...OWN, path: "/proc/{caller}/task/{caller}/maps" },
  },
  { name: "its working directory", path: "/proc/self/cwd/plain", expected: file("world/work/plain") },
  {
    name: "self by its root",
    path: "/proc/self/root/proc/self/maps",
    expected: { ...OWN, path: "/proc/{caller}/maps" },
  },
  { name: "its program", path: "/proc/self/exe", expected: file("drive_place") },
  { name: "the same procfs at another place", path: "../again/self/maps", expected: OWN },
  { name: "a second procfs of the same processes", path: "../second/{kin}/maps", expected: OWN },
];

const WARDEN: Question[] = [
  ...["maps", "mem", "environ", "fd", "fdinfo", "cwd", "root", "exe", "task", "ns", "task/1/maps", "net/unix"].map(
    (name) => refused(`${name} of PID 1`, `/proc/1/${name}`),
  ),
  ...["maps", "mem", "environ", "fd/0", "cwd", "root"].map((name) =>
    refused(`${name} of a thread of the warden`, `/proc/{wardenThread}/${name}`),
  ),
  ...["maps", "environ", "fd", "root"].map((name) => refused(`${name} of a shepherd`, `/proc/{shepherd}/${name}`)),
  ...["stat", "statm", "status", "cmdline", "comm"].map((name) => ({
    name: `${name} of PID 1`,
    path: `/proc/1/${name}`,
    expected: { kind: "file", kernel: 1, own: 0 },
  })),
  { name: "PID 1 itself", path: "/proc/1", expected: { kind: "directory", own: 0 } },
  { name: "a shepherd itself", path: "/proc/{shepherd}/", expected: { kind: "directory", own: 0 } },
  { name: "a link of PID 1 itself", path: "/proc/1/exe", flags: 0, expected: "EACCES" },
  refused("maps of PID 1 by dots", "/proc/self/../1/maps"),
  refused("maps of PID 1 by its threads", "/proc/1/task/{wardenThread}/maps"),
  refused("maps of PID 1 by its own root", "/proc/self/root/proc/1/maps"),
  refused("maps of PID 1 at another place", "../again/1/maps"),
  refused("maps of PID 1 in a second procfs", "../second/1/maps"),
  refused("maps of a thread of the warden in a second procfs", "../second/{wardenThread}/maps"),
  { ...refused("maps of PID 1 by a descriptor of its folder", "maps"), base: FD.warden },
  refused("maps of PID 1 by a link to a descriptor of its folder", `/proc/self/fd/${FD.warden}/maps`),
  { ...refused("maps of PID 1 by a descriptor of another", "../1/maps"), base: FD.self },
  { name: "maps by a descriptor of its folder", path: "maps", base: FD.self, expected: OWN },
  refused("a part of procfs elsewhere", "../part/status"),
  refused("that part itself", "../part"),
  refused("a file of procfs elsewhere", "../part-file"),
  refused("a part of procfs elsewhere, by dots", "../part/../{caller}/maps"),
  refused("self in the procfs of others", "../foreign/self/maps"),
  refused("PID 1 in the procfs of others", "../foreign/1/maps"),
  refused("PID 1 in the procfs of others by a descriptor", "1/maps", FD.foreign),
  refused("mounts in the procfs of others", "../foreign/mounts"),
  refused("a number in the procfs of others", "../foreign/{caller}/maps"),
  { name: "memory in the procfs of others", path: "../foreign/meminfo", expected: { kernel: 1, own: 0 } },
];

const DESCRIPTORS: Question[] = [
  descriptor("a pipe", FD.pipe, { kind: "pipe", anonymous: 1, kernel: 0, own: 0 }),
  descriptor("a socket", FD.socket, { kind: "socket", anonymous: 1 }),
  descriptor("a file", FD.file, { ...file("world/file"), anonymous: 0 }),
  descriptor("a folder", FD.directory, folder("world/directory")),
  descriptor("a removed file", FD.unlinked, { ...file("world/unlinked"), unlinked: 1 }),
  descriptor("a removed folder", FD.gone, { ...folder("world/gone"), unlinked: 1 }),
  descriptor("a file whose other name is left", FD.hard, { ...file("world/hard"), unlinked: 1 }),
  descriptor("a file in memory", FD.memory, { kind: "file", path: "/memfd:in memory", unlinked: 1 }),
  descriptor("a link", FD.link, link("world/to-file")),
  descriptor("a file of procfs", FD.status, { ...OWN, path: "/proc/{caller}/status" }),
  descriptor("the folder of PID 1", FD.warden, { kind: "directory", path: "/proc/1", own: 0 }),
  { name: "one that is not there", path: "/dev/fd/99", expected: "ENOENT" },
  { name: "a file below a folder", path: `/dev/fd/${FD.directory}/file`, expected: file("world/directory/file") },
  { name: "a name below a link", path: `/dev/fd/${FD.link}/x`, expected: "ENOTDIR" },
  { name: "a name below a removed folder", path: "x", base: FD.gone, expected: "ENOENT" },
  { name: "a name to make in a removed folder", path: "x", base: FD.gone, flags: PARENT, expected: { unlinked: 1 } },
  { name: "the link of a pipe", path: `/proc/self/fd/${FD.pipe}`, flags: 0, expected: { kind: "link", own: 1 } },
  { name: "its command's other pipe", path: `/proc/{kin}/fd/${FD.pipe}`, expected: { kind: "pipe", anonymous: 1 } },
  {
    name: "a thread's own file",
    path: `/proc/thread-self/fd/${FD.file}`,
    who: "thread",
    expected: folder("world/directory/below"),
  },
];

const EMPTY_PATHS: Question[] = [
  empty("a pipe", FD.pipe, { kind: "pipe", anonymous: 1 }),
  empty("a file", FD.file, file("world/file")),
  empty("a link", FD.link, link("world/to-file")),
  empty("a removed file", FD.unlinked, { unlinked: 1 }),
  empty("a file of procfs", FD.status, OWN),
  empty("the folder of PID 1", FD.warden, { kind: "directory", own: 0 }),
  { name: "the working directory", path: "", flags: EMPTY, expected: folder("world/work") },
];

const HOW: Question[] = [
  { name: "beneath", path: "plain", how: BENEATH, expected: file("world/work/plain") },
  { name: "not beneath", path: "../file", how: BENEATH, expected: "EXDEV" },
  { name: "not beneath, to be made", path: "../none", how: BENEATH, flags: PARENT, expected: "EXDEV" },
  {
    name: "beneath, to be made",
    path: "none",
    how: BENEATH,
    flags: PARENT,
    expected: entry("none", "world/work", "none"),
  },
  { name: "in a root", path: "/../plain", how: IN_ROOT, expected: file("world/work/plain") },
  { name: "a link in a root", path: "inside", how: IN_ROOT, expected: file("world/work/plain") },
  {
    name: "a link in a root, to be made",
    path: "inside",
    how: IN_ROOT,
    flags: PARENT | FOLLOW,
    expected: file("world/work/plain"),
  },
  {
    name: "a dangling link in a root, to be made",
    path: "dangling",
    how: IN_ROOT,
    flags: PARENT | FOLLOW,
    expected: "ENOENT",
  },
  { name: "no links", path: "../to-file", how: NO_SYMLINKS, expected: "ELOOP" },
  { name: "no links, to be made", path: "../dangling", how: NO_SYMLINKS, flags: PARENT | FOLLOW, expected: "ELOOP" },
  { name: "no links, in procfs", path: "/proc/{caller}/maps", how: NO_SYMLINKS, expected: OWN },
  { name: "no links, but self", path: "/proc/self/maps", how: NO_SYMLINKS, expected: "ELOOP" },
  { name: "no magic links, but self", path: "/proc/self/maps", how: NO_MAGICLINKS, expected: OWN },
  { name: "no magic links", path: "/proc/self/cwd", how: NO_MAGICLINKS, expected: "ELOOP" },
  { name: "beneath a procfs", path: "maps", base: FD.self, how: BENEATH, expected: "EXDEV" },
  { name: "in a root of procfs", path: "maps", base: FD.self, how: IN_ROOT, expected: "ELOOP" },
  { name: "no other mount", path: "../second/uptime", how: NO_XDEV, expected: "EXDEV" },
];

export const GROUPS: readonly (readonly [string, readonly Question[]])[] = [
  ["plain paths", PLAIN],
  ["symlinks", LINKS],
  ["entries of a folder", ENTRIES],
  ["procfs", PROCFS],
  ["the warden's own", WARDEN],
  ["descriptors by their links", DESCRIPTORS],
  ["descriptors by an empty path", EMPTY_PATHS],
  ["restricted ways", HOW],
];

function file(path: string): Place {
  return { kind: "file", path: `./${path}` };
}
function folder(path: string): Place {
  return { kind: "directory", path: `./${path}` };
}
function link(path: string): Place {
  return { kind: "link", path: `./${path}` };
}
function entry(kind: string, directory: string, name: string): Place {
  return { kind, path: `./${directory}/${name}`, name, parent: 1 };
}
function refused(name: string, path: string, base?: number): Question {
  return base === undefined ? { name, path, expected: "EACCES" } : { name, path, base, expected: "EACCES" };
}
function descriptor(name: string, fd: number, expected: Place): Question {
  return { name, path: `/dev/fd/${fd}`, expected };
}
function empty(name: string, fd: number, expected: Place): Question {
  return { name, path: "", base: fd, flags: EMPTY, expected };
}
