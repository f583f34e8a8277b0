/**
 * Models as the official clients call them from a sandbox: through `inference.local`, and at the names of public APIs.
 */
import { expect } from "vitest";
import {
  type DecisionRecord,
  definePlugin,
  deny,
  type InferenceSection,
  type Sandbox,
  type SandboxOptions,
} from "../../../src/mod.ts";
import { CHAT_TOOLS, CHAT_WHOLE, MESSAGE_TOOLS, MESSAGE_WHOLE } from "../../inference/fixtures.ts";
import { either, type ModelServer, modelServer } from "../../inference/model-server.ts";
import { bundle } from "../bundle.ts";
import type { Case } from "../case.ts";
import { refused, shell, until } from "../help.ts";
import { makeFiles } from "../mediation.ts";
import type { Scene } from "../scene.ts";
import { curl } from "../stand-in.ts";

/** Streams an answer with tools of each API that it is given the URL of, and prints what comes of it. */
const CLIENT = `
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
const [chat, messages] = process.argv.slice(2);
const options = { apiKey: "sk-of-the-agent", maxRetries: 0 };
const turns = { messages: [{ role: "user", content: "hi" }] };
const told = (error) => console.log("error", error.status, error.message.slice(0, 300));
(async () => {
  const openai = new OpenAI({ ...options, baseURL: chat });
  const stream = openai.chat.completions.stream({ ...turns, model: "gpt-x" });
  const message = await stream.finalMessage();
  console.log("chat", message.content, message.tool_calls.map((call) => call.function.name + call.function.arguments).join());
})().catch(told).then(async () => {
  const anthropic = new Anthropic({ ...options, baseURL: messages });
  const message = await anthropic.messages.stream({ ...turns, model: "claude-x", max_tokens: 9 }).finalMessage();
  const tools = message.content.filter(({ type }) => type === "tool_use");
  console.log("message", message.stop_reason, tools.map((tool) => tool.name + JSON.stringify(tool.input)).join());
}).catch(told).then(() => process.exit());
`;

const SAID = 'chat I look. weather{"city":"Ulm"},time{}\nmessage tool_use weather{"city":"Ulm"},time{}\n';

/** Prints what comes of moving folders with marked files, or the folder that they lie in. */
const MOVES = `
const move = (from, to) => {
  try { require("node:fs").renameSync(from, to); return "moved"; } catch (error) { return error.code; }
};
console.log(move("customers/sub", "customers/other"), move("customers", "kept"));
`;

interface Providers {
  readonly gpt: ModelServer;
  readonly claude: ModelServer;
}

async function providers(scene: Scene): Promise<Providers> {
  const gpt = await modelServer(either(CHAT_WHOLE, CHAT_TOOLS));
  const claude = await modelServer(either(MESSAGE_WHOLE, MESSAGE_TOOLS));
  scene.defer(() => Promise.all([gpt.close(), claude.close()]));
  return { gpt, claude };
}

const toBoth = ({ gpt, claude }: Providers): InferenceSection => ({
  routes: [
    { id: "gpts", models: ["gpt-*"], provider: "gpt" },
    { id: "claudes", models: ["claude-*"], provider: "claude" },
  ],
  providers: {
    gpt: { kind: "openai", baseUrl: `${gpt.url}/v1`, keyVariable: "GPT_KEY" },
    claude: { kind: "anthropic", baseUrl: claude.url, keyVariable: "CLAUDE_KEY" },
  },
});

function modelSandbox(scene: Scene, inference: InferenceSection, options: SandboxOptions = {}): Promise<Sandbox> {
  const workspace = scene.folder();
  makeFiles(workspace, { "client.cjs": bundle(CLIENT) });
  const policy = { version: 1, filesystem: { write: ["."] }, inference } as const;
  const keyFor = (name: string) => `sk-of-the-host-${name}`;
  return scene.create(policy, { workspace, inference: { keyFor }, ...options });
}

const calls = (sandbox: Sandbox): DecisionRecord[] => {
  return sandbox.decisions().filter(({ domain }) => domain === "inference");
};

export const inferenceCases: readonly Case[] = [
  {
    name: "the official clients stream answers with tools through inference.local, and the providers get the host's keys",
    tools: true,
    async run(scene) {
      const both = await providers(scene);
      const sandbox = await modelSandbox(scene, toBoth(both));
      const { stdout } = await sandbox.exec(
        ["node", "client.cjs", "https://inference.local/v1", "https://inference.local"],
        { timeoutMs: 60_000 },
      );
      expect(stdout).toBe(SAID);
      expect(both.gpt.requests[0]?.headers.authorization).toBe("Bearer sk-of-the-host-gpt");
      expect(both.claude.requests[0]?.headers["x-api-key"]).toBe("sk-of-the-host-claude");
      expect(JSON.stringify([both.gpt.requests, both.claude.requests])).not.toContain("sk-of-the-agent");
      await until(() => calls(sandbox).length === 2, "both calls are recorded");
      expect(calls(sandbox)).toMatchObject([
        {
          operation: "call",
          object: "gpt-x",
          verdict: "allow",
          ruleId: "gpts",
          subject: { binary: expect.stringMatching(/\/node$/) },
          inference: { endpoint: "chat", provider: "gpt", inputTokens: 20, outputTokens: 7, outcome: "answered" },
        },
        { object: "claude-x", ruleId: "claudes", inference: { endpoint: "messages", provider: "claude", local: true } },
      ]);
      expect(JSON.stringify(sandbox.decisions())).not.toMatch(/I look|sk-of-the/);
    },
  },
  {
    name: "a client that knows nothing of it is served at the names of the public APIs, which no rule of the network lists",
    tools: true,
    async run(scene) {
      const both = await providers(scene);
      const intercept = ["api.openai.com", "api.anthropic.com"];
      const asked: string[] = [];
      const resolver = (host: string) => {
        asked.push(host);
        return [];
      };
      const inference = { ...toBoth(both), intercept };
      const sandbox = await modelSandbox(scene, inference, { resolver });
      const urls = ["https://api.openai.com/v1", "https://api.anthropic.com"];
      const run = async () => (await sandbox.exec(["node", "client.cjs", ...urls], { timeoutMs: 60_000 })).stdout;
      expect(await run()).toBe(SAID);
      expect(await curl(sandbox, "https://api.openai.com/v1/files")).toMatch(/"code":"not_found"[\s\S]*404$/);
      expect(await curl(sandbox, "https://other.openai.com/v1/models")).toMatch(
        /no rule of the policy allows it[\s\S]*403$/,
      );

      await sandbox.setPolicy({ version: 1, filesystem: { write: ["."] }, inference: { ...inference, routes: [] } });
      expect(await run()).toMatch(/^error 403 .*no route for the model "gpt-x".*\nerror 403 /);
      await sandbox.setPolicy({ version: 1, filesystem: { write: ["."] }, inference: toBoth(both) });
      expect(await curl(sandbox, "https://api.openai.com/v1/models")).toMatch(
        /no rule of the policy allows it[\s\S]*403$/,
      );
      await sandbox.setPolicy({ version: 1, filesystem: { write: ["."] }, network: { deny: [{ host: "x.test" }] } });
      expect(await curl(sandbox, "https://inference.local/v1/models")).toMatch(/^curl (?:7|35):/);
      expect(asked).toEqual([]);
    },
  },
  {
    name: "hooks see calls to models before they leave, and the denial is the client's own error",
    tools: true,
    async run(scene) {
      const both = await providers(scene);
      const plugin = definePlugin(() => ({
        name: "careful",
        hooks: {
          inference: {
            call: ({ model, body }) =>
              model === "gpt-x" ? deny("not this one") : { body: { ...body, max_tokens: 5 } },
          },
        },
      }))();
      const sandbox = await modelSandbox(scene, toBoth(both), { plugins: [plugin] });
      const urls = ["https://inference.local/v1", "https://inference.local"];
      const { stdout } = await sandbox.exec(["node", "client.cjs", ...urls], { timeoutMs: 60_000 });
      expect(stdout).toMatch(/^error 403 .*not this one.*\nmessage tool_use /);
      expect(both.gpt.requests).toEqual([]);
      expect(both.claude.requests[0]?.body.max_tokens).toBe(5);
      await until(() => calls(sandbox).length === 2, "both calls are recorded");
      expect(calls(sandbox)[0]).toMatchObject({ verdict: "deny", decidedBy: { kind: "plugin", name: "careful" } });
    },
  },
  {
    name: "each official client streams answers with tools of the other family's provider",
    tools: true,
    async run(scene) {
      const both = await providers(scene);
      const routes = [
        { models: ["gpt-*"], provider: "claude" },
        { models: ["claude-*"], provider: "gpt" },
      ];
      const sandbox = await modelSandbox(scene, { ...toBoth(both), routes, intercept: ["api.openai.com"] });
      const urls = ["https://api.openai.com/v1", "https://inference.local"];
      expect((await sandbox.exec(["node", "client.cjs", ...urls], { timeoutMs: 60_000 })).stdout).toBe(SAID);
      expect(both.claude.requests[0]).toMatchObject({ path: "/v1/messages", body: { model: "gpt-x" } });
      expect(both.gpt.requests[0]).toMatchObject({ path: "/v1/chat/completions", body: { model: "claude-x" } });
    },
  },
  {
    name: "what marked files say is known again in a call, whatever the sandbox did to them first",
    tools: true,
    anyImage: true,
    async run(scene) {
      const far = await modelServer(either(CHAT_WHOLE, CHAT_TOOLS));
      scene.defer(() => far.close());
      const workspace = scene.folder();
      const rows = [
        "Ada Lovelace, 12 St James's Square, London, account 77-1815",
        "Charles Babbage, 1 Dorset Street, London 1791",
      ];
      const [first = "", second = ""] = rows;
      makeFiles(workspace, {
        "customers/a.csv": first,
        "customers/sub/b.csv": second,
        "moves.cjs": MOVES,
        "notes.txt": "nothing that matters to anybody here",
      });
      const inference: InferenceSection = {
        routes: [{ models: ["**"], provider: "far" }],
        providers: { far: { kind: "openai", baseUrl: `${far.url}/v1`, local: false } },
        privacy: [{ id: "customers", sensitive: ["./customers"], action: "redact" }],
      };
      const sandbox = await scene.create({ version: 1, filesystem: { write: ["."] }, inference }, { workspace });
      const ask = "curl -sS -d @call.json https://inference.local/v1/chat/completions";
      const say = (command: string) =>
        `${command}; printf '{"model":"m","messages":[{"content":"%s"}]}' "$said" > call.json; ${ask}`;
      await shell(sandbox, say("said=$(cat notes.txt)"));
      await shell(sandbox, say("said=$(cat customers/a.csv)"));
      const moved = await shell(
        sandbox,
        say("mv customers/sub/b.csv customers/b.csv; node moves.cjs; exec 3<customers/b.csv; said=$(cat <&3)"),
      );
      expect(far.requests.map(({ body }) => body.messages[0].content)).toEqual([
        "nothing that matters to anybody here",
        "[redacted: customers]",
        "[redacted: customers]",
      ]);
      expect(moved.stdout).toMatch(/^EACCES E[A-Z]+\n/);
      await until(() => calls(sandbox).length === 3, "the calls are recorded");
      expect(calls(sandbox)[1]?.inference?.privacy).toMatchObject([{ rule: "customers", action: "redact" }]);
    },
  },
  {
    name: "inference.local is not there without routes, is denied where the policy says so, and leads only where the owner says",
    async run(scene) {
      const remote = {
        version: 1,
        inference: { routes: [{ models: ["*"], provider: "openai" }], localOnly: true },
      } as const;
      const error = await refused(scene.create(remote), "POLICY_INVALID");
      expect(error.details.issues).toMatchObject([{ path: "inference.routes[0].provider" }]);
      const rule = { version: 1, network: { allow: [{ host: "inference.local" }] } } as const;
      await refused(scene.create(rule), "POLICY_INVALID");
    },
  },
  {
    name: "a denial of the network holds for inference.local, too",
    tools: true,
    async run(scene) {
      const both = await providers(scene);
      const workspace = scene.folder();
      const policy = { version: 1, filesystem: { write: ["."] }, inference: toBoth(both) } as const;
      const sandbox = await scene.create(
        { ...policy, network: { deny: [{ id: "quiet", host: "inference.local" }] } },
        { workspace },
      );
      const { stderr } = await shell(sandbox, "curl -sS https://inference.local/v1/models");
      expect(stderr).toMatch(/curl: \(7\)/);
      expect(sandbox.decisions().find(({ ruleId }) => ruleId === "quiet")).toMatchObject({
        verdict: "deny",
        object: "inference.local:443",
      });
    },
  },
];
