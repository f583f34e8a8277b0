/**
 * Clients of the Responses API before providers that do not speak it.
 */
import type { Reply } from "./model-server.ts";
import { bench, serve } from "./support.ts";

/** Providers of both families, neither of which speaks the Responses API. */
export async function plain(gpt: Reply, claude: Reply, timeoutMs = 300_000) {
  const servers = { gpt: await serve(gpt), claude: await serve(claude) };
  const routes = [
    { id: "gpts", models: ["gpt-*"], provider: "gpt", timeoutMs },
    { id: "claudes", models: ["claude-*"], provider: "claude", timeoutMs },
  ];
  const providers = {
    gpt: { kind: "vllm", baseUrl: `${servers.gpt.url}/v1` } as const,
    claude: { kind: "anthropic", baseUrl: servers.claude.url } as const,
  };
  return { ...servers, ...bench({ routes, providers }) };
}

// biome-ignore lint/suspicious/noExplicitAny: events of every kind
export function eventsOf(text: string): any[] {
  return text.split("\n\n").flatMap((event) => {
    const [, data] = /^data: (.*)$/m.exec(event) ?? [];
    return data === undefined ? [] : [JSON.parse(data)];
  });
}
