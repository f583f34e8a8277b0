/**
 * Renewing logins: the host's own requests to token endpoints, by the way that its other requests go.
 *
 * @module
 */
import type { PostRenewal } from "../credentials/mod.ts";
import { ProviderConnections } from "../domains/inference/mod.ts";
import { readProxySettings } from "../egress/mod.ts";
import type { SandboxOptions } from "./options.ts";

/** Longer than any answer with tokens, in bytes. */
const ANSWER_MAX = 262_144;

/** Makes what posts. */
export function postRenewal(options: Pick<SandboxOptions, "resolver" | "certificates" | "proxy">): PostRenewal {
  return async ({ host, path }, { type, body }, signal) => {
    const { resolver, certificates = [], proxy } = options;
    const proxies = () => readProxySettings(proxy, process.env);
    const connections = new ProviderConnections({ resolver, certificates, proxies });
    const headers = [
      ["content-type", type],
      ["accept", "application/json"],
      ["accept-encoding", "identity"],
      ["user-agent", "cofferdam"],
    ] as const;
    try {
      const request = { method: "POST", path, headers, body: Buffer.from(body), signal } as const;
      const { status, body: answer } = await connections.send({ baseUrl: `https://${host}` }, request);
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of answer.stream as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > ANSWER_MAX) throw new Error("the answer is longer than any with tokens");
        chunks.push(chunk);
      }
      return { status, text: Buffer.concat(chunks).toString() };
    } finally {
      connections.close();
    }
  };
}
