/**
 * A bot of Telegram that writes to some chats, and to no others.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";

/** Who the agent writes to. */
export interface TelegramParams {
  /** The ids of chats: it writes to no other. */
  readonly chats: readonly string[];
}

const METHODS = ["/bot*/sendMessage", "/bot*/sendChatAction"];

/** A bot of Telegram that writes to some chats, and to no others. */
export const telegram: Recipe<TelegramParams> = defineRecipe({
  name: "telegram",
  version: "1.0.0",
  kind: "service",
  description: "A bot of Telegram that writes to some chats, and to no others.",
  params: z.object({ chats: param.list(param.id()).describe("the ids of the chats that it may write to") }),
  build: ({ chats }) => ({
    policy: {
      version: 1,
      network: {
        allow: [
          {
            ...{ id: "telegram", host: "api.telegram.org", binaries: ["node", "curl", "python3", "python3.*"] },
            http: {
              rules: [
                { methods: ["GET", "POST"], paths: ["/bot*/getMe", "/bot*/getUpdates"] },
                // A chat in the URL is one that a rule can see: the methods take their arguments there, too.
                ...chats.map((chat_id) => ({ methods: ["GET"], paths: METHODS, query: { chat_id } })),
              ],
            },
          },
        ],
      },
      credentials: [
        // Telegram wants it in the path, where no placeholder is replaced: the sandbox holds the token itself.
        { name: "TELEGRAM_BOT_TOKEN", expose: "env", optional: true },
      ],
    },
    env: { TELEGRAM_ALLOWED_CHATS: chats.join(",") },
  }),
  tests: {
    params: { chats: ["42", "-1007"] },
    claims: (words) => {
      const { allows, denies } = words;
      return [
        allows.http("GET https://api.telegram.org/bot1:x/getUpdates?timeout=1"),
        denies.http("GET https://api.telegram.org/bot1:x/sendMessage?chat_id=43&text=hi"),
        denies.http("POST https://api.telegram.org/bot1:x/sendMessage", { body: '{"chat_id":43}' }),
        denies.http("GET https://api.telegram.org/bot1:x/setWebhook?url=https://evil.example"),
        ...onlyThis(
          words,
          "GET https://api.telegram.org/bot1:x/sendMessage?chat_id=42&text=hi",
          "/bot1:x/deleteMessage?chat_id=42",
        ),
        ...onlyThis(
          words,
          "GET https://api.telegram.org/bot1:x/sendChatAction?chat_id=-1007",
          "/bot1:x/banChatMember?chat_id=-1007",
        ),
        ...onlyThis(words, "GET https://api.telegram.org/bot1:x/getMe", "/bot1:x/logOut"),
      ];
    },
  },
});
