/**
 * Reading and writing in some channels of Discord, and in no others.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";

/** Where the agent speaks. */
export interface DiscordParams {
  /** The ids of channels: it reads and writes in no other. */
  readonly channels: readonly string[];
}

/** Reading and writing in some channels of Discord, and in no others. */
export const discord: Recipe<DiscordParams> = defineRecipe({
  name: "discord",
  version: "1.0.0",
  kind: "service",
  description: "Reading and writing in some channels of Discord, and in no others.",
  params: z.object({ channels: param.list(param.id()).describe("the ids of the channels that it may use") }),
  build: ({ channels }) => ({
    policy: {
      version: 1,
      network: {
        allow: [
          {
            ...{ id: "discord", host: "discord.com", binaries: ["node", "curl", "python3", "python3.*"] },
            http: {
              rules: [
                { methods: ["GET"], paths: ["/api/v10/users/@me"] },
                { methods: ["GET", "POST"], paths: channels.map((channel) => `/api/v10/channels/${channel}/messages`) },
              ],
            },
          },
        ],
      },
      credentials: [{ name: "DISCORD_BOT_TOKEN", hosts: ["discord.com"], paths: ["/api/**"], optional: true }],
    },
  }),
  tests: {
    params: { channels: ["1001"] },
    claims: (words) => {
      const { allows, denies } = words;
      return [
        allows.http("GET https://discord.com/api/v10/channels/1001/messages?limit=5"),
        denies.http("GET https://discord.com/api/v10/guilds/1/members"),
        ...onlyThis(
          words,
          "POST https://discord.com/api/v10/channels/1001/messages",
          "/api/v10/channels/1002/messages",
        ),
        ...onlyThis(words, "GET https://discord.com/api/v10/users/@me", "/api/v10/users/7"),
      ];
    },
  },
});
