import { expect, test } from "vitest";
import { readClientHello } from "../../src/egress/tls/client-hello.ts";

/** A ClientHello that asks for nobody, in records of so many bytes. */
function hello(recordBytes: number): Buffer {
  const body = Buffer.concat([Buffer.from([3, 3]), Buffer.alloc(32), Buffer.from([0, 0, 2, 0x13, 1, 1, 0, 0, 0])]);
  const message = Buffer.concat([Buffer.from([1, 0, 0, body.length]), body]);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    const piece = message.subarray(at, at + recordBytes);
    records.push(Buffer.from([0x16, 3, 1, 0, piece.length]), piece);
  }
  return Buffer.concat(records);
}

test("readClientHello() puts a message together from the records that clients cut it into", () => {
  for (const bytes of [47, 20, 5]) expect(readClientHello(hello(bytes))).toEqual({ protocols: [] });
});

test("readClientHello() takes no message of very many records, which cost more with each byte", () => {
  expect(readClientHello(hello(1))).toBe("malformed");
});
