/**
 * The way of one request: checked, brought to its one form, judged, forwarded, and its response relayed.
 *
 * @module
 */

import { type HttpFacts, isGrpcType, readTarget } from "../../policy/http/mod.ts";
import type { HttpConnection, HttpDecision, HttpQuestion } from "./connection.ts";
import { type ContentBudget, holdContent } from "./content.ts";
import { type Denial, deny } from "./denial.ts";
import type { Exchange, RequestHead, UpstreamRequest, UpstreamResponse } from "./exchange.ts";
import { failureOf } from "./failure.ts";
import { answerOf, contentOf, fetchRequest } from "./fetch-request.ts";
import { endToEnd, headersProblem, listOf, METHOD, methodOverride, valuesOf } from "./headers.ts";
import { showAnswer } from "./hooked-answer.ts";
import { authorityOf, authorityProblem, type Origin } from "./host.ts";
import { judgeAnswer, withoutCoding } from "./judged-answer.ts";
import { serveLocally } from "./local-app.ts";
import type { Upstream } from "./upstream.ts";

/** What requests of one connection share. */
export interface HandleContext {
  readonly connection: HttpConnection;
  readonly origin: Origin;
  readonly upstream: Upstream;
  /** Bounds what is held back to be judged. */
  readonly content: ContentBudget;
  /** Why no request on this connection is forwarded. */
  readonly refusal?: Denial | undefined;
}

/** Handles a request to its end. It never rejects. */
export async function handleRequest(context: HandleContext, exchange: Exchange): Promise<void> {
  try {
    const checked = checkRequest(context, exchange);
    if ("error" in checked) refuse(context, exchange, checked);
    else await judgeAndForward(context, exchange, checked);
  } catch (error) {
    if (exchange.signal.aborted) exchange.reset();
    else answerFailure(context, exchange, failureOf(error));
  }
}

/** Whatever is wrong with a request before any rule looks at it. */
export function checkRequest({ origin, refusal }: HandleContext, exchange: RequestHead): HttpFacts | Denial {
  if (refusal !== undefined) return refusal;
  const { method, headers, authority, version } = exchange;
  const malformed = (reason: string): Denial => ({ error: "malformed", reason: `the request is malformed: ${reason}` });
  const problem = exchange.problem ?? headersProblem(headers);
  if (problem !== undefined) return malformed(problem);
  if (!METHOD.test(method)) return malformed("its method is unknown");
  if (method === "CONNECT") return { error: "denied", reason: "tunnels are not allowed: connect to the host itself" };
  if (authority === undefined && version !== "1.0") return malformed("it has no Host");
  const elsewhere = authority === undefined ? undefined : authorityProblem(authority, origin);
  if (elsewhere !== undefined) return { error: "misdirected", reason: `the request is refused: ${elsewhere}` };
  const target = readTarget(exchange.target);
  if ("problem" in target) return malformed(target.problem);
  // Frameworks let a POST say that it is something else. It is judged as both.
  const override = methodOverride(headers, method);
  if (typeof override === "object") return malformed(override.problem);
  const grpc = isGrpcType(valuesOf(headers, "content-type"));
  return { method, target, websocket: false, grpc, ...(override === undefined ? {} : { override }) };
}

async function judgeAndForward(context: HandleContext, exchange: Exchange, facts: HttpFacts): Promise<void> {
  const needs = context.connection.needs?.(facts);
  if (needs === undefined) return forward(context, exchange, facts);
  const held = await holdContent(exchange, facts, needs, context.content);
  try {
    await forward(context, held.exchange, { ...facts, content: held.content });
  } finally {
    held.release();
  }
}

async function forward(context: HandleContext, exchange: Exchange, facts: HttpFacts): Promise<void> {
  const { connection, origin } = context;
  const { headers, signal } = exchange;
  const hookable = fetchRequest(origin, facts.target, exchange);
  const question = { scheme: origin.scheme, origin, facts, headers, make: () => hookable.make(), signal };
  const decision = await connection.decide(question);
  if (signal.aborted) return exchange.reset();
  if (!decision.allowed) {
    const { reason, ruleId, hint } = decision;
    return answer(context, exchange, { error: "denied", reason, ruleId, hint });
  }
  if (decision.response !== undefined) {
    const { head, body } = answerOf(decision.response);
    return exchange.respond(head, body);
  }
  if (connection.app !== undefined) return serveLocally(connection.app, origin, exchange, facts.target);
  // A `Request` of these has no body.
  const isHidden = exchange.body !== undefined && /^(?:GET|HEAD)$/.test(exchange.method);
  if (isHidden && decision.request !== undefined) return refuse(context, exchange, HIDDEN);
  const sent = toSend(context, exchange, facts, decision, hookable.touched);
  const asked = { ...question, facts: decision.request?.facts ?? facts };
  const { over, reset } = exchange;
  const forget = connection.forwarded?.(asked, reset);
  if (forget !== undefined) void over.then(forget);
  const response = await ask(context, asked, sent);
  if ("error" in response) return refuse(context, exchange, response);
  try {
    exchange.respond({ status: response.status, headers: endToEnd(response.headers) }, response.body);
  } catch (error) {
    response.body.stream.destroy();
    throw error;
  }
}

const HIDDEN: Denial = { error: "denied", reason: "the request has a body that hooks cannot see, as it is a GET" };

/** The host's answer, as far as rules on what it says and hooks let it pass. */
async function ask(
  { connection, upstream, content }: HandleContext,
  question: HttpQuestion,
  sent: UpstreamRequest,
): Promise<UpstreamResponse | Denial> {
  const judge = connection.messages?.(question);
  const watch = connection.answers?.(question);
  const came = await upstream.send((judge ?? watch) ? withoutCoding(sent) : sent);
  const judged = judge === undefined ? came : await judgeAnswer(came, judge, content);
  if ("error" in judged) return judged;
  if (judge === undefined && isEventStream(judged)) {
    const forget = connection.unjudged?.(question, () => judged.body.stream.destroy());
    judged.body.stream.once("close", () => forget?.());
  }
  return watch === undefined ? judged : showAnswer(judged, watch);
}

/** What may go on for as long as it likes, so that another policy may come meanwhile. */
function isEventStream({ headers }: UpstreamResponse): boolean {
  return valuesOf(headers, "content-type").some((type) => type.toLowerCase().startsWith("text/event-stream"));
}

/** The program's own request as it came, or what hooks made of it. */
function toSend(
  { origin }: HandleContext,
  exchange: Exchange,
  facts: HttpFacts,
  { request }: HttpDecision,
  touched: boolean,
): UpstreamRequest {
  const { signal, expectsContinue } = exchange;
  const changed = request !== undefined && (touched || request.facts !== facts);
  const content = changed ? { ...contentOf(request.request), trailers: () => [] } : exchange;
  const { method, target } = request?.facts ?? facts;
  return {
    method,
    path: target.path + target.query,
    headers: [["Host", authorityOf(origin)], ...endToEnd(content.headers, ["host"])],
    body: content.body,
    trailers: () => content.trailers(),
    takesTrailers: listOf(exchange.headers, "te").includes("trailers"),
    expectsContinue,
    signal,
    onContinue: () => exchange.proceed(),
  };
}

function answerFailure(context: HandleContext, exchange: Exchange, denial: Denial): void {
  try {
    refuse(context, exchange, denial);
  } catch {
    exchange.reset();
  }
}

/** What the engine itself refuses is recorded; what the policy denied has been. */
function refuse(context: HandleContext, exchange: Exchange, denial: Denial): void {
  const { path } = describe(exchange);
  if (!denial.judged) context.connection.refused({ object: `${exchange.method} ${path}`, reason: denial.reason });
  answer(context, exchange, denial);
}

function answer({ connection }: HandleContext, exchange: Exchange, denial: Denial): void {
  const { host, port, subject } = connection;
  deny(exchange, denial, { host, port, subject, ...describe(exchange) });
}

function describe({ method, target }: Exchange): { readonly method: string; readonly path: string } {
  return { method, path: target.replace(/[?#].*$/s, "").slice(0, 1024) };
}
