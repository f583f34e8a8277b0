/**
 * What a connection speaks, told by its first bytes; they are put back.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { type ClientHello, HELLO_MAX, readClientHello } from "./tls/client-hello.ts";

/** What a connection speaks. */
export type Sniffed =
  | { readonly kind: "tls"; readonly hello: ClientHello }
  | { readonly kind: "http1" | "http2" | "other" | "silent" };

/** HTTP/2 without TLS, by prior knowledge: RFC 9113 §3.4. */
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** How much is looked at to tell HTTP: the longest method and a space. */
const METHOD_MAX = 33;

/** Waits for the first bytes of a connection, as long as it takes or `timeoutMs`. */
export function sniff(stream: Duplex, timeoutMs: number): Promise<Sniffed> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const finish = (sniffed: Sniffed): void => {
      clearTimeout(timer);
      stream.off("readable", look);
      stream.off("end", giveUp);
      stream.off("close", giveUp);
      stream.off("error", giveUp);
      if (bytes.length > 0 && !stream.readableEnded) stream.unshift(bytes);
      resolve(sniffed);
    };
    const giveUp = (): void => finish({ kind: bytes.length === 0 ? "silent" : "other" });
    const look = (): void => {
      for (let chunk: Buffer | null = stream.read(); chunk !== null; chunk = stream.read()) {
        bytes = Buffer.concat([bytes, chunk]);
        const sniffed = tell(bytes);
        if (sniffed === "more") continue;
        finish(sniffed);
        return;
      }
    };
    const timer = setTimeout(giveUp, timeoutMs);
    stream.on("readable", look);
    stream.once("end", giveUp);
    stream.once("close", giveUp);
    stream.once("error", giveUp);
    look();
  });
}

/** What bytes are the beginning of. */
export function tell(bytes: Buffer): Sniffed | "more" {
  if (bytes[0] === 0x16) {
    const hello = readClientHello(bytes);
    if (hello === "more") return bytes.length < 2 * HELLO_MAX ? "more" : { kind: "other" };
    return hello === "malformed" ? { kind: "other" } : { kind: "tls", hello };
  }
  const text = bytes.subarray(0, Math.max(METHOD_MAX, PREFACE.length)).toString("latin1");
  if (PREFACE.startsWith(text.slice(0, PREFACE.length)))
    return text.length >= PREFACE.length ? { kind: "http2" } : "more";
  if (/^[A-Z][A-Z-]{0,31} /.test(text)) return { kind: "http1" };
  return /^[A-Z-]{0,32}$/.test(text) ? "more" : { kind: "other" };
}
