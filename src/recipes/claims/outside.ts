/**
 * The world outside, as claims find it: a proxy that leads to a stand-in for whatever host is asked for, with a certificate of its
 * name. Nothing leaves this machine.
 *
 * @module
 */
import { once } from "node:events";
import { createServer as createHttpServer, type Server } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { TLSSocket } from "node:tls";
import type { Resolver } from "../../egress/mod.ts";
import { createAuthority } from "../../egress/tls/certificate-authority.ts";
import { compileGlob } from "../../policy/glob.ts";
import type { Policy } from "../../policy/types.ts";

/** What every answer of a stand-in has. */
export const STAND_IN_HEADER = "x-cofferdam-stand-in";

/** What a stand-in says where nothing else is spoken. */
export const STAND_IN_WORD = "cofferdam stand-in\n";

/** The outside. */
export interface Outside extends AsyncDisposable {
  /** Of the proxy. */
  readonly proxy: string;
  /** Of the authority that hosts are certified by. One list for all sandboxes: see `upstreamTrust`. */
  readonly certificates: readonly string[];
  /** Of a server of models, for both families of APIs: without `/v1`. */
  readonly models: string;
}

const HEAD_MAX = 16_384;

/** Opens it, on ports of loopback. */
export async function openOutside(): Promise<Outside> {
  const authority = createAuthority("claims");
  const sockets = new Set<Socket>();
  const pages = createHttpServer(async (request, response) => {
    request.on("error", () => undefined);
    const body = await text(request).catch(() => "");
    response
      .writeHead(200, { "content-type": "application/json", [STAND_IN_HEADER]: "1" })
      .end(answerTo(request.url, body));
  });
  const serve = (socket: Socket, first: Buffer): void => {
    socket.unshift(first);
    if (first[0] === TLS_HANDSHAKE) {
      const secure = new TLSSocket(socket, {
        isServer: true,
        ALPNProtocols: ["http/1.1"],
        SNICallback: (name, done) => done(null, authority.contextFor(name)),
      });
      secure.on("error", () => undefined);
      pages.emit("connection", secure);
    } else if (/^[A-Z]{3,8} /.test(first.toString("latin1"))) resumed(pages, socket);
    else socket.end(STAND_IN_WORD);
  };
  const proxy = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket)).on("error", () => undefined);
    void tunnel(socket).then(
      (first) => (first === undefined ? socket.destroy() : serve(socket, first)),
      () => socket.destroy(),
    );
  });
  proxy.listen(0, "127.0.0.1");
  pages.listen(0, "127.0.0.1");
  await Promise.all([once(proxy, "listening"), once(pages, "listening")]);
  const at = (server: { address(): unknown }) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    proxy: at(proxy),
    certificates: Object.freeze([authority.certificate]),
    models: at(pages),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      pages.closeAllConnections();
      await Promise.all([proxy, pages].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** What whoever asks can read: an answer of a model, or of JSON-RPC, which is judged on its way back. */
function answerTo(url: string | undefined, body: string): string {
  const [, id] = /"jsonrpc"\s*:\s*"2\.0".*?"id"\s*:\s*(\d+)/.exec(body) ?? [];
  if (id !== undefined) return JSON.stringify({ jsonrpc: "2.0", id: Number(id), result: {} });
  return JSON.stringify(url?.includes("/v1/messages") ? MESSAGE : CHAT);
}

/** What was read already comes first. */
function resumed(pages: Server, socket: Socket): void {
  pages.emit("connection", socket);
  process.nextTick(() => socket.resume());
}

const TLS_HANDSHAKE = 0x16;

/** Answers a CONNECT, and gives what comes first on the connection. */
async function tunnel(socket: Socket): Promise<Buffer | undefined> {
  let head = Buffer.alloc(0);
  while (!head.includes("\r\n\r\n")) {
    const [piece] = (await once(socket, "data")) as [Buffer];
    head = Buffer.concat([head, piece]);
    if (head.length > HEAD_MAX) return undefined;
  }
  if (!head.toString("latin1").startsWith("CONNECT ")) return undefined;
  const first = once(socket, "data") as Promise<[Buffer]>;
  socket.write("HTTP/1.1 200 OK\r\n\r\n");
  const [bytes] = await first;
  socket.pause();
  return bytes;
}

/** Every name is somewhere: at an address that the policy lists for it, or at a public one, which only the proxy is asked for. */
export function resolverOf({ network = {} }: Policy): Resolver {
  const rules = [...(network.allow ?? []), ...(network.ask ?? [])].filter(({ addresses }) => addresses !== undefined);
  return (host) => {
    const rule = rules.find((each) => !each.host.includes("/") && compileGlob(each.host, ".")(host));
    return [rule?.addresses?.[0]?.replace(/\/.*/, "").replace(/\.0$/, ".1") ?? SOMEWHERE];
  };
}

const SOMEWHERE = "1.0.0.1";

const USAGE = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const CHAT = {
  ...{ id: "1", object: "chat.completion", created: 1, model: "stand-in", usage: USAGE },
  choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
};
const MESSAGE = {
  ...{ id: "1", type: "message", role: "assistant", model: "stand-in", stop_reason: "end_turn", stop_sequence: null },
  content: [{ type: "text", text: "ok" }],
  usage: { input_tokens: 1, output_tokens: 1 },
};
