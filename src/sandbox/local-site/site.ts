/**
 * `http://cofferdam.local`: what a program of a sandbox can find out about its policy, and how it asks for more.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { accepts } from "hono/accepts";
import { bodyLimit } from "hono/body-limit";
import type { DecisionRecord } from "../../audit/mod.ts";
import type { LocalApp } from "../../egress/http/connection.ts";
import type { FlowSubject } from "../../egress/mod.ts";
import type { AccessRequests, AccessTicket } from "./access-requests.ts";
import { recentDenials } from "./denials.ts";
import { ASK_BYTES_MAX, readAccess } from "./read-access.ts";
import { type PolicySummary, summaryText } from "./summary.ts";

/** What the pages are made of. */
export interface SiteParts {
  policy(): PolicySummary;
  /** What was recorded of this sandbox, the newest last. */
  history(): readonly DecisionRecord[];
  readonly requests: AccessRequests;
}

/** The pages. */
export interface Site {
  /** As a program sees them. */
  for(subject: FlowSubject): LocalApp;
}

interface Env {
  Bindings: { readonly subject: FlowSubject };
}

/** How long a request waits for its answer unless it says otherwise (RFC 7240 §4.3), and at most, in seconds. */
const WAIT_S = 20;
const WAIT_MAX_S = 300;

/** Makes them. */
export function makeSite({ policy, history, requests }: SiteParts): Site {
  const app = new Hono<Env>();
  app.use(async (context, next) => {
    await next();
    context.header("Cache-Control", "no-store");
  });
  app.get("/", (context) => {
    const summary = policy();
    const supports = ["text/plain", "application/json"];
    const type = accepts(context, { header: "Accept", supports, default: "text/plain" });
    if (type === "application/json") return context.json(summary);
    // Said here, for a response of Bun that is text does not say so by itself.
    return context.text(summaryText(summary), 200, { "Content-Type": "text/plain; charset=UTF-8" });
  });
  app.get("/denials", (context) => context.json({ denials: recentDenials(history()) }));
  app.post("/requests", bodyLimit({ maxSize: ASK_BYTES_MAX, onError: tooLong }), async (context) => {
    const ask = readAccess(await context.req.json().catch(() => undefined));
    if (typeof ask === "string") return problem(context, 400, "malformed", ask);
    const made = requests.make(ask, context.env.subject);
    if ("retryAfterSeconds" in made) {
      context.header("Retry-After", String(made.retryAfterSeconds));
      return problem(context, 429, "too_many", "too many requests for access: wait, and ask for less");
    }
    return tell(context, (await requests.find(made.id, patience(context), context.req.raw.signal)) ?? made);
  });
  app.get("/requests/:id", async (context) => {
    const found = await requests.find(context.req.param("id"), patience(context), context.req.raw.signal);
    return found === undefined ? problem(context, 404, "not_found", "there is no such request") : context.json(found);
  });
  app.notFound((context) => problem(context, 404, "not_found", "there are GET /, GET /denials and POST /requests"));
  app.onError((_, context) => problem(context, 500, "failed", "the page failed"));
  return { for: (subject) => ({ fetch: (request) => app.fetch(request, { subject }) }) };
}

const STATUS = { allowed: 200, asks: 200, pending: 202, denied: 403 } as const;

function tell(context: Context<Env>, ticket: AccessTicket): Response {
  const place = `/requests/${ticket.id}`;
  if (ticket.status === "pending") context.header("Location", place);
  const scope = ticket.status === "allowed" ? { scope: SCOPE } : {};
  return context.json(
    { ...ticket, ...scope, ...(ticket.status === "pending" ? { more: place } : {}) },
    STATUS[ticket.status],
  );
}

const SCOPE = "all programs of this sandbox, until it ends or its policy is changed";

/** `Prefer: wait=10`, in milliseconds. */
function patience(context: Context<Env>): number {
  const [, wait] = /(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])/.exec(context.req.header("Prefer") ?? "") ?? [];
  return Math.min(wait === undefined ? WAIT_S : Number(wait), WAIT_MAX_S) * 1000;
}

function tooLong(context: Context): Response {
  return problem(context, 413, "too_large", `a request has at most ${ASK_BYTES_MAX} bytes`);
}

function problem(context: Context, status: 400 | 404 | 413 | 429 | 500, error: string, reason: string): Response {
  return context.json({ error, reason }, status);
}
