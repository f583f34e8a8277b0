/**
 * Reading and writing in some channels of Slack, and in no others.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";

/** Where the agent speaks. */
export interface SlackParams {
  /** The ids of channels: it reads and writes in no other. */
  readonly channels: readonly string[];
}

const METHODS = ["/api/chat.postMessage", "/api/conversations.history", "/api/conversations.replies"];

/** Reading and writing in some channels of Slack, and in no others. */
export const slack: Recipe<SlackParams> = defineRecipe({
  name: "slack",
  version: "1.0.0",
  kind: "service",
  description: "Reading and writing in some channels of Slack, and in no others.",
  params: z.object({ channels: param.list(param.name()).describe("the ids of the channels that it may use") }),
  build: ({ channels }) => ({
    policy: {
      version: 1,
      network: {
        allow: [
          {
            ...{ id: "slack", host: "slack.com", binaries: ["node", "curl", "python3", "python3.*"] },
            http: {
              rules: [
                { methods: ["GET"], paths: ["/api/auth.test", "/api/api.test"] },
                // A channel in the URL is one that a rule can see: the methods take their arguments there, too.
                ...channels.map((channel) => ({ methods: ["GET"], paths: METHODS, query: { channel } })),
              ],
            },
          },
        ],
      },
      credentials: [{ name: "SLACK_BOT_TOKEN", hosts: ["slack.com"], paths: ["/api/**"], optional: true }],
    },
  }),
  tests: {
    params: { channels: ["C111", "C222"] },
    claims: (words) => {
      const { allows, denies } = words;
      return [
        allows.http("GET https://slack.com/api/chat.postMessage?channel=C111&text=hi"),
        allows.http("GET https://slack.com/api/conversations.history?channel=C222"),
        denies.http("GET https://slack.com/api/chat.postMessage?channel=C333&text=hi"),
        denies.http("POST https://slack.com/api/chat.postMessage", { body: '{"channel":"C333"}' }),
        denies.http("GET https://slack.com/api/users.list"),
        ...onlyThis(
          words,
          "GET https://slack.com/api/conversations.replies?channel=C111",
          "/api/conversations.info?channel=C111",
        ),
        ...onlyThis(
          words,
          "GET https://slack.com/api/conversations.replies?channel=C222",
          "/api/conversations.info?channel=C222",
        ),
        ...onlyThis(words, "GET https://slack.com/api/auth.test"),
      ];
    },
  },
});
