/**
 * HTTP/2 at both ends of an engine: real servers on loopback, and sessions of a program.
 */
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type Settings,
} from "node:http2";
import { createServer as createTlsServer } from "node:tls";
import type { Denial } from "../../src/egress/http/denial.ts";
import { type Scene, WORLD } from "./support.ts";

/** What a host does with a stream. */
export type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** A host that speaks HTTP/2: over TLS as `name`, or by prior knowledge. */
export async function http2Host(
  scene: Scene,
  serve: Serve,
  name?: string,
  settings: Settings = {},
): Promise<{ port: number; http2: Http2Server }> {
  const http2 = createServer({ settings });
  http2.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    serve(stream, headers);
  });
  http2.on("session", (session) => session.on("error", () => undefined));
  http2.on("sessionError", () => undefined);
  if (name === undefined) return { port: await scene.listen(http2 as never), http2 };
  const tls = createTlsServer({ SNICallback: (_, done) => done(null, WORLD.contextFor(name)), ALPNProtocols: ["h2"] });
  tls.on("tlsClientError", () => undefined);
  tls.on("secureConnection", (socket) => http2.emit("connection", socket));
  return { port: await scene.listen(tls), http2 };
}

/** A program's session with `host`, over TLS. */
export async function http2Session(
  scene: Scene,
  host: string,
  upstream: number,
  refusal?: Denial,
): Promise<ClientHttp2Session> {
  const socket = await scene.connectTls(host, upstream, host, ["h2"], refusal);
  return sessionOn(`https://${host}`, socket);
}

/** A session on a connection that is there. */
export function sessionOn(url: string, socket: unknown): ClientHttp2Session {
  const session = connect(url, { createConnection: () => socket as never });
  session.on("error", () => undefined);
  return session;
}

/** An answer, read to its end. */
export interface Http2Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** How the stream ended. */
  readonly rstCode: number;
}

/** Sends a request, and reads the answer however it ends. */
export async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<Http2Answer> {
  const stream = session.request({ ":path": "/", ...headers }, { endStream: body === undefined });
  stream.on("error", () => undefined);
  if (body !== undefined) stream.end(body);
  let answered: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on("response", (given) => {
    answered = given;
  });
  stream.on("trailers", (given) => {
    trailers = given;
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve) => stream.once("close", resolve));
  const { rstCode = 0 } = stream;
  return {
    status: Number(answered[":status"] ?? 0),
    headers: answered,
    trailers,
    body: Buffer.concat(chunks),
    rstCode,
  };
}

/** The bytes of a frame: RFC 9113 §4.1. */
export function frameOf(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** What a client says first: the preface and its settings. */
export const PREFACE: Buffer = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frameOf(4, 0, 0)]);
