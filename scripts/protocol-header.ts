/**
 * The C header of the protocol, as text.
 */
import * as protocol from "../src/link/protocol.ts";

type Fields = Readonly<Record<string, protocol.FieldType>>;

const C_TYPES: Record<protocol.FieldType, string> = {
  u8: "uint8_t",
  u32: "uint32_t",
  u64: "uint64_t",
  bytes: "struct slice",
  list: "struct list",
};

/** The whole header. */
export function protocolHeader(): string {
  return [
    "/* Generated from src/link/protocol.ts by scripts/generate-protocol.ts. Do not edit. */",
    "#pragma once",
    '#include "bytes.h"',
    "",
    ...constants(),
    ...Object.entries(protocol.FLAGS).flatMap(([group, flags]) => enumeration(`${group}_flag`, flags)),
    ...Object.entries(protocol.CODES).flatMap(([group, codes]) => enumeration(group, codes)),
    ...enumeration("channel", protocol.CHANNELS),
    ...enumeration("frame", {
      ...Object.fromEntries(Object.entries(protocol.MESSAGES).map(([name, shape]) => [name, shape.id])),
      ...protocol.RAW_FRAMES,
    }),
    ...Object.entries(protocol.MESSAGES).flatMap(([name, shape]) => message(name, shape)),
    ...Object.entries(protocol.RECORDS).flatMap(([name, fields]) => [
      ...struct(name, fields),
      ...encoder(name, fields),
      ...decoder(name, fields),
    ]),
    "",
  ].join("\n");
}

function constants(): string[] {
  const { PROTOCOL_VERSION, HEADER_BYTES, MAX_PAYLOAD_BYTES, MAX_DATA_BYTES } = protocol;
  const { INITIAL_CREDIT_BYTES, MAX_STREAMS, MAX_LIST_LENGTH, MAX_TREE_PATH_BYTES } = protocol;
  const sizes = { PROTOCOL_VERSION, HEADER_BYTES, MAX_PAYLOAD_BYTES, MAX_DATA_BYTES };
  const bounds = { INITIAL_CREDIT_BYTES, MAX_STREAMS, MAX_LIST_LENGTH, MAX_TREE_PATH_BYTES };
  return [...Object.entries({ ...sizes, ...bounds }).map(([name, value]) => `#define ${name} ${value}u`), ""];
}

function enumeration(group: string, values: Readonly<Record<string, number>>): string[] {
  const prefix = snake(group).toUpperCase();
  const lines = Object.entries(values).map(([name, value]) => `    ${prefix}_${snake(name).toUpperCase()} = ${value},`);
  return ["enum {", ...lines, "};", ""];
}

function message(name: string, shape: protocol.MessageShape): string[] {
  if (Object.keys(shape.fields).length === 0) return [];
  const code = shape.to === "warden" ? decoder(name, shape.fields) : encoder(name, shape.fields);
  return [...struct(name, shape.fields), ...code];
}

function struct(name: string, fields: Fields): string[] {
  const lines = Object.entries(fields).map(([field, type]) => `    ${C_TYPES[type]} ${snake(field)};`);
  return [`struct msg_${snake(name)} {`, ...lines, "};", ""];
}

function decoder(name: string, fields: Fields): string[] {
  const reads = Object.entries(fields).map(([field, type]) => `cursor_${type}(&c, &m->${snake(field)})`);
  return [
    `static inline bool decode_${snake(name)}(struct slice payload, struct msg_${snake(name)} *m) {`,
    "    struct cursor c = {payload.data, payload.size};",
    `    return ${reads.join(" &&\n           ")} &&`,
    "           c.left == 0;",
    "}",
    "",
  ];
}

function encoder(name: string, fields: Fields): string[] {
  const puts = Object.entries(fields).map(([field, type]) => `    buffer_${type}(b, m->${snake(field)});`);
  return [
    `static inline void encode_${snake(name)}(struct buffer *b, const struct msg_${snake(name)} *m) {`,
    ...puts,
    "}",
    "",
  ];
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
