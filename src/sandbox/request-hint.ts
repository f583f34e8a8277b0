/**
 * The smallest change of the policy that would let something through, in words.
 *
 * @module
 */
import type { HttpQuestion } from "../egress/http/connection.ts";
import { callsOf } from "./request-calls.ts";

/** What a hint ends with where somebody can be asked. */
const ASK = ". Or ask for it: POST to http://cofferdam.local/requests";

/** Says it. Without a question, it is about the connection. */
export function requestHint(
  { host, port }: { readonly host: string; readonly port: number },
  { ruleId }: { readonly ruleId?: string },
  question: HttpQuestion | undefined,
  canAsk: boolean,
): string {
  if (ruleId !== undefined) return `The rule ${ruleId} of the policy would have to change`;
  const ask = canAsk ? ASK : "";
  if (question === undefined) {
    const written = host.includes(":") ? `[${host}]` : host;
    return `The policy needs a rule in network.allow: { host: "${written}", ports: [${port}] }${ask}`;
  }
  const { method, target, websocket, grpc, content } = question.facts;
  const call = /^\/([A-Za-z0-9_.]+)\/([A-Za-z0-9_]+)$/.exec(target.path);
  if (grpc && method === "POST" && call !== null) {
    const rule = `{ grpc: { service: "${call[1]}", methods: ["${call[2]}"] } }`;
    return `A rule in network.allow for ${host}:${port} needs, in http.rules: ${rule}${ask}`;
  }
  const path = JSON.stringify(target.readings[0] ?? "/");
  const rule = websocket ? `{ websocket: true, paths: [${path}] }` : `{ methods: ["${method}"], paths: [${path}] }`;
  const calls = callsOf(content);
  if (calls.length > 0) {
    return `A rule in network.allow for ${host}:${port} needs to mean, in http.rules: ${calls.join(", ")}${ask}`;
  }
  return `A rule in network.allow for ${host}:${port} needs, in http.rules: ${rule}${ask}`;
}
