/**
 * A server of models for the bench of inference, as a process of its own. It says its port, and ends with its input.
 *
 * It answers each call of chat completions with a stream: a first piece at once, and so many more as `max_tokens` says, one
 * every two milliseconds.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const PAUSE_MS = 2;

const piece = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: "bench",
    choices: [{ index: 0, delta, finish_reason: finish }],
  })}\n\n`;

const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request.setEncoding("utf8")) body += part;
  let left = Number((JSON.parse(body) as { readonly max_tokens?: number }).max_tokens ?? 1);
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(piece({ role: "assistant", content: "a few words " }));
  const timer = setInterval(() => {
    if (left-- > 0) return void response.write(piece({ content: "and some more " }));
    clearInterval(timer);
    response.end(`${piece({}, "stop")}data: [DONE]\n\n`);
  }, PAUSE_MS);
  response.on("close", () => clearInterval(timer));
});

server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
});
process.stdin.resume().on("end", () => process.exit());
