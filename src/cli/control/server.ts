/**
 * The control socket of a sandbox, on its owner's side. A connection is one call: a line with a method and its parameters, then
 * what the method says of, and at last a line with a result or an error.
 *
 * To add a method, put it into the map that `own.ts` gives to `serveControl`; `ask(name, "method", params)` of `client.ts` calls
 * it from another process. Check the parameters: they come from outside.
 *
 * @module
 */
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { SandboxError } from "../../errors.ts";
import { UsageError } from "../failure.ts";
import { tryClaim } from "./claim.ts";
import { isAlive } from "./client.ts";
import { socketPath } from "./directory.ts";
import { JsonLines, type Message } from "./json-lines.ts";

/** A call. */
export interface ControlCall {
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
  /** What else is said: to the caller, and by the caller. */
  readonly peer: JsonLines;
}

/** What can be called: what it resolves to is the result, what it throws the error. */
export type ControlMethods = Readonly<Record<string, (params: Message, call: ControlCall) => Promise<Message>>>;

const CONNECTIONS_MAX = 64;
/** How long a caller may take to say what it wants, and answers to get out at the end, in milliseconds. */
const PATIENCE_MS = 5000;

/** A socket that listens. */
export interface ControlServer {
  /** Answers who is waiting, and closes. */
  close(): Promise<void>;
}

/**
 * Listens, for who has claimed the name. Who may connect is the kernel's to say: the folder (0700) and the socket (0600) are this user's alone.
 *
 * @throws {UsageError} If a sandbox of that name runs.
 */
export async function serveControl(name: string, methods: ControlMethods): Promise<ControlServer> {
  const path = socketPath(name);
  const calls = new Set<Promise<void>>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const call = answer(socket, methods).finally(() => calls.delete(call));
    calls.add(call);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, path, name);
  chmodSync(path, 0o600);
  const close = async () => {
    server.close();
    await Promise.race([Promise.all(calls), sleep(PATIENCE_MS, undefined, { ref: false })]);
    for (const socket of sockets) socket.destroySoon();
  };
  return { close };
}

async function listen(server: Server, path: string, name: string): Promise<void> {
  for (let turn = 0; ; turn++) {
    try {
      return await new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(path, () => {
          server.off("error", reject);
          resolve();
        });
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || turn > 0) throw error;
      if (!(await removeStale(name))) throw new UsageError(`There is a sandbox "${name}" already`);
    }
  }
}

/** Removes what an owner that is gone has left of a name; false: somebody has it. */
export async function clearName(name: string): Promise<boolean> {
  const claim = tryClaim(name);
  try {
    return claim !== undefined && (await removeStale(name));
  } finally {
    claim?.release();
  }
}

/** Removes the socket of an owner that is gone, for who has claimed the name; false: it may be alive. */
export async function removeStale(name: string): Promise<boolean> {
  const path = socketPath(name);
  const before = inode(path);
  if (await isAlive(name)) return false;
  // Another owner may have come meanwhile.
  if (before !== undefined && inode(path) === before) unlinkSync(path);
  return true;
}

function inode(path: string): number | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isSocket() ? stats.ino : undefined;
}

async function answer(socket: Socket, methods: ControlMethods): Promise<void> {
  const peer = new JsonLines(socket);
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  const late = setTimeout(() => socket.destroy(), PATIENCE_MS);
  try {
    const request = await peer.next();
    clearTimeout(late);
    if (request !== undefined)
      await peer.send({ result: await called(request, methods, { signal: gone.signal, peer }) });
  } catch (error) {
    await peer.send({ error: errorFacts(error) });
  } finally {
    clearTimeout(late);
    peer.end();
  }
}

function called(
  { method, params = {}, ...rest }: Message,
  methods: ControlMethods,
  call: ControlCall,
): Promise<Message> {
  const isObject = typeof params === "object" && params !== null && !Array.isArray(params);
  if (typeof method !== "string" || !isObject || Object.keys(rest).length > 0) throw new Error("that is no call");
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (handler === undefined) throw new Error(`there is no method ${JSON.stringify(method.slice(0, 64))}`);
  return handler(params as Message, call);
}

function errorFacts(error: unknown): Message {
  const message = error instanceof Error ? error.message : String(error);
  return SandboxError.is(error) ? { message, code: error.code, ...(error.hint && { hint: error.hint }) } : { message };
}
