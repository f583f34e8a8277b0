import { describe, expect, test } from "vitest";
import { CHAT_TEXT, MESSAGE_TEXT } from "./fixtures.ts";
import { json, stream } from "./model-server.ts";
import { CHAT, crossed, MESSAGE } from "./support.ts";

describe("errors through translation", () => {
  test.each([429, 500])("status %d is told in the client's own words", async (status) => {
    const theirs = json({ type: "error", error: { type: "overloaded_error", message: "too much" } }, status);
    const { openai, anthropic } = await crossed(
      json({ error: { message: "too much", type: "server" } }, status),
      theirs,
    );
    const chat = await openai.chat.completions.create(CHAT).catch((e) => e);
    expect(chat).toMatchObject({ status, message: expect.stringContaining("claude: too much") });
    expect(["requests", "server_error"]).toContain(chat.type);
    const message = await anthropic.messages.create(MESSAGE).catch((e) => e);
    expect(message.error).toMatchObject({ type: "error", error: { message: "gpt: too much" } });
    expect(["rate_limit_error", "api_error"]).toContain(message.error.error.type);
  });

  test("an error in the middle of a stream, and a stream that is cut short", async () => {
    const overloaded =
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"too much"}}\n\n';
    const half = MESSAGE_TEXT.slice(0, MESSAGE_TEXT.indexOf("event: content_block_stop"));
    const { openai, anthropic, gpt, claude } = await crossed(
      stream(`${CHAT_TEXT.split("\n\n").slice(0, 2).join("\n\n")}\n\ndata: {"error":{"message":"too much"}}\n\n`),
      stream(half + overloaded),
    );
    const chat = () =>
      openai.chat.completions
        .stream(CHAT)
        .finalChatCompletion()
        .catch((e) => e.message);
    const message = () =>
      anthropic.messages
        .stream(MESSAGE)
        .finalMessage()
        .catch((e) => e.message);
    expect(await chat()).toContain("too much");
    expect(await message()).toContain("too much");
    claude.reply = stream(half);
    gpt.reply = stream(CHAT_TEXT.split("\n\n").slice(0, 2).join("\n\n"));
    expect(await chat()).toContain("cut short");
    expect(await message()).toContain("cut short");
  });
});
