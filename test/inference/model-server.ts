/**
 * A server on loopback in the place of a provider: it answers as a test says, and remembers what it was asked.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What reached it. */
export interface ModelRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  // biome-ignore lint/suspicious/noExplicitAny: whatever a client says
  readonly body: any;
}

export type Reply = (request: ModelRequest, response: ServerResponse) => unknown;

export interface ModelServer {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ModelRequest[];
  /** What it answers from now on. */
  reply: Reply;
  close(): Promise<void>;
}

export async function modelServer(reply: Reply): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  const server = createServer(async (incoming, response) => {
    let text = "";
    incoming.on("error", () => undefined);
    for await (const piece of incoming.setEncoding("utf8")) text += piece;
    const { method = "", url = "", headers } = incoming;
    const request = { method, path: url, headers, body: text === "" ? undefined : JSON.parse(text) };
    requests.push(request);
    await made.reply(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const made: ModelServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    reply,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return made;
}

/** Answers with JSON. */
export const json =
  (body: object, status = 200, headers: Readonly<Record<string, string>> = {}): Reply =>
  (_, response) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));

/** Answers with events. */
export const stream =
  (text: string): Reply =>
  (_, response) =>
    response.writeHead(200, { "content-type": "text/event-stream" }).end(text);

/** Answers as was asked: in pieces or as a whole. */
export const either =
  (whole: object, pieces: string): Reply =>
  (request, response) =>
    (request.body?.stream === true ? stream(pieces) : json(whole))(request, response);
