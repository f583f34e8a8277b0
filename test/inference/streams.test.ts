import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EventRelay } from "../../src/domains/inference/router/dialect.ts";
import { passThrough } from "../../src/domains/inference/router/pass-through.ts";
import { relayEvents } from "../../src/domains/inference/router/relay-events.ts";
import { ChunksToMessage } from "../../src/domains/inference/translate/chat-answer.ts";
import { MessageToChunks } from "../../src/domains/inference/translate/message-answer.ts";
import { ChunksToResponse, MessageToResponse } from "../../src/domains/inference/translate/response-events.ts";
import { ContentBudget } from "../../src/egress/http/content.ts";
import { CHAT_TOOLS, MESSAGE_TOOLS } from "./fixtures.ts";

describe("streams in pieces", () => {
  const relays: [string, string, () => EventRelay][] = [
    ["chunks as they are", CHAT_TOOLS, () => passThrough("chat").events({ stream_options: { include_usage: true } })],
    ["messages as they are", MESSAGE_TOOLS, () => passThrough("messages").events({})],
    ["chunks as messages", CHAT_TOOLS, () => new ChunksToMessage("m")],
    ["messages as chunks", MESSAGE_TOOLS, () => new MessageToChunks("m", true)],
    ["chunks as events of a response", CHAT_TOOLS, () => new ChunksToResponse({}, "m")],
    ["messages as events of a response", MESSAGE_TOOLS, () => new MessageToResponse({}, "m")],
  ];
  const through = async (pieces: readonly Uint8Array[], relay: () => EventRelay) => {
    let failure: unknown = "none";
    const body = relayEvents({
      stream: Readable.from(pieces),
      idleMs: 1000,
      family: "openai",
      events: relay(),
      budget: new ContentBudget(),
      signal: new AbortController().signal,
      onEnd: (failed) => {
        failure = failed;
      },
    });
    const said = await text(body);
    expect(failure).toBeUndefined();
    return said
      .replaceAll(/(?:msg_|chatcmpl-|toolu_|resp_|fc_|call_)[0-9a-f]{32}/g, "id")
      .replaceAll(/"created(?:_at)?":\d+/g, "");
  };

  test.each(relays)("%s: wherever the pieces are cut", async (_, told, relay) => {
    const bytes = Buffer.from(told);
    const whole = await through([bytes], relay);
    expect(whole.length).toBeGreaterThan(500);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(bytes.length), { maxLength: 40 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(await through(pieces, relay)).toBe(whole);
      }),
      { numRuns: 60 },
    );
  });

  test("whatever a provider sends, the client gets an end", async () => {
    const lines = fc.array(
      fc.oneof(
        fc.constantFrom(...CHAT_TOOLS.split("\n\n"), ...MESSAGE_TOOLS.split("\n\n"), "data: [DONE]", "data: {}", ": x"),
        fc.json().map((value) => `data: ${value}`),
        fc.string(),
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(lines, fc.constantFrom(...relays), async (said, [, , relay]) => {
        let ends = 0;
        const body = relayEvents({
          stream: Readable.from([Buffer.from(said.join("\n\n"))]),
          idleMs: 1000,
          family: "anthropic",
          events: relay(),
          budget: new ContentBudget(),
          signal: new AbortController().signal,
          onEnd: () => ends++,
        });
        await text(body);
        expect(ends).toBe(1);
      }),
      { numRuns: 200 },
    );
  });
});
