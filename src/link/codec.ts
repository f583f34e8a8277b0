/**
 * Encodes and decodes the messages of {@link MESSAGES}. Decoding is strict: short, long or oversized input throws.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import {
  type FieldType,
  type FieldValue,
  type FieldValues,
  HEADER_BYTES,
  MAX_LIST_LENGTH,
  MAX_PAYLOAD_BYTES,
  MESSAGES,
  type MessageName,
  type MessageValues,
} from "./protocol.ts";

type Fields = Readonly<Record<string, FieldType>>;

/** The error of a peer that does not keep to the protocol. */
export function violation(reason: string): SandboxError<"PROTOCOL_VIOLATION"> {
  return new SandboxError("PROTOCOL_VIOLATION", `Cannot go on with the link: ${reason}`, {
    details: { reason },
    hint: "The sandbox was closed. If nothing in it is hostile, report this with the version of Cofferdam",
  });
}

/** A whole frame with the given payload. */
export function frame(type: number, channel: number, stream: number, payload: Uint8Array): Buffer {
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot send ${payload.length} bytes in one message`, {
      details: { argument: "payload", value: payload.length },
      hint: `Arguments and environment of one command may take ${MAX_PAYLOAD_BYTES} bytes together`,
    });
  }
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt8(type, 4);
  bytes.writeUInt8(channel, 5);
  bytes.writeUInt16LE(0, 6);
  bytes.writeUInt32LE(stream, 8);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** A whole frame that carries the message. */
export function encodeMessage<N extends MessageName>(
  name: N,
  values: MessageValues<N>,
  stream = 0,
  channel = 0,
): Buffer {
  const shape = MESSAGES[name];
  return frame(shape.id, channel, stream, encodeFields(shape.fields, values));
}

/** The payload of the message, decoded. */
export function decodeMessage<N extends MessageName>(name: N, payload: Uint8Array): MessageValues<N> {
  const fields: (typeof MESSAGES)[N]["fields"] = MESSAGES[name].fields;
  return decodeFields(fields, payload);
}

/** The fields in their order, one after the other. */
export function encodeFields<F extends Fields>(fields: F, values: FieldValues<F>): Buffer {
  let size = 0;
  for (const name in fields) size += sizeOf(fields[name] as FieldType, values[name]);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const name in fields) at = write(bytes, at, fields[name] as FieldType, values[name]);
  return bytes;
}

/** The fields of `payload`, which must hold exactly them. */
export function decodeFields<F extends Fields>(fields: F, payload: Uint8Array): FieldValues<F> {
  const reader = new FieldReader(payload);
  const values: Record<string, FieldValue<FieldType>> = {};
  for (const name in fields) values[name] = reader.read(fields[name] as FieldType);
  reader.end();
  return values as FieldValues<F>;
}

function sizeOf(type: FieldType, value: unknown): number {
  if (type === "u8") return 1;
  if (type === "u32") return 4;
  if (type === "u64") return 8;
  if (type === "bytes") return 4 + (value as Uint8Array).length;
  return (value as readonly Uint8Array[]).reduce((sum, item) => sum + 4 + item.length, 4);
}

function write(bytes: Buffer, at: number, type: FieldType, value: unknown): number {
  if (type === "u8") return bytes.writeUInt8(value as number, at);
  if (type === "u32") return bytes.writeUInt32LE(value as number, at);
  if (type === "u64") return bytes.writeBigUInt64LE(BigInt(value as number), at);
  if (type === "bytes") return writeBytes(bytes, at, value as Uint8Array);
  const list = value as readonly Uint8Array[];
  let next = bytes.writeUInt32LE(list.length, at);
  for (const item of list) next = writeBytes(bytes, next, item);
  return next;
}

function writeBytes(bytes: Buffer, at: number, value: Uint8Array): number {
  const next = bytes.writeUInt32LE(value.length, at);
  bytes.set(value, next);
  return next + value.length;
}

class FieldReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(payload: Uint8Array) {
    this.#bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  }

  read(type: FieldType): FieldValue<FieldType> {
    if (type === "u8") return this.#bytes.readUInt8(this.#take(1));
    if (type === "u32") return this.#u32();
    // Sizes and times past 2^53 lose precision, nothing else: a hostile file size is no reason to close the link.
    if (type === "u64") return Number(this.#bytes.readBigUInt64LE(this.#take(8)));
    if (type === "bytes") return this.#slice();
    const count = this.#u32();
    if (count > MAX_LIST_LENGTH) throw violation(`a list claims ${count} elements`);
    return Array.from({ length: count }, () => this.#slice());
  }

  end(): void {
    const rest = this.#bytes.length - this.#at;
    if (rest !== 0) throw violation(`${rest} bytes follow a message's last field`);
  }

  #u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  #slice(): Uint8Array {
    const size = this.#u32();
    const at = this.#take(size);
    return this.#bytes.subarray(at, at + size);
  }

  #take(size: number): number {
    const at = this.#at;
    if (size > this.#bytes.length - at) throw violation("a message ends inside a field");
    this.#at = at + size;
    return at;
  }
}
