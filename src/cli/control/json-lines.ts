/**
 * JSON objects over a socket, one a line: the language between the command line and a sandbox's owner.
 *
 * @module
 */
import { once } from "node:events";
import type { Socket } from "node:net";

/** The longest line, in bytes. */
const LINE_BYTES_MAX = 262_144;

/** One line. What is in it is checked where it is used. */
export type Message = Readonly<Record<string, unknown>>;

/** The two directions of a socket. */
export class JsonLines {
  readonly #socket: Socket;
  readonly #incoming: AsyncGenerator<Message>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#incoming = messages(socket);
    // It is over then, and whoever reads or writes notices.
    socket.on("error", () => undefined);
  }

  /** The next message; undefined: there will be none. Anything but an object in a line is the end. */
  async next(): Promise<Message | undefined> {
    try {
      const { value, done } = await this.#incoming.next();
      return done ? undefined : value;
    } catch {
      this.#socket.destroy();
      return undefined;
    }
  }

  /** Sends; settles when more may be sent. False: nobody reads any more. */
  async send(message: Message): Promise<boolean> {
    if (this.#socket.destroyed || !this.#socket.writable) return false;
    if (this.#socket.write(`${JSON.stringify(message)}\n`)) return true;
    await Promise.race([once(this.#socket, "drain"), once(this.#socket, "close")]).catch(() => undefined);
    return !this.#socket.destroyed;
  }

  /** What was sent and has not left yet, in bytes. */
  get waiting(): number {
    return this.#socket.writableLength;
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

async function* messages(socket: Socket): AsyncGenerator<Message> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      yield messageOf(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > LINE_BYTES_MAX) throw new Error("a line is too long");
  }
}

function messageOf(line: Buffer): Message {
  if (line.length > LINE_BYTES_MAX) throw new Error("a line is too long");
  const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line));
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("a line is no object");
  return value as Message;
}
