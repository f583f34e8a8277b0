/**
 * An engine between a client and a real server on loopback: connections are pairs of streams in memory, as flows are.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from "node:http";
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server as TcpServer,
} from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { HttpEngine } from "../../src/egress/engine.ts";
import type { HttpConnection, HttpDecision, HttpQuestion, HttpRefusal } from "../../src/egress/http/connection.ts";
import type { Denial } from "../../src/egress/http/denial.ts";
import { createAuthority } from "../../src/egress/tls/certificate-authority.ts";
import { upstreamTrust } from "../../src/egress/tls/upstream-tls.ts";

/** One end of a connection in memory, back-pressured. As on any network, nothing arrives before its sender has gone on. */
class End extends Duplex {
  peer: End | undefined;
  #waiting: (() => void) | undefined;

  constructor() {
    // As much is under way on a flow.
    super({ allowHalfOpen: true, highWaterMark: 262_144 });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const { peer } = this;
    process.nextTick(() => {
      if (peer === undefined || peer.destroyed || peer.push(chunk)) done();
      else peer.#waiting = done;
    });
  }

  override _read(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  override _final(done: () => void): void {
    this.peer?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { peer } = this;
    if (peer !== undefined && !peer.destroyed) {
      // As a reset does: what was not read is lost.
      queueMicrotask(() =>
        peer.destroy(peer.readableEnded ? undefined : Object.assign(new Error("reset"), { code: "ECONNRESET" })),
      );
    }
    done(error);
  }
}

/** Both ends of a connection. */
export function pair(): [Duplex, Duplex] {
  const [a, b] = [new End(), new End()];
  a.peer = b;
  b.peer = a;
  return [a, b];
}

/** The authority of the servers that stand in for real ones. */
export const WORLD: ReturnType<typeof createAuthority> = createAuthority("the world");
/** The authority of the sandbox. */
export const SANDBOX: ReturnType<typeof createAuthority> = createAuthority("test");

const TRUST = upstreamTrust([WORLD.certificate]);

/** Something that is closed when a test is over. */
export class Scene implements AsyncDisposable {
  readonly questions: HttpQuestion[] = [];
  readonly refusals: HttpRefusal[] = [];
  readonly engine: HttpEngine = new HttpEngine({
    authority: SANDBOX,
    trust: TRUST,
    firstByteMs: 200,
  });
  decide: (question: HttpQuestion) => HttpDecision | Promise<HttpDecision> = () => ({ allowed: true, reason: "test" });
  /** What of requests is read, and who judges and sees what follows them. */
  looks: Pick<HttpConnection, "needs" | "messages" | "answers" | "unjudged" | "through"> = {};
  dials = 0;
  readonly #servers: (Server | TcpServer)[] = [];
  readonly #ends: Duplex[] = [];

  /** A server that speaks HTTP, and TLS as `name` where one is given. */
  async server(listener: RequestListener, name?: string): Promise<number> {
    const http = createServer(listener);
    if (name === undefined) return this.listen(http);
    const tls = createTlsServer({ SNICallback: (_, done) => done(null, WORLD.contextFor(name)) });
    tls.on("secureConnection", (socket) => http.emit("connection", socket));
    return this.listen(tls);
  }

  /** A server that does what it wants with a connection. */
  rawServer(serve: (socket: Duplex) => void): Promise<number> {
    return this.listen(createTcpServer(serve));
  }

  /** A connection of the sandbox to `host`, which really is the server on `upstream`. */
  connect(host: string, port: number, upstream: number, refusal?: Denial): Duplex {
    const [inside, outside] = pair();
    this.#ends.push(inside, outside);
    inside.on("error", () => undefined);
    const connection: HttpConnection = {
      host,
      port,
      subject: { pid: 7, binary: "/usr/bin/curl", ancestors: [] },
      decide: async (question) => {
        this.questions.push(question);
        return this.decide(question);
      },
      refused: (refused) => this.refusals.push(refused),
      route: "",
      ...this.looks,
      dial: async () => {
        this.dials++;
        const socket = connectTcp({ host: "127.0.0.1", port: upstream, noDelay: true });
        socket.on("error", () => undefined);
        await once(socket, "connect");
        return socket;
      },
    };
    void this.engine.serve(outside, connection, refusal);
    return inside;
  }

  /** The same with TLS, as a client does that trusts the sandbox's authority. */
  async connectTls(
    host: string,
    upstream: number,
    servername: string = host,
    protocols: readonly string[] = ["http/1.1"],
    refusal?: Denial,
  ): Promise<TLSSocket> {
    const stream = this.connect(host, 443, upstream, refusal);
    const secure = connectTls({ socket: stream, servername, ca: SANDBOX.certificate, ALPNProtocols: [...protocols] });
    await once(secure, "secureConnect");
    secure.on("error", () => undefined);
    return secure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.engine.close();
    for (const end of this.#ends) end.destroy();
    for (const server of this.#servers) {
      if ("closeAllConnections" in server) server.closeAllConnections();
      server.close();
    }
  }

  /** Listens with a server of whatever kind; it ends with the scene. */
  async listen(server: Server | TcpServer): Promise<number> {
    this.#servers.push(server);
    server.on("connection", (socket: Duplex) => {
      socket.on("error", () => undefined);
      this.#ends.push(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }
}

/** A response, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly trailers: IncomingMessage["trailers"];
  readonly body: string;
}

/** Sends a request over a connection and reads the answer. Rejects where it is cut short. */
export async function fetchOver(
  stream: Duplex,
  options: { method?: string; path?: string; headers?: Record<string, string | string[]>; body?: string | Buffer },
): Promise<Answer> {
  const { method = "GET", path = "/", headers = {}, body } = options;
  const sent = request({ method, path, headers, setHost: false, createConnection: () => stream as never });
  // What comes after the head shows on the body.
  sent.on("error", () => undefined);
  sent.end(body);
  const [incoming] = (await once(sent, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { statusCode = 0, headers: answered, trailers } = incoming;
  return { status: statusCode, headers: answered, trailers, body: Buffer.concat(chunks).toString() };
}

/** Sends bytes as they are, and reads until the connection ends or `until` is there. */
export async function exchangeRaw(stream: Duplex, bytes: string | Buffer, until?: string): Promise<string> {
  let text = "";
  stream.write(bytes);
  await new Promise<void>((resolve) => {
    const look = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      if (until !== undefined && text.includes(until)) resolve();
    };
    stream.on("data", look);
    stream.once("end", resolve);
    stream.once("close", resolve);
  });
  return text;
}
