/**
 * The world behind a proxy: hosts with their real names on their real ports, all of them this process.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { NetworkRule, SandboxOptions } from "../../src/mod.ts";
import { serveProxy } from "../conformance/proxy.ts";
import { WORLD } from "../conformance/stand-in.ts";
import type { ModelRequest, Reply } from "../inference/model-server.ts";
import { defer } from "./support.ts";

/** Of the ranges that are for documentation (RFC 5737): nobody is there. */
const SOMEWHERE = "203.0.113.9";

/** What a sandbox needs to be in that world. */
export interface World {
  readonly options: SandboxOptions;
  /** Everything that was asked of a host, as `METHOD https://host/path`. */
  readonly asked: readonly string[];
  /** What was posted where there is something. */
  readonly requests: readonly ModelRequest[];
}

/** Answers by `METHOD host/path`; everything else is 404, and no WebSocket is opened. */
export async function world(pages: Readonly<Record<string, Reply>>): Promise<World> {
  const asked: string[] = [];
  const requests: ModelRequest[] = [];
  const http = createServer(async (incoming, response) => {
    const { method = "", url = "", headers } = incoming;
    const text = await textOf(incoming);
    const place = `${headers.host}${url.replace(/\?.*/s, "")}`;
    asked.push(`${method} https://${place}`);
    const page = headers.upgrade === undefined ? pages[`${method} ${place}`] : undefined;
    if (page === undefined) return void response.writeHead(headers.upgrade === undefined ? 404 : 426).end();
    const request = { method, path: `https://${place}`, headers, body: text === "" ? undefined : JSON.parse(text) };
    if (method === "POST") requests.push(request);
    await page(request, response);
  });
  const sockets = new Set<TLSSocket>();
  const server = createTlsServer({
    SNICallback: (name, done) => done(null, WORLD.contextFor(name)),
    ALPNProtocols: ["http/1.1"],
  });
  server.on("secureConnection", (socket: TLSSocket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    http.emit("connection", socket);
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const proxy = await serveProxy({ defer }, (server.address() as AddressInfo).port);
  const options = {
    proxy: `http://127.0.0.1:${proxy.port}`,
    resolver: () => [SOMEWHERE],
    certificates: [WORLD.certificate],
  };
  return { options, asked, requests };
}

/** A rule for a host of that world. */
export function hostRule(host: string): NetworkRule {
  return { host, addresses: [SOMEWHERE], http: { access: "full" } };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of incoming.setEncoding("utf8")) text += piece;
  return text;
}
