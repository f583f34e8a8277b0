/**
 * Headers of tar entries (POSIX ustar, with pax records where a value does not fit).
 *
 * `tar-stream`, which reads archives elsewhere, cannot write these: it takes names as text and would change the ones
 * that are not UTF-8, turns mode 0 into a default, and clamps user ids past 262143, which directories of large
 * organisations do use.
 *
 * @module
 */

/** One entry, without its content. */
export interface TarEntry {
  readonly kind: "file" | "directory" | "symlink";
  /**
   * A directory's without the trailing slash. What the archive is unpacked into has no name, and becomes `/`: engines pass
   * over an entry `.`.
   */
  readonly name: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content; 0 for anything but a file. */
  readonly size: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  readonly target?: Buffer;
}

/** Contents and headers are padded to a multiple of this. */
export const TAR_BLOCK_BYTES = 512;

/** What ends an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * TAR_BLOCK_BYTES);

const TYPES = { file: "0", directory: "5", symlink: "2" } as const;
const MAX_NAME_BYTES = 100;
const MAX_ID = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;

/** The header of an entry, with an extended header before it if it needs one. */
export function tarHeader(entry: TarEntry): Buffer {
  const name = entry.kind === "directory" ? Buffer.concat([entry.name, SLASH]) : entry.name;
  const target = entry.target ?? EMPTY;
  const records: Buffer[] = [];
  if (name.length > MAX_NAME_BYTES) records.push(paxRecord("path", name));
  if (target.length > MAX_NAME_BYTES) records.push(paxRecord("linkpath", target));
  if (entry.uid > MAX_ID) records.push(paxRecord("uid", Buffer.from(String(entry.uid))));
  if (entry.gid > MAX_ID) records.push(paxRecord("gid", Buffer.from(String(entry.gid))));
  if (entry.size > MAX_OCTAL_11) records.push(paxRecord("size", Buffer.from(String(entry.size))));
  if (entry.mtime < 0 || entry.mtime > MAX_OCTAL_11) records.push(paxRecord("mtime", Buffer.from(String(entry.mtime))));
  const header = block(TYPES[entry.kind], name, entry, entry.size, target);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const extended = block("x", Buffer.from("PaxHeader"), { mode: 0o644, uid: 0, gid: 0, mtime: 0 }, body.length, EMPTY);
  return Buffer.concat([extended, body, Buffer.alloc(tarPadding(body.length)), header]);
}

/** How many zero bytes follow content of `size` bytes. */
export function tarPadding(size: number): number {
  return (TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
}

function block(
  type: string,
  name: Buffer,
  { mode, uid, gid, mtime }: Pick<TarEntry, "mode" | "uid" | "gid" | "mtime">,
  size: number,
  target: Buffer,
): Buffer {
  const header = Buffer.alloc(TAR_BLOCK_BYTES);
  name.copy(header, 0, 0, MAX_NAME_BYTES);
  octal(header, mode & 0o7777, 100, 7);
  octal(header, uid > MAX_ID ? 0 : uid, 108, 7);
  octal(header, gid > MAX_ID ? 0 : gid, 116, 7);
  octal(header, size > MAX_OCTAL_11 ? 0 : size, 124, 11);
  octal(header, mtime < 0 || mtime > MAX_OCTAL_11 ? 0 : mtime, 136, 11);
  header.fill(" ", 148, 156);
  header.write(type, 156, "latin1");
  target.copy(header, 157, 0, MAX_NAME_BYTES);
  header.write("ustar\u000000", 257, "latin1");
  let sum = 0;
  for (const byte of header) sum += byte;
  octal(header, sum, 148, 6);
  header[154] = 0;
  return header;
}

function octal(header: Buffer, value: number, at: number, digits: number): void {
  header.write(Math.trunc(value).toString(8).padStart(digits, "0"), at, "latin1");
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (rest.length + String(length).length !== length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

const EMPTY = Buffer.alloc(0);
const SLASH = Buffer.from("/");
