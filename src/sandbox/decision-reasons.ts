/**
 * Why the warden denied something, in words.
 *
 * @module
 */
import type { CODES } from "../link/protocol.ts";

/** By the protocol's names. */
export const REASONS: Readonly<Record<keyof typeof CODES.reason, string>> = {
  rule: "a rule of the policy denies it",
  unmatched: "no rule of the policy allows it",
  floor: "the kernel floor does not grant it",
  answer: "it was asked about, and not allowed",
  deadline: "nobody answered in time",
  crowded: "too many decisions were waiting",
  hostFifo: "it is a FIFO that was not made in the sandbox",
  hostSocket: "it is a socket that was not made in the sandbox",
  setId: "in a folder that the host or others share no program is made that runs as its owner",
  kernelFile: "files of the kernel are never written",
  aroundRule: "renaming or linking it would carry files past a rule or hook; they can be copied",
  loader: "the dynamic loader may not be started by itself",
  memoryFile: "a program must be a file that has a name",
  unreadable: "a program that cannot be read cannot be judged",
  loaderVariable: "a variable makes the loader read what the sandbox may change",
  interpreter: "the interpreter of the script is not allowed",
  changed: "it was not any more what had been judged; a program that had started so was killed",
  noIpv6: "it is an address of one link, and the sandbox is on none",
  noName: "no name has this address",
  tooLong: "its arguments are too long to be decided about",
};
