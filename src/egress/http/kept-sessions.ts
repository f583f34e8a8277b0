/**
 * The kept HTTP/2 connections to one host.
 *
 * @module
 */
import { type ClientHttp2Session, connect } from "node:http2";
import type { Duplex } from "node:stream";
import { authorityOf, type Origin } from "./host.ts";

/** How long a connection without requests is kept. */
const IDLE_MS = 30_000;

/** How long a host may take to begin, in milliseconds. */
const SETTINGS_MS = 15_000;

/** The most connections to one host: one more where the host takes no more requests on those that there are. */
const SESSIONS_MAX = 8;

/** How much of an answer may wait here: more than of a request, for the host may be far. */
const WINDOW_BYTES = 1_048_576;
const CONNECTION_WINDOW_BYTES = 16 * WINDOW_BYTES;

/** A connection of Bun that was widened takes nothing more once as much has come, which no state of it tells. */
const WIDENS = !("bun" in process.versions);

/** A connection, and how many requests are on it. */
export interface KeptSession {
  readonly session: ClientHttp2Session;
  open: number;
}

/** The connections to one origin. */
export class KeptSessions {
  readonly #kept = new Set<KeptSession>();

  get busy(): boolean {
    return [...this.#kept].some(({ open }) => open > 0);
  }

  /** One that takes another request, which is counted at once; undefined: a new one is to be made. */
  take(): KeptSession | undefined {
    const usable = [...this.#kept].filter(({ session }) => !session.closed && !session.destroyed);
    const free = usable.find(({ session, open }) => open < (session.remoteSettings.maxConcurrentStreams ?? 100));
    // Where there are many, it waits its turn there.
    const taken = free ?? (usable.length < SESSIONS_MAX ? undefined : usable[0]);
    if (taken !== undefined) taken.open++;
    return taken;
  }

  /** Begins one on a connection that agreed to HTTP/2; settles when the host has said how much it takes. */
  async add(origin: Origin, socket: Duplex): Promise<void> {
    const session = connect(`${origin.scheme}://${authorityOf(origin)}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
      maxReservedRemoteStreams: 0,
    });
    session.on("error", () => session.destroy());
    session.once("close", () => socket.destroy());
    if (WIDENS) session.once("connect", () => session.setLocalWindowSize(CONNECTION_WINDOW_BYTES));
    await settled(session);
    const kept: KeptSession = { session, open: 0 };
    const forget = () => void this.#kept.delete(kept);
    this.#kept.add(kept);
    session.on("goaway", forget);
    session.once("close", forget);
    session.setTimeout(IDLE_MS, () => session.close());
  }

  /** No more requests: what is idle is closed now, the rest with its last one. */
  retire(): void {
    for (const { session } of this.#kept) session.close();
    this.#kept.clear();
  }

  /** Closes all. */
  destroy(): void {
    for (const { session } of this.#kept) session.destroy();
    this.#kept.clear();
  }
}

/** Waits for the settings of the host, which are the first that it says. */
function settled(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (code: string) => reject(Object.assign(new Error("no HTTP/2"), { code }));
    const late = setTimeout(() => {
      failed("ETIMEDOUT");
      session.destroy();
    }, SETTINGS_MS);
    session.once("close", () => {
      clearTimeout(late);
      failed("ECONNRESET");
    });
    session.once("remoteSettings", () => {
      clearTimeout(late);
      resolve();
    });
  });
}
