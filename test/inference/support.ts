/**
 * A router in this process, before servers that stand in for providers; and the official clients, which talk to it.
 */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { onTestFinished } from "vitest";
import { type CallRecord, ProviderConnections, planInference } from "../../src/domains/inference/mod.ts";
import { Router, type RouterSetting } from "../../src/domains/inference/router/router.ts";
import type { InferenceSection, Policy } from "../../src/policy/mod.ts";
import { normalizePolicy } from "../../src/policy/mod.ts";
import { type ModelServer, modelServer, type Reply } from "./model-server.ts";

export async function serve(reply: Reply): Promise<ModelServer> {
  const server = await modelServer(reply);
  onTestFinished(() => server.close());
  return server;
}

export interface Bench {
  readonly router: Router;
  readonly records: CallRecord[];
  fetch(path: string, init?: RequestInit): Promise<Response>;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  setPolicy(inference: InferenceSection): void;
}

export const SUBJECT = { pid: 7, binary: "/usr/bin/agent", ancestors: [] } as const;

/** The keys of the host. */
export const KEYS: Readonly<Record<string, string>> = { gpt: "sk-host-openai", claude: "sk-ant-host" };

export function bench(
  inference: InferenceSection,
  rest: Partial<RouterSetting> = {},
  audit: NonNullable<Policy["audit"]> = {},
): Bench {
  let plan = planInference(normalizePolicy({ version: 1, inference, audit }));
  const records: CallRecord[] = [];
  const connections = new ProviderConnections({ resolver: undefined, proxies: () => undefined, certificates: [] });
  onTestFinished(() => connections.close());
  const router = new Router({
    plan: () => plan,
    keyFor: async ({ name }) => KEYS[name],
    send: (provider, request) => connections.send(provider, request),
    record: (record) => void records.push(record),
    ...rest,
  });
  const app = router.for(SUBJECT);
  const fetch = async (input: string | URL | Request, init?: RequestInit) => app.fetch(new Request(input, init));
  return {
    router,
    records,
    fetch: (path, init) => fetch(`https://inference.local${path}`, init),
    openai: new OpenAI({ apiKey: "placeholder", baseURL: "https://inference.local/v1", fetch, maxRetries: 0 }),
    anthropic: new Anthropic({ apiKey: "placeholder", baseURL: "https://inference.local", fetch, maxRetries: 0 }),
    setPolicy: (next) => {
      plan = planInference(normalizePolicy({ version: 1, inference: next }));
      router.policyChanged();
    },
  };
}

/** A section in which `gpt-*` goes to a server of the OpenAI family, and `claude-*` to one of Anthropic's. */
export function section(servers: { readonly gpt?: ModelServer; readonly claude?: ModelServer }): InferenceSection {
  const { gpt, claude } = servers;
  return {
    routes: [
      ...(gpt === undefined ? [] : [{ id: "gpts", models: ["gpt-*", "embed-*"], provider: "gpt" }]),
      ...(claude === undefined ? [] : [{ id: "claudes", models: ["claude-*"], provider: "claude" }]),
    ],
    providers: {
      ...(gpt === undefined
        ? {}
        : { gpt: { kind: "openai", baseUrl: `${gpt.url}/v1`, keyVariable: "GPT_KEY" } as const }),
      ...(claude === undefined
        ? {}
        : { claude: { kind: "anthropic", baseUrl: claude.url, keyVariable: "CLAUDE_KEY" } as const }),
    },
  };
}

/** A call of each family. */
export const CHAT = { model: "gpt-x", messages: [{ role: "user" as const, content: "hi" }] };
export const MESSAGE = { model: "claude-x", max_tokens: 64, messages: [{ role: "user" as const, content: "hi" }] };

/** Each client's models lead to the other family. */
export async function crossed(gpt: Parameters<typeof serve>[0], claude: Parameters<typeof serve>[0]) {
  const servers = { gpt: await serve(gpt), claude: await serve(claude) };
  const { providers = {} } = section(servers);
  const routes = [
    { models: ["gpt-*"], provider: "claude", model: "served-claude" },
    { models: ["claude-*"], provider: "gpt", model: "served-gpt" },
  ];
  return { ...servers, ...bench({ routes, providers }) };
}
