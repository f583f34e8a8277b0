/**
 * A host for the bench of HTTPS, as a process of its own: real ones do not share the event loop either. It says where it is
 * and which authority to trust, as JSON, and ends with its input.
 *
 * `/` answers with two bytes, `/events` with one event, anything else with as many bytes as it says.
 */
import { createServer } from "node:http";
import { createSecureServer, type Http2ServerRequest } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { createAuthority } from "../../src/egress/tls/certificate-authority.ts";

const PIECE = Buffer.alloc(65_536, "x");

/** What both versions of HTTP have of a response. */
interface Response {
  setHeader(name: string, value: string): unknown;
  write(chunk: Buffer | string): boolean;
  once(event: "drain", listener: () => void): unknown;
  end(): unknown;
}

function answer(url: string, response: Response): void {
  if (url === "/") {
    response.write("ok");
    response.end();
    return;
  }
  if (url === "/events") {
    response.setHeader("Content-Type", "text/event-stream");
    response.write("data: one\n\n");
    setTimeout(() => response.end(), 20);
    return;
  }
  let left = Number(url.slice(1));
  response.setHeader("Content-Length", String(left));
  const more = (): void => {
    while (left > 0) {
      const piece = PIECE.subarray(0, Math.min(left, PIECE.length));
      left -= piece.length;
      if (!response.write(piece)) return void response.once("drain", more);
    }
    response.end();
  };
  more();
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, () => resolve((server.address() as AddressInfo).port));
  });
}

const authority = createAuthority("the bench");
const secure = createSecureServer(
  { allowHTTP1: true, SNICallback: (name, done) => done(null, authority.contextFor(name)) },
  (request: Http2ServerRequest, response) => answer(request.url, response),
);
const plain = createServer((request, response) => answer(request.url ?? "/", response));
const ports = { https: await listen(secure as Server), http: await listen(plain) };
console.log(JSON.stringify({ ...ports, certificate: authority.certificate }));
process.stdin.resume().on("end", () => process.exit());
