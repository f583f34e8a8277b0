/**
 * Messages on the connections of a sandbox: each decided, and recorded.
 *
 * @module
 */
import type { MessageDecision, MessageJudge, RawMessage } from "../egress/http/connection.ts";
import {
  type Decided,
  HookedMessage,
  type NetworkConnect,
  type NetworkRequest,
  type PluginRegistry,
} from "../hooks/mod.ts";
import type { HttpRuling } from "../policy/core.ts";
import { type Message, readText } from "../policy/http/mod.ts";

/** What judging the messages that follow one request takes. */
export interface MessagesSetting {
  readonly registry: PluginRegistry;
  readonly connect: NetworkConnect;
  readonly about: NetworkRequest;
  readonly signal: AbortSignal;
  /** Whether rules are about JSON-RPC in the answer, now. */
  speaksRpc(): boolean;
  /** What the policy in force says; undefined: its rules are not about messages there. */
  rule(message: Message): HttpRuling | undefined;
  knowsTool(name: string): boolean;
  /** Writes it down: `object` is what was said, and where. */
  readonly record: (object: string, ruleId: string | undefined, decided: Recorded) => void;
}

type Recorded = Pick<Decided, "verdict" | "reason" | "decidedBy">;

/** Makes the judge of what follows a request. */
export function messageJudge(setting: MessagesSetting): MessageJudge {
  return {
    get speaksRpc() {
      return setting.speaksRpc();
    },
    knowsTool: (name) => setting.knowsTool(name),
    judge: (said, raw) => decide(setting, said, raw),
    broken: (direction, reason) => {
      const decided: Recorded = { verdict: "deny", decidedBy: { kind: "policy" }, reason };
      setting.record(objectOf(setting.about, direction, "a message"), undefined, decided);
    },
  };
}

async function decide(setting: MessagesSetting, said: readonly Message[], raw: RawMessage): Promise<MessageDecision> {
  const ruling = strictest(said.flatMap((message) => setting.rule(message) ?? []));
  const { connect, about, registry, signal, record } = setting;
  const object = objectOf(about, raw.direction, nameOf(said, raw));
  const { ruleId } = ruling;
  if (ruling.verdict === "deny") {
    const reason =
      ruleId === undefined ? "no rule of the policy allows the message" : `rule ${ruleId} denies the message`;
    record(object, ruleId, { verdict: "deny", decidedBy: { kind: "policy" }, reason });
    return { allowed: false, reason, ...(ruleId === undefined ? {} : { ruleId }) };
  }
  const verdict = ruling.verdict === "ask" ? "ask" : "allow";
  const hooked = new HookedMessage(connect, about, { ...raw, verdict, ...(ruleId === undefined ? {} : { ruleId }) });
  const decided = await registry.decideMessage(hooked, { verdict, ruleId, defer: ruling.defer }, { signal });
  const final = decided.verdict === "allow" ? (changeProblem(setting, hooked, said, ruling) ?? decided) : decided;
  record(object, ruleId, final);
  if (final.verdict === "deny") {
    return { allowed: false, reason: final.reason, ...(ruleId === undefined ? {} : { ruleId }) };
  }
  return { allowed: true, ...(hooked.changedBy === undefined ? {} : { replacement: hooked.message.data }) };
}

/** What hooks made of a message on a WebSocket is judged as what the program or the host had said. */
function changeProblem(
  setting: MessagesSetting,
  { changedBy, message }: HookedMessage,
  said: readonly Message[],
  before: { readonly verdict: string; readonly ruleId?: string },
): Recorded | undefined {
  if (changedBy === undefined || said.every(({ language }) => language !== "message")) return undefined;
  const { direction, kind, data } = message;
  const read = typeof data === "string" ? { text: data } : readText(data);
  const text = "problem" in read ? undefined : read.text;
  const item = { direction, kind: kind === "binary" ? "binary" : "text", text } as const;
  const now = setting.rule({ language: "message", item });
  if (now === undefined || now.verdict === "allow") return undefined;
  if (now.verdict === before.verdict && now.ruleId === before.ruleId) return undefined;
  const decidedBy = { kind: "plugin", name: changedBy, hook: "network.message" } as const;
  return { verdict: "deny", decidedBy, reason: `plugin "${changedBy}" made a message of it that no rule allows` };
}

/** Without rules on messages they are allowed, as their request was. */
function strictest(rulings: readonly HttpRuling[]): HttpRuling {
  const of = (verdict: HttpRuling["verdict"]) => rulings.find((ruling) => ruling.verdict === verdict);
  return of("deny") ?? of("ask") ?? rulings[0] ?? { verdict: "allow" };
}

/** What is said, in short: a method, or the kind of the message. What messages hold stays out. */
function nameOf(said: readonly Message[], { kind }: RawMessage): string {
  const methods = said.flatMap((each) => (each.language === "rpc" ? each.item.method || "an answer" : []));
  return methods.length > 0 ? [...new Set(methods)].join(", ").slice(0, 256) : kind;
}

function objectOf({ url }: NetworkRequest, direction: RawMessage["direction"], name: string): string {
  return `${direction} ${name} (${url})`;
}
