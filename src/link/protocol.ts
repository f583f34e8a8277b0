/**
 * The protocol between host and warden, described once as data. The TypeScript codec reads it here, the C header
 * is generated from it (`npm run protocol`), and a test fails when the two have drifted.
 *
 * A frame is a 12 byte header and a payload, little-endian: `u32 length, u8 type, u8 channel, u16 0, u32 stream`.
 * `length` counts the payload only. Stream 0 is the sandbox itself; the host opens odd streams, the warden even ones.
 *
 * @module
 */

/** Changes with every incompatible change of this file: both halves refuse another number. */
export const PROTOCOL_VERSION = 6;

/** Bytes of a frame's header. */
export const HEADER_BYTES = 12;

/** The longest payload, in bytes: room for the longest argv and environment that Cofferdam accepts. */
export const MAX_PAYLOAD_BYTES = 1_048_576;

/** The longest payload of a data frame, in bytes. */
export const MAX_DATA_BYTES = 65_536;

/** Bytes that a sender may send on a channel before the receiver grants more. */
export const INITIAL_CREDIT_BYTES = 262_144;

/** Streams that may be open at once. */
export const MAX_STREAMS = 1024;

/** The longest list in a message, in elements. */
export const MAX_LIST_LENGTH = 65_536;

/** The channels of a stream. */
export const CHANNELS = { stdin: 0, stdout: 1, stderr: 2 } as const;

export { CODES, FLAGS } from "./protocol-codes.ts";

/** The types that a field can have. `list` is a list of byte strings. */
export type FieldType = "u8" | "u32" | "u64" | "bytes" | "list";

/** The shape of a message: its number, its receiver, and its fields in order. */
export interface MessageShape {
  readonly id: number;
  readonly to: "warden" | "host";
  readonly fields: Readonly<Record<string, FieldType>>;
}

/** Every message that has fields. */
export const MESSAGES = {
  /** For the local launcher: who to be. Ids are those of the host and those inside. */
  namespace: {
    id: 0x01,
    to: "warden",
    fields: {
      flags: "u32",
      hostUid: "u32",
      hostGid: "u32",
      uid: "u32",
      gid: "u32",
      hostname: "bytes",
      workspace: "bytes",
      cgroups: "list",
    },
  },
  /** For the local launcher: a path of the host that is about to be made, and that goes when the sandbox does. */
  owned: { id: 0x04, to: "warden", fields: { kind: "u8", path: "bytes" } },
  /** For the local launcher: one step of building the root. */
  mount: {
    id: 0x02,
    to: "warden",
    fields: { kind: "u8", flags: "u32", source: "bytes", target: "bytes", data: "bytes" },
  },
  /** For the local launcher: build the root and become the warden in it. */
  enter: { id: 0x03, to: "warden", fields: {} },
  /**
   * For the local launcher: copy what the lists cover of a folder into an empty one, before anything else is built. Paths of the
   * lists are below `source`. Answered by `copied` records.
   */
  copy: {
    id: 0x05,
    to: "warden",
    fields: { flags: "u32", uid: "u32", gid: "u32", source: "bytes", target: "bytes", reads: "list", writes: "list" },
  },

  /** What the warden is and what the kernel gave it. */
  hello: {
    id: 0x10,
    to: "host",
    fields: {
      protocol: "u32",
      landlockAbi: "u32",
      notify: "u32",
      uid: "u32",
      gid: "u32",
      kernel: "bytes",
      machine: "bytes",
    },
  },
  config: {
    id: 0x11,
    to: "warden",
    fields: { flags: "u32", linkTimeoutMs: "u32", dataBytes: "u64", processes: "u64", cpus: "u32", workspace: "bytes" },
  },
  /** One grant of the Landlock floor. */
  rule: { id: 0x12, to: "warden", fields: { access: "u8", flags: "u32", path: "bytes" } },
  /**
   * Begins the tables of a policy; `start` puts them in force for what starts after it. `untrusted`: folders in which a symlink is
   * not the host's word, so that no grant may go through it. `volumes`: those to which no symlink from elsewhere leads.
   */
  policy: {
    id: 0x16,
    to: "warden",
    fields: {
      generation: "u32",
      mode: "u8",
      flags: "u32",
      timeoutMs: "u32",
      search: "list",
      untrusted: "list",
      volumes: "list",
    },
  },
  /** A pattern of absolute paths. One that matches a directory stands for its tree. `rule` counts from 1. */
  pathRule: { id: 0x17, to: "warden", fields: { verdict: "u8", access: "u8", rule: "u32", pattern: "bytes" } },
  programRule: {
    id: 0x18,
    to: "warden",
    fields: { verdict: "u8", flags: "u32", rule: "u32", pattern: "bytes", sha256: "bytes", arguments: "list" },
  },
  /** Decisions that a hook cares about. `actions` is a set of bits (1 << action); 0 and empty lists mean all. */
  subscription: { id: 0x19, to: "warden", fields: { domain: "u8", actions: "u32", paths: "list", binaries: "list" } },
  start: { id: 0x13, to: "warden", fields: {} },
  ready: { id: 0x14, to: "host", fields: { rules: "u32", skipped: "u32" } },
  /** The warden cannot go on; it ends after this. */
  fatal: { id: 0x15, to: "host", fields: { stage: "u32", errno: "u32", subject: "bytes" } },

  /** Opens a stream that runs a program. */
  exec: {
    id: 0x20,
    to: "warden",
    fields: {
      flags: "u32",
      rows: "u32",
      columns: "u32",
      timeoutMs: "u64",
      cwd: "bytes",
      argv: "list",
      env: "list",
    },
  },
  /** Opens a stream that does one file operation, confined as a program would be. */
  file: {
    id: 0x21,
    to: "warden",
    fields: {
      operation: "u8",
      flags: "u32",
      mode: "u32",
      offset: "u64",
      length: "u64",
      path: "bytes",
      target: "bytes",
    },
  },
  /**
   * Opens a stream that is a connection to a server on the sandbox's loopback. Answered by `connected` or `failed`; then
   * data and `end` go both ways, on channel 0 to the server and on channel 1 from it. `kill` resets it; so does a later
   * `failed`.
   */
  dial: { id: 0x26, to: "warden", fields: { port: "u32" } },
  /**
   * Opens a stream of the warden's: an even number. A program wants to connect. `flowAccept` or `flowRefuse` answers; then
   * it is as a dialed connection. `failed` and `gone` without an answer: nobody waits for one any more.
   */
  flow: {
    id: 0x2d,
    to: "host",
    fields: {
      port: "u32",
      pid: "u32",
      flags: "u32",
      host: "bytes",
      binary: "bytes",
      ancestors: "list",
      sha256: "bytes",
    },
  },
  flowAccept: { id: 0x2e, to: "warden", fields: {} },
  flowRefuse: { id: 0x2f, to: "warden", fields: { error: "u32" } },
  /** The answer takes so long: who does not want to wait is let go on, and others wait. */
  flowWait: { id: 0x27, to: "warden", fields: { timeoutMs: "u32" } },
  /** Signals the process group of a stream's first process. */
  signal: { id: 0x22, to: "warden", fields: { signal: "u32" } },
  resize: { id: 0x23, to: "warden", fields: { rows: "u32", columns: "u32" } },
  /** Kills everything that a stream started, whatever it did to hide. */
  kill: { id: 0x24, to: "warden", fields: {} },
  /** Go on reading a channel, but forward nothing of it any more. */
  discard: { id: 0x25, to: "warden", fields: {} },
  started: { id: 0x28, to: "host", fields: { pid: "u32" } },
  exited: { id: 0x29, to: "host", fields: { code: "u32", signal: "u32", flags: "u32" } },
  failed: { id: 0x2a, to: "host", fields: { stage: "u32", errno: "u32" } },
  connected: { id: 0x2c, to: "host", fields: {} },
  /** Nothing that the stream started is left, and its number is free. */
  gone: { id: 0x2b, to: "host", fields: {} },

  /** Grants more bytes on a channel: host to warden for output, warden to host for input. */
  credit: { id: 0x32, to: "warden", fields: { bytes: "u32" } },
  granted: { id: 0x33, to: "host", fields: { bytes: "u32" } },

  /** Asks what may happen to a path. `verdict` and `rule` (0: none) are those of the policy. */
  access: {
    id: 0x50,
    to: "host",
    fields: {
      question: "u32",
      stream: "u32",
      pid: "u32",
      action: "u8",
      verdict: "u8",
      rule: "u32",
      path: "bytes",
      target: "bytes",
      binary: "bytes",
    },
  },
  /** Asks whether a program may start. `script` is empty unless the kernel will run `path` for it. */
  program: {
    id: 0x51,
    to: "host",
    fields: {
      question: "u32",
      stream: "u32",
      pid: "u32",
      verdict: "u8",
      rule: "u32",
      path: "bytes",
      script: "bytes",
      sha256: "bytes",
      cwd: "bytes",
      arguments: "list",
      parents: "list",
    },
  },
  answer: { id: 0x52, to: "warden", fields: { question: "u32", verdict: "u8", flags: "u32" } },
  /** A piece of what a question's operation gets to read. */
  content: { id: 0x53, to: "warden", fields: { question: "u32", bytes: "bytes" } },
  /** A question takes longer, for it waits for a person. */
  hold: { id: 0x54, to: "warden", fields: { question: "u32", timeoutMs: "u32" } },
  /** A question has no answer any more: its deadline passed, or who asked is gone. */
  expired: { id: 0x56, to: "host", fields: { question: "u32", gone: "u32" } },
  /** Something was decided in the warden, `count` times. */
  decided: {
    id: 0x55,
    to: "host",
    fields: {
      stream: "u32",
      pid: "u32",
      domain: "u8",
      action: "u8",
      verdict: "u8",
      reason: "u8",
      rule: "u32",
      count: "u32",
      microseconds: "u32",
      path: "bytes",
      target: "bytes",
      binary: "bytes",
      arguments: "list",
    },
  },

  ping: { id: 0x40, to: "warden", fields: { nonce: "u32" } },
  pong: { id: 0x41, to: "host", fields: { nonce: "u32" } },
} as const;

/** Frames whose payload is raw bytes, both ways. */
export const RAW_FRAMES = { data: 0x30, end: 0x31 } as const;

/** The longest path inside a tree, and the longest target of a link, in bytes. */
export const MAX_TREE_PATH_BYTES = 4095;

export { RECORDS } from "./protocol-records.ts";

/** The name of a message. */
export type MessageName = keyof typeof MESSAGES;

/** The value of a field of that type. */
export type FieldValue<T extends FieldType> = T extends "bytes"
  ? Uint8Array
  : T extends "list"
    ? readonly Uint8Array[]
    : number;

/** The values of a set of fields. */
export type FieldValues<F extends Readonly<Record<string, FieldType>>> = {
  readonly [K in keyof F]: FieldValue<F[K]>;
};

/** The values of a message. */
export type MessageValues<N extends MessageName> = FieldValues<(typeof MESSAGES)[N]["fields"]>;
