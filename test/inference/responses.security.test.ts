import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { CHAT_TEXT, events, MESSAGE_TEXT } from "./fixtures.ts";
import { json, type Reply, stream } from "./model-server.ts";
import { eventsOf, plain } from "./responses-support.ts";
import { bench, serve } from "./support.ts";

const CHAT_HALF = CHAT_TEXT.slice(0, CHAT_TEXT.indexOf(", wörld"));
const MESSAGE_HALF = MESSAGE_TEXT.slice(0, MESSAGE_TEXT.indexOf("event: content_block_stop"));

describe("what goes wrong before a client of the Responses API", () => {
  test.each([429, 500])("status %d is the client's own error", async (status) => {
    const { openai } = await plain(
      json({ error: { message: "no", code: "c" } }, status),
      json({ error: { type: "t", message: "no" } }, status),
    );
    for (const model of ["gpt-x", "claude-x"]) {
      const error = await openai.responses.create({ model, input: "hi", stream: true }).catch((e) => e);
      expect(error).toBeInstanceOf(OpenAI.APIError);
      expect(error).toMatchObject({ status, message: expect.stringContaining("no") });
    }
  });

  const spoil: [string, (text: string) => Reply][] = [
    ["ends too early", (text) => stream(text)],
    ["is no JSON", (text) => stream(`${text}\n\ndata: {"a\n\n`)],
    [
      "says an error",
      (text) =>
        stream(
          `${text.slice(0, text.lastIndexOf("\n\n"))}\n\n${events({ type: "error", error: { message: "boom" } })}`,
        ),
    ],
    [
      "breaks off",
      (text) => (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" }).write(text, () => response.destroy());
      },
    ],
    [
      "says nothing any more",
      (text) => (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" }).write(text);
      },
    ],
  ];
  test.each(spoil)("a stream that %s: the answer has failed, with its number", async (_, reply) => {
    const { fetch, records } = await plain(reply(CHAT_HALF), reply(MESSAGE_HALF), 1500);
    const ask = async (model: string) => {
      const body = JSON.stringify({ model, input: "hi", stream: true });
      return eventsOf(await (await fetch("/v1/responses", { method: "POST", body })).text());
    };
    for (const told of await Promise.all([ask("gpt-x"), ask("claude-x")])) {
      expect(told.map(({ sequence_number }) => sequence_number)).toEqual(told.map((_, index) => index));
      expect(told.at(-1)).toMatchObject({
        type: "response.failed",
        response: { status: "failed", error: { code: expect.any(String), message: expect.any(String) } },
      });
    }
    await expect.poll(() => records.map(({ failure }) => failure !== undefined)).toEqual([true, true]);
  });

  test("a provider that speaks the API itself, and stops in the middle", async () => {
    const text = events({ type: "response.created", sequence_number: 4, response: { id: "r" } });
    const gpt = await serve(stream(text));
    const { fetch } = bench({
      routes: [{ models: ["**"], provider: "gpt" }],
      providers: { gpt: { kind: "vllm", baseUrl: `${gpt.url}/v1`, responses: true } },
    });
    const body = JSON.stringify({ model: "m", input: "hi", stream: true });
    const told = eventsOf(await (await fetch("/v1/responses", { method: "POST", body })).text());
    expect(gpt.requests[0]?.path).toBe("/v1/responses");
    expect(told[1]).toEqual({
      type: "error",
      code: "provider_unreachable",
      message: "The provider's answer was cut short",
      param: null,
      sequence_number: 5,
    });
  });
});
