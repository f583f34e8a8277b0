/**
 * The control socket of a sandbox, on the side of everybody else.
 *
 * @module
 */
import { lstatSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { getuid } from "node:process";
import { UsageError } from "../failure.ts";
import { socketPath } from "./directory.ts";
import { JsonLines, type Message } from "./json-lines.ts";

/** How long an owner may take for an answer, in milliseconds. */
const ANSWER_MS = 5000;

/** The owner said no, for a reason. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  /** Of a `SandboxError`. */
  readonly code: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, code: string | undefined, hint: string | undefined) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** Whether its owner may be there. Who is too busy to answer, or cannot be asked, is no dead one. */
export async function isAlive(name: string): Promise<boolean> {
  try {
    (await open(name)).destroy();
    return true;
  } catch (error) {
    return !isGone(error);
  }
}

/** Nobody listens at the socket, or there is none: of no other error is that known. */
function isGone(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return code === "ECONNREFUSED" || code === "ENOENT";
}

/** Begins a call. The rest of it is said over what this returns; {@link resultOf} reads its last line. */
export async function begin(name: string, method: string, params: Message = {}): Promise<JsonLines> {
  const socket = await open(name).catch((error: Error) => {
    if (isGone(error)) throw new UsageError(`There is no sandbox "${name}": see cofferdam ps`);
    throw new Error(`Cannot reach the sandbox "${name}": ${error.message}`, { cause: error });
  });
  const peer = new JsonLines(socket);
  await peer.send({ method, params });
  return peer;
}

/** Calls a method that says one thing. `patienceMs`: how long that may take. */
export async function ask(
  name: string,
  method: string,
  params: Message = {},
  patienceMs: number = ANSWER_MS,
): Promise<Message> {
  const peer = await begin(name, method, params);
  const late = setTimeout(() => peer.destroy(), patienceMs);
  try {
    const answer = await peer.next();
    if (answer === undefined) throw new Error(`The sandbox "${name}" gives no answer`);
    return resultOf(answer);
  } finally {
    clearTimeout(late);
    peer.destroy();
  }
}

/** The result in a call's last line. */
export function resultOf({ result, error }: Message): Message {
  if (isMessage(result)) return result;
  const { message, code, hint } = isMessage(error) ? error : {};
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  throw new ControlError(text(message) ?? "The sandbox's owner said nothing", text(code), text(hint));
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function open(name: string): Promise<Socket> {
  const path = socketPath(name);
  return new Promise((resolve, reject) => {
    // What another user put there is nobody to talk to. Where nothing is, connecting says so.
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && (!stats.isSocket() || stats.uid !== (getuid?.() ?? stats.uid))) {
      throw new Error(`"${path}" is no socket of yours`);
    }
    const socket = connect(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
