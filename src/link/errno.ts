/**
 * Linux error numbers by name: those of x86-64 and arm64, whatever the host is. See errno(3).
 *
 * @module
 */

const NAMES: readonly string[] = [
  "",
  ..."EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY".split(" "),
  ..."EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK".split(" "),
  ..."EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP".split(" "),
];

const LATER: Readonly<Record<number, string>> = {
  61: "ENODATA",
  71: "EPROTO",
  75: "EOVERFLOW",
  84: "EILSEQ",
  95: "EOPNOTSUPP",
  97: "EAFNOSUPPORT",
  110: "ETIMEDOUT",
  116: "ESTALE",
  122: "EDQUOT",
};

/** The name of an error number, or `errno N`. */
export function errnoName(number: number): string {
  return NAMES[number] || LATER[number] || `errno ${number}`;
}
