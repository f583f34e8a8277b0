/**
 * The kept connections to one host.
 *
 * HTTP/1.1 goes through `node:http` and not undici: Bun puts a client of its own in undici's place, which takes no connection
 * that somebody else made, and the address that was checked must be the one that is dialed.
 *
 * @module
 */
import { Agent, type RequestOptions } from "node:http";
import type { Duplex } from "node:stream";

/** How a host is reached. */
export type Dial = () => Promise<Duplex>;

/** A request that brings its way to the host along. */
export interface OriginRequestOptions extends RequestOptions {
  readonly dial: Dial;
}

/** Idle connections to one host, and how long they are kept. */
const IDLE_MAX = 8;
const IDLE_MS = 30_000;

type Done = (error: Error | null, socket: Duplex) => void;

/** Keeps the connections to one origin. */
export class OriginAgent extends Agent {
  #retired = false;

  constructor() {
    super({ keepAlive: true, maxFreeSockets: IDLE_MAX, timeout: IDLE_MS, scheduling: "lifo" });
  }

  get busy(): boolean {
    return Object.keys(this.sockets).length > 0;
  }

  /** Keeps no connection from now on. */
  retire(): void {
    this.#retired = true;
    for (const sockets of Object.values(this.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  /** Of `node:http`: makes the connection of a request. */
  override createConnection(options: RequestOptions, done: Done): undefined {
    const { dial } = options as OriginRequestOptions;
    dial().then(
      (socket) => done(null, socket),
      // There is no socket then, whatever the types say.
      (error: unknown) => (done as (error: Error) => void)(error instanceof Error ? error : new Error(String(error))),
    );
  }

  /** Of `node:http`: whether a connection may be kept. */
  override keepSocketAlive(socket: Duplex): boolean {
    return !this.#retired && (super.keepSocketAlive(socket) as unknown) !== false;
  }
}
