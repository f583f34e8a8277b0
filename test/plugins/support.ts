/** Calls hooks of plugins as the chain does, one at a time. */
import type { InferenceCall, Plugin, RequestContext, ResponseContext } from "../../src/mod.ts";
import { SANDBOX } from "../hooks/support.ts";

/** A hook as a function, whichever way it was written. */
function handlerOf<F>(hook: F | { readonly handler: F } | undefined): F {
  if (hook === undefined) throw new Error("there is no such hook");
  return typeof hook === "object" && hook !== null && "handler" in hook ? hook.handler : (hook as F);
}

const context = { sandbox: SANDBOX, plugin: "it", hook: "it", signal: new AbortController().signal };

function requestContext(request: Request, binary = "/usr/bin/curl"): RequestContext {
  const { hostname, pathname, protocol } = new URL(request.url);
  const port = protocol === "https:" ? 443 : 80;
  const about = { method: request.method, url: request.url, path: decodeURIComponent(pathname), websocket: false };
  return {
    ...context,
    connect: { host: hostname, port, pid: 7, binary, ancestors: [], verdict: "allow" },
    about: { ...about, verdict: "allow" },
  };
}

export async function onRequest(plugin: Plugin, request: Request, binary?: string) {
  return handlerOf(plugin.hooks?.network?.request)(request, requestContext(request, binary));
}

export async function onResponse(plugin: Plugin, request: Request, response: Response) {
  const about: ResponseContext = { ...requestContext(request), request };
  return handlerOf(plugin.hooks?.network?.response)(response, about);
}

export async function onMessage(plugin: Plugin, data: string | Uint8Array) {
  const kind = typeof data === "string" ? "text" : "binary";
  const message = { direction: "to-host", kind, data, verdict: "allow" } as const;
  return handlerOf(plugin.hooks?.network?.message)(message, requestContext(new Request("https://api.test/")));
}

export function callOf(change: Partial<InferenceCall> = {}): InferenceCall {
  return {
    ...{ id: "c1", endpoint: "chat", model: "m", provider: "p", local: false, estimatedTokens: 10, stream: false },
    ...{ body: {}, pid: 7, binary: "/usr/bin/agent", verdict: "allow", ruleId: "r" },
    ...change,
  };
}

export async function onCall(plugin: Plugin, call: InferenceCall) {
  return handlerOf(plugin.hooks?.inference?.call)(call, context);
}
