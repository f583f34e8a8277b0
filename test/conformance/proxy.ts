/**
 * A proxy of a company, on loopback: it knows where hosts really are, and nobody else in these cases does.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, TLSSocket } from "node:tls";
import type { createAuthority } from "../../src/egress/tls/certificate-authority.ts";
import type { Scene } from "./scene.ts";

/** A proxy. */
export interface StandInProxy {
  readonly port: number;
  /** What it was asked to connect to, with the login that came along. */
  readonly asked: readonly string[];
}

/** What a proxy does. */
export interface ProxyBehaviour {
  /** The answer, where it is no connection. */
  readonly answer?: string;
  /** Opens TLS with certificates of this authority, and trusts the other one. */
  readonly opens?: { readonly with: ReturnType<typeof createAuthority>; readonly trusting: string };
}

/** Listens. Whatever host is asked for, `upstream` is the port of the loopback that it really is. */
export async function serveProxy(
  scene: Pick<Scene, "defer">,
  upstream: number,
  { answer, opens }: ProxyBehaviour = {},
): Promise<StandInProxy> {
  const asked: string[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer();
  const keep = <S extends Duplex>(socket: S): S => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    return socket;
  };
  server.on("connection", keep);
  server.on("connect", (request, socket: Socket) => {
    asked.push(`${request.url} ${request.headers["proxy-authorization"] ?? "-"}`);
    if (answer !== undefined) return void socket.end(answer);
    const there = keep(connect({ host: "127.0.0.1", port: upstream, allowHalfOpen: true }));
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    if (opens === undefined) return void socket.pipe(there).pipe(socket);
    const inside = new TLSSocket(socket, {
      isServer: true,
      SNICallback: (name, done) => done(null, opens.with.contextFor(name)),
    });
    keep(inside);
    inside.once("secure", () => {
      const servername = (inside as unknown as { servername: string }).servername;
      const outside = keep(connectTls({ socket: there, servername, ca: opens.trusting }));
      inside.pipe(outside).pipe(inside);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  scene.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}
