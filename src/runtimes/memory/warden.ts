/**
 * The simulated warden: it speaks the protocol of the real one in this process, and holds nothing back that is not asked
 * through it.
 *
 * @module
 */
import { Readable, Writable } from "node:stream";
import { setImmediate } from "node:timers";
import { AUTHORITY_PATH, type SandboxFile } from "../../egress/tls/trust.ts";
import { decodeMessage, encodeMessage } from "../../link/codec.ts";
import { type Frame, FrameParser } from "../../link/frame-parser.ts";
import { CODES, FLAGS, MESSAGES, type MessageValues, PROTOCOL_VERSION } from "../../link/protocol.ts";
import { WORKSPACE_PATH } from "../../policy/core.ts";
import { AGENT_UID } from "../identity.ts";
import { runOperation } from "./files.ts";
import { Flows } from "./flows.ts";
import { ERRNO, type Guest } from "./guest.ts";
import { Judge } from "./judge.ts";
import { Operations } from "./operations.ts";
import { runCommand, type World } from "./programs.ts";
import { GuestStream } from "./stream.ts";
import { Tables } from "./tables.ts";
import { resolvePath, Tree } from "./tree.ts";

const DENIALS_PATH = "/tmp/.cofferdam-denials";
const DENIALS_BYTES_MAX = 64 * 1024;
/** The host insists on one; there is none here, and `enforcement` says so. */
const LANDLOCK_ABI = 3;

/** The warden of one sandbox. */
export class MemoryWarden {
  /** What the host reads. */
  readonly input: Readable = new Readable({ read: () => undefined });
  /** What the host writes. */
  readonly output: Writable;
  /** Settles, with the reason, when it has ended. */
  readonly ended: Promise<string>;
  readonly #parser = new FrameParser((each) => this.#take(each));
  readonly #streams = new Map<number, GuestStream>();
  readonly #world: World;
  #building: Tables | undefined;
  #tables: Tables | undefined;
  #settle: (reason: string) => void = () => undefined;
  #pid = 1;

  constructor(guest: Guest, files: readonly SandboxFile[] = []) {
    const brought = Object.fromEntries(files.map(({ path, content }) => [path, content]));
    const tree = new Tree({ ...guest, files: { ...guest.files, ...brought } });
    const judge = new Judge(
      (bytes) => this.#send(bytes),
      (domain, path, why) => tellAgent(tree, domain, path, why),
    );
    const flows = new Flows((bytes) => this.#send(bytes));
    const authority = files.find(({ path }) => path === AUTHORITY_PATH)?.content;
    const operations = new Operations(tree, judge);
    this.#world = { tree, judge, operations, flows, authority, nextPid: () => ++this.#pid };
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.output = new Writable({
      // In a turn of its own, as what comes from another process.
      write: (chunk: Buffer, _encoding, taken) => queueMicrotask(() => this.#receive(chunk, taken)),
      final: (taken) => {
        this.end("the link ended");
        taken();
      },
    });
    this.output.on("close", () => this.end("the link ended"));
    this.#send(encodeMessage("hello", HELLO));
  }

  /** Ends everything. Idempotent. */
  end(reason: string): void {
    for (const stream of this.#streams.values()) stream.killed.abort();
    this.#streams.clear();
    this.#world.judge.close();
    this.#world.flows.close();
    if (!this.input.readableEnded && !this.input.destroyed) this.input.push(null);
    // What it said last is read before that.
    setImmediate(() => this.#settle(reason));
  }

  #receive(chunk: Buffer, taken: (error?: Error) => void): void {
    try {
      this.#parser.push(chunk);
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
    taken();
  }

  #send(bytes: Buffer): void {
    if (!this.input.destroyed && !this.input.readableEnded) this.input.push(bytes);
  }

  #take({ type, channel, stream, payload }: Frame): void {
    if (stream !== 0) this.#takeForStream(type, channel, stream, payload);
    else if (type === MESSAGES.ping.id) this.#send(encodeMessage("pong", decodeMessage("ping", payload)));
    else if (type === MESSAGES.policy.id) this.#building = new Tables(decodeMessage("policy", payload));
    else if (type === MESSAGES.start.id) this.#start();
    else if (type === MESSAGES.answer.id) this.#world.judge.answer(decodeMessage("answer", payload));
    else if (type === MESSAGES.content.id) this.#world.judge.content(decodeMessage("content", payload));
    else if (type === MESSAGES.hold.id) this.#world.judge.hold(decodeMessage("hold", payload));
    else if (type !== MESSAGES.config.id && this.#building?.take(type, payload) !== true) {
      // What it does not understand it cannot honour.
      this.#fatal(CODES.stage.protocol, ERRNO.EOPNOTSUPP, `a frame of type ${type}`);
    }
  }

  #takeForStream(type: number, channel: number, number: number, payload: Buffer): void {
    if (number % 2 === 0) {
      this.#world.flows.take(type, number, payload);
      return;
    }
    const tables = this.#tables;
    const isNew = type === MESSAGES.exec.id || type === MESSAGES.file.id;
    if (!isNew || tables === undefined) {
      this.#streams.get(number)?.take(type, channel, payload);
      return;
    }
    const stream = new GuestStream(
      number,
      (bytes) => this.#send(bytes),
      () => this.#streams.delete(number),
    );
    this.#streams.set(number, stream);
    if (type === MESSAGES.exec.id) void runCommand(this.#world, stream, tables, decodeMessage("exec", payload));
    else void runOperation(this.#world, stream, tables, decodeMessage("file", payload));
  }

  /** Puts the policy in force. What it grants must be there, but for folders of the workspace that may be written. */
  #start(): void {
    const tables = this.#building;
    this.#building = undefined;
    const missing = tables?.floor.filter((rule) => !this.#isThere(rule)) ?? [];
    const needed = missing.find(({ flags }) => (flags & FLAGS.rule.optional) === 0);
    if (tables === undefined) this.#fatal(CODES.stage.protocol, ERRNO.EINVAL, "a policy");
    else if (needed !== undefined) {
      this.#fatal(CODES.stage.rule, ERRNO.ENOENT, Buffer.from(needed.path).toString());
    } else {
      this.#tables = tables;
      this.#send(encodeMessage("ready", { rules: tables.floor.length - missing.length, skipped: missing.length }));
    }
  }

  #isThere({ flags, path, access }: MessageValues<"rule">): boolean {
    const inWorkspace = (flags & FLAGS.rule.workspace) !== 0;
    const full = resolvePath(inWorkspace ? WORKSPACE_PATH : "/", Buffer.from(path).toString());
    const isMade = inWorkspace && access === CODES.access.write && (flags & FLAGS.rule.optional) === 0;
    if (isMade && this.#world.tree.at(full) === undefined) this.#world.tree.makeParents(full, true);
    return this.#world.tree.at(full) !== undefined;
  }

  #fatal(stage: number, errno: number, subject: string): void {
    this.#send(encodeMessage("fatal", { stage, errno, subject: Buffer.from(subject) }));
    this.end(subject);
  }
}

const HELLO: MessageValues<"hello"> = {
  protocol: PROTOCOL_VERSION,
  landlockAbi: LANDLOCK_ABI,
  notify: 1,
  uid: AGENT_UID,
  gid: AGENT_UID,
  kernel: Buffer.from("none: simulated"),
  machine: Buffer.from("none"),
};

/** A line of JSON in the agent's own folder, as the real warden writes it. */
function tellAgent(tree: Tree, domain: string, path: string, why: string): void {
  const node = tree.at(DENIALS_PATH);
  const before = node?.kind === "file" ? node.data : Buffer.alloc(0);
  if (node?.kind === "directory" || before.length >= DENIALS_BYTES_MAX) return;
  tree.write(DENIALS_PATH, Buffer.concat([before, Buffer.from(`${JSON.stringify({ denied: domain, path, why })}\n`)]));
}
