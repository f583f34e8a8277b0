/**
 * The types of reaching servers in a sandbox.
 *
 * @module
 */

/** The options of `forward`. Times are milliseconds. */
export interface ForwardOptions {
  /**
   * The address of the host to listen on. `127.0.0.1` and `::1` are reached from this machine only, by every program and
   * user of it; any other is reached by whoever reaches the address.
   *
   * @default "127.0.0.1"
   */
  readonly host?: string;
  /** The port of the host; 0 takes a free one. @default 0 */
  readonly hostPort?: number;
  /** How long each connection waits for a server in the sandbox that does not listen yet. @default 0 */
  readonly waitMs?: number;
}

/** A port of the host that leads into a sandbox. It closes with its scope, or with the sandbox. */
export interface PortForward extends AsyncDisposable {
  /** Of the host. */
  readonly port: number;
  /** For instance `http://127.0.0.1:40123`. */
  readonly url: string;
  /** Settles when it is closed, however. */
  readonly closed: Promise<void>;
  /** Stops listening, and ends what is connected. Idempotent. */
  close(): Promise<void>;
}

/** The options of `fetch`: those of the Fetch standard that make sense here, and a few more. */
export interface PortFetchOptions
  extends Omit<RequestInit, "cache" | "credentials" | "integrity" | "mode" | "referrer"> {
  /** How long to wait for a server that does not listen yet, in milliseconds. @default 0 */
  readonly waitMs?: number;
  /** The most that the headers of a response may take, in bytes, from 1 to 1048576. @default 65536 */
  readonly maxHeaderBytes?: number;
}
