/**
 * The first message of a TLS connection, read without answering it: who it asks for, and what it wants to speak.
 *
 * Source: RFC 8446 §4.1.2, RFC 6066 §3 (server name), RFC 7301 (ALPN).
 *
 * @module
 */

/** What a ClientHello says. */
export interface ClientHello {
  /** Lower case. Absent: it names nobody. */
  readonly serverName?: string;
  readonly protocols: readonly string[];
}

/** The longest ClientHello that is read, in bytes. Browsers with post-quantum keys send about 2 KiB. */
export const HELLO_MAX = 16_384;

/**
 * Reads it off the first bytes of a connection.
 *
 * @returns "more" where the bytes end too soon, and "malformed" where they are none.
 */
export function readClientHello(bytes: Buffer): ClientHello | "more" | "malformed" {
  const message = handshakeMessage(bytes);
  if (!Buffer.isBuffer(message)) return message;
  try {
    return readMessage(new Cursor(message));
  } catch (error) {
    if (error instanceof RangeError) return "malformed";
    throw error;
  }
}

/** The most records that a ClientHello is cut into: all of them are read again with every byte that comes. */
const RECORDS_MAX = 16;

/** Puts the records together that a handshake message is cut into. */
function handshakeMessage(bytes: Buffer): Buffer | "more" | "malformed" {
  const pieces: Buffer[] = [];
  let have = 0;
  for (let at = 0; ; ) {
    if (bytes.length < at + 5) return at > 0 || bytes.length < 1 || bytes[0] === 0x16 ? "more" : "malformed";
    const length = bytes.readUInt16BE(at + 3);
    if (bytes[at] !== 0x16 || bytes[at + 1] !== 3 || length === 0 || length > HELLO_MAX) return "malformed";
    const piece = bytes.subarray(at + 5, at + 5 + length);
    pieces.push(piece);
    have += piece.length;
    if (have >= 4) {
      const message = Buffer.concat(pieces);
      const wanted = 4 + message.readUIntBE(1, 3);
      if (message[0] !== 1 || wanted > HELLO_MAX) return "malformed";
      if (have >= wanted) return message.subarray(4, wanted);
    }
    if (pieces.length === RECORDS_MAX) return "malformed";
    if (piece.length < length) return "more";
    at += 5 + length;
  }
}

function readMessage(hello: Cursor): ClientHello {
  hello.skip(2 + 32);
  hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  let serverName: string | undefined;
  let protocols: readonly string[] = [];
  const extensions = hello.done ? new Cursor(Buffer.alloc(0)) : new Cursor(hello.vector(2));
  while (!extensions.done) {
    const type = extensions.number(2);
    const data = new Cursor(extensions.vector(2));
    if (type === 0) serverName = readServerName(new Cursor(data.vector(2)), serverName);
    if (type === 16) protocols = readProtocols(new Cursor(data.vector(2)));
  }
  return { ...(serverName === undefined ? {} : { serverName }), protocols };
}

/** A second name, of whatever kind, is somebody's trick. */
function readServerName(list: Cursor, before: string | undefined): string {
  if (before !== undefined || list.number(1) !== 0) throw new RangeError("odd server names");
  const name = list.vector(2).toString("latin1");
  if (!list.done || !/^[\x21-\x7e]{1,255}$/.test(name)) throw new RangeError("odd server names");
  return name.toLowerCase();
}

function readProtocols(list: Cursor): string[] {
  const protocols: string[] = [];
  while (!list.done) protocols.push(list.vector(1).toString("latin1"));
  return protocols;
}

/** Reads on, and throws a RangeError past the end. */
class Cursor {
  #rest: Buffer;

  constructor(bytes: Buffer) {
    this.#rest = bytes;
  }

  get done(): boolean {
    return this.#rest.length === 0;
  }

  skip(length: number): void {
    this.#take(length);
  }

  number(size: 1 | 2): number {
    return this.#take(size).readUIntBE(0, size);
  }

  /** Bytes that their length stands before. */
  vector(size: 1 | 2): Buffer {
    return this.#take(this.number(size));
  }

  #take(length: number): Buffer {
    if (length > this.#rest.length) throw new RangeError("past the end");
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }
}
