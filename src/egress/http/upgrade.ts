/**
 * Requests to change the protocol: to WebSocket where rules say so, to nothing else.
 *
 * Source: RFC 6455 §4 (the handshake), RFC 9110 §7.8.
 *
 * @module
 */
import { STATUS_CODES } from "node:http";
import { type Duplex, pipeline } from "node:stream";
import { readText } from "../../policy/http/mod.ts";
import { join } from "../join.ts";
import { type RelayJudge, relayMessages } from "../websocket/relay.ts";
import type { MessageJudge } from "./connection.ts";
import type { ContentBudget } from "./content.ts";
import type { Denial } from "./denial.ts";
import type { RequestHead, ResponseHead, UpstreamResponse } from "./exchange.ts";
import { failureOf } from "./failure.ts";
import { checkRequest, type HandleContext } from "./handle.ts";
import { endToEnd, listOf, valuesOf } from "./headers.ts";
import { authorityOf } from "./host.ts";

/** A request to change the protocol, on a connection that is nobody else's any more. */
export interface Upgrade extends RequestHead {
  readonly socket: Duplex;
  readonly signal: AbortSignal;
}

/** Serves it to its end. It never rejects. */
export async function serveUpgrade(
  context: HandleContext,
  upgrade: Upgrade,
  refuse: (denial: Denial) => void,
): Promise<void> {
  const { connection, origin, upstream } = context;
  const { headers, signal, socket } = upgrade;
  try {
    const facts = checkRequest(context, upgrade);
    if ("error" in facts) return refuse(facts);
    const problem = handshakeProblem(upgrade);
    if (problem !== undefined) return refuse({ error: "denied", reason: problem });
    const asked = { scheme: origin.scheme, origin, facts: { ...facts, websocket: true }, headers, signal };
    const { allowed, reason, ruleId, hint, request, response } = await connection.decide(asked);
    if (allowed && (response !== undefined || (request !== undefined && request.facts !== asked.facts))) {
      return refuse({ error: "denied", reason: "a hook made something else of a WebSocket, which cannot be" });
    }
    if (!allowed) return refuse({ error: "denied", reason, ruleId, hint, judged: true });
    if (connection.app !== undefined) return refuse({ error: "no_websocket", reason: NO_WEBSOCKET });
    const forgotten = connection.forwarded?.(asked, () => socket.destroy());
    if (forgotten !== undefined) socket.once("close", forgotten);
    const judge = connection.messages?.(asked);
    // Nobody can judge what an extension has changed: it is not offered.
    const without = judge === undefined ? ["host"] : ["host", EXTENSIONS];
    const answer = await upstream.upgrade({
      path: facts.target.path + facts.target.query,
      headers: [["Host", authorityOf(origin)], ...endToEnd(headers, without), ...UPGRADE_LINES],
      signal,
    });
    if (!("socket" in answer)) return relayRefusal(socket, answer);
    if (judge !== undefined && valuesOf(answer.headers, EXTENSIONS).length > 0) {
      answer.socket.destroy();
      return refuse({
        error: "upstream_failed",
        reason: "the host uses an extension of WebSocket that nobody asked for",
      });
    }
    socket.write(headOf({ status: 101, headers: [...endToEnd(answer.headers), ...UPGRADE_LINES] }));
    if (judge !== undefined) return await relayJudged(socket, answer.socket, judge, context.content);
    const forget = connection.unjudged?.(asked, () => socket.destroy());
    await join(socket, answer.socket);
    forget?.();
  } catch (error) {
    if (signal.aborted) socket.destroy();
    else refuse(failureOf(error));
  }
}

const NO_WEBSOCKET = "there are no WebSockets here";

const EXTENSIONS = "sec-websocket-extensions";

async function relayJudged(socket: Duplex, host: Duplex, judge: MessageJudge, budget: ContentBudget): Promise<void> {
  const judging: RelayJudge = {
    judge: (raw) => {
      const { direction, kind, data } = raw;
      const text = typeof data === "string" ? data : textOf(data);
      return judge.judge([{ language: "message", item: { direction, kind, text } }], raw);
    },
    broken: (direction, reason) => judge.broken(direction, reason),
  };
  await relayMessages(socket, host, judging, budget);
}

function textOf(bytes: Buffer): string | undefined {
  const read = readText(bytes);
  return "problem" in read ? undefined : read.text;
}

const UPGRADE_LINES = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
] as const;

function handshakeProblem({ headers, method, version }: Upgrade): string | undefined {
  const protocols = listOf(headers, "upgrade");
  if (protocols.length !== 1 || protocols[0] !== "websocket") return "the protocol cannot be changed to this one";
  if (method !== "GET" || version !== "1.1") return "a WebSocket begins with a GET of HTTP/1.1";
  const hasBody = valuesOf(headers, "content-length").length > 0 || valuesOf(headers, "transfer-encoding").length > 0;
  return hasBody ? "a WebSocket's handshake has no body" : undefined;
}

/** A host that did not agree answers as to any request. */
function relayRefusal(socket: Duplex, { status, headers, body }: UpstreamResponse): void {
  socket.write(headOf({ status, headers: [...endToEnd(headers), ["Connection", "close"]] }));
  pipeline(body.stream, socket, (error) => {
    if (error != null) socket.destroy();
  });
}

function headOf({ status, headers }: ResponseHead): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n`;
}
