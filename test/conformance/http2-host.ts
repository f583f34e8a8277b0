/**
 * A stand-in that speaks HTTP/2, and HTTP/1.1 to who asks for it; and one that is a gRPC server.
 */
import { once } from "node:events";
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import type { Scene } from "./scene.ts";
import { type StandIn, WORLD } from "./stand-in.ts";

/** What cases need of such a host. */
export type Http2StandIn = Pick<StandIn, "host" | "port" | "url" | "requests">;

/** Serves as a host over HTTP/2. */
export async function http2StandIn(
  scene: Scene,
  host: string,
  listener: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): Promise<Http2StandIn> {
  const requests: string[] = [];
  const http2 = createHttp2Server((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  http2.on("session", (session: ServerHttp2Session) => session.on("error", () => undefined));
  http2.on("sessionError", () => undefined);
  const port = await secured(scene, host, (socket) => http2.emit("connection", socket));
  return { host, port, url: `https://${host}:${port}`, requests };
}

/** TLS with the host's certificate; only HTTP/2 is agreed on. */
async function secured(scene: Scene, host: string, serve: (socket: TLSSocket) => void): Promise<number> {
  const server = createTlsServer({
    SNICallback: (_, done) => done(null, WORLD.contextFor(host)),
    ALPNProtocols: ["h2"],
  });
  const sockets = new Set<TLSSocket>();
  server.on("secureConnection", (socket: TLSSocket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    serve(socket);
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  scene.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const asText = { serialize: (text: string) => Buffer.from(text), deserialize: (bytes: Buffer) => bytes.toString() };
const method = (name: string, streams: boolean) => ({
  path: `/acme.v1.Echo/${name}`,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: asText.serialize,
  requestDeserialize: asText.deserialize,
  responseSerialize: asText.serialize,
  responseDeserialize: asText.deserialize,
});

/** A service whose messages are plain text. */
export const ECHO: ServiceDefinition = {
  Get: method("Get", false),
  Fail: method("Fail", false),
  Delete: method("Delete", false),
  Chat: method("Chat", true),
};

/** Serves it without TLS, by prior knowledge: `host:port` is where it is. */
export async function grpcStandIn(scene: Scene, host: string): Promise<Http2StandIn> {
  const requests: string[] = [];
  const server = new Server();
  const echo = (name: string) => (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => {
    requests.push(name);
    done(null, `${name} ${call.request} ${call.metadata.get("x-asked").join()}`);
  };
  server.addService(ECHO, {
    Get: echo("Get"),
    Delete: echo("Delete"),
    Fail: (_call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => {
      requests.push("Fail");
      done({ code: status.NOT_FOUND, details: "nobody of that name" });
    },
    Chat: (call: ServerDuplexStream<string, string>) => {
      requests.push("Chat");
      call.on("data", (text: string) => call.write(`echo ${text}`));
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  scene.defer(() => server.forceShutdown());
  return { host, port, url: `http://${host}:${port}`, requests };
}
