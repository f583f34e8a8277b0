/**
 * A connection to a host through a proxy.
 *
 * Source: RFC 9110 §9.3.6 (CONNECT), RFC 7617 (Basic).
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { type DialOptions, dial } from "../dial.ts";
import { connectTls, type UpstreamTrust } from "../tls/upstream-tls.ts";
import type { UpstreamProxy } from "./settings.ts";

/** The most that a proxy may say before the connection begins, in bytes. */
const HEAD_MAX = 16_384;

/**
 * Asks a proxy for a connection to a name or address.
 *
 * @throws {Error} With a `code`: `EHOSTUNREACH` if the proxy does not get there, `EPROXY_LOGIN`, `EPROXY_REFUSED` or
 * `EPROXY_FAILED` if it does not try; `ABORT_ERR` if nobody waits any more. Messages name no proxy.
 */
export async function openTunnel(
  proxy: UpstreamProxy,
  { host, port }: { readonly host: string; readonly port: number },
  trust: UpstreamTrust,
  options: DialOptions,
): Promise<Duplex> {
  const stream = await reachProxy(proxy, trust, options);
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const login = proxy.authorization === undefined ? "" : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  stream.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`);
  const status = await answerOf(stream, options);
  if (status >= 200 && status < 300) return stream;
  stream.destroy();
  throw failed(status === 407 ? "EPROXY_LOGIN" : status >= 500 ? "EHOSTUNREACH" : "EPROXY_REFUSED");
}

/** An error of its own: whether the host answers is another question. */
async function reachProxy(
  { secure, host, port }: UpstreamProxy,
  trust: UpstreamTrust,
  options: DialOptions,
): Promise<Duplex> {
  try {
    const socket = await dial([host], port, options);
    return secure ? await connectTls(socket, host, ["http/1.1"], trust) : socket;
  } catch (error) {
    if (options.signal.aborted) throw error;
    throw failed("EPROXY_FAILED");
  }
}

/** Reads the head of the answer, and puts back what comes after it: some servers speak first. */
function answerOf(stream: Duplex, { timeoutMs, signal }: DialOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const stop = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      stream.off("readable", look);
      for (const event of ["end", "error", "close"]) stream.off(event, fail);
      // Whoever takes the stream over listens by itself; until then it may break.
      stream.on("error", () => undefined);
    };
    const giveUp = (error: Error): void => {
      stop();
      stream.destroy();
      reject(error);
    };
    const fail = (): void => giveUp(failed("EPROXY_FAILED"));
    const abort = (): void => giveUp(failed("ABORT_ERR"));
    const look = (): void => {
      for (let chunk: Buffer | null = stream.read(); chunk !== null; chunk = stream.read()) {
        bytes = Buffer.concat([bytes, chunk]);
        const end = bytes.indexOf("\r\n\r\n");
        if (end < 0 && bytes.length <= HEAD_MAX) continue;
        const status = end < 0 || end > HEAD_MAX ? undefined : statusOf(bytes.subarray(0, end));
        if (status === undefined) {
          fail();
          return;
        }
        stop();
        if (bytes.length > end + 4) stream.unshift(bytes.subarray(end + 4));
        resolve(status);
        return;
      }
    };
    const timer = setTimeout(fail, timeoutMs);
    signal.addEventListener("abort", abort, { once: true });
    stream.on("readable", look);
    for (const event of ["end", "error", "close"]) stream.once(event, fail);
    if (signal.aborted) abort();
    else look();
  });
}

function statusOf(head: Buffer): number | undefined {
  const [, digits] = /^HTTP\/1\.[01] ([2-5]\d\d)(?: [^\r\n]*)?(?:\r\n|$)/.exec(head.toString("latin1")) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function failed(code: string): Error {
  return Object.assign(new Error(`Cannot connect through the proxy: ${code}`), { code });
}
