/**
 * `inference.local` of one sandbox: an API of both families that sends calls where the policy's routes lead.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import type { LocalApp } from "../../../egress/http/connection.ts";
import { ContentBudget } from "../../../egress/http/content.ts";
import type { FlowSubject } from "../../../egress/mod.ts";
import type { ApiFamily } from "../../../policy/providers/kinds.ts";
import { type BudgetNotice, Meter } from "../budget/meter.ts";
import { type ModelPrice, PriceTable } from "../budget/prices.ts";
import type { InferencePlan } from "../plan.ts";
import { type GuardParts, Guards } from "../privacy/guards.ts";
import { HeldBytes } from "./body.ts";
import { Call } from "./call.ts";
import type { CallSetting } from "./call-types.ts";
import type { Endpoint } from "./dialect.ts";
import { CallFailure, failureResponse } from "./errors.ts";
import { listModels, modelList, modelOf } from "./models.ts";

/** What a router is made of. */
export interface RouterSetting extends Omit<CallSetting, "held" | "budget" | "meter" | "guards">, GuardParts {
  /** @default list prices of some models */
  readonly prices?: readonly ModelPrice[] | undefined;
  /** A limit came near or to its end. */
  onBudget?(notice: BudgetNotice): void;
}

interface Env {
  Bindings: { readonly subject: FlowSubject };
}

/** Where providers have their API: what a client was made for decides. */
const BASES = ["/v1", "/api/v1", "/v1beta/openai", "/"];

const ENDPOINTS: readonly (readonly [path: string, endpoint: Endpoint])[] = [
  ["/chat/completions", "chat"],
  ["/responses", "responses"],
  ["/completions", "completions"],
  ["/embeddings", "embeddings"],
  ["/messages", "messages"],
  ["/messages/count_tokens", "count_tokens"],
];

/** The most calls of a sandbox at one time. */
const CALLS_MAX = 1024;

/** How long a list of models is good for, in milliseconds. */
const LISTED_MS = 30_000;

/** Takes calls. */
export class Router {
  readonly #setting: CallSetting;
  readonly #calls = new Set<Call>();
  readonly #app = new Hono<Env>();
  #listed: { readonly plan: InferencePlan; readonly until: number; readonly names: Promise<string[]> } | undefined;

  constructor(setting: RouterSetting) {
    const meter = new Meter(new PriceTable(setting.prices), (notice) => setting.onBudget?.(notice));
    this.#setting = {
      ...setting,
      held: new HeldBytes(),
      budget: new ContentBudget(),
      meter,
      guards: new Guards(setting),
    };
    for (const base of BASES) this.#app.route(base, this.#api());
    this.#app.notFound((context) => problem(context, new CallFailure("not_found", NO_PAGE)));
    this.#app.onError((error, context) => {
      const failure = error instanceof CallFailure ? error : new CallFailure("upstream", "The router failed");
      return problem(context, failure);
    });
  }

  /** What answers a program. */
  for(subject: FlowSubject): LocalApp {
    return { fetch: (request) => this.#app.fetch(request, { subject }) };
  }

  /** Another policy is in force: calls that it would not send where they went are ended. */
  policyChanged(): void {
    for (const call of this.#calls) call.check();
  }

  #api(): Hono<Env> {
    const api = new Hono<Env>();
    for (const [path, endpoint] of ENDPOINTS) api.post(path, (context) => this.#take(endpoint, context));
    api.get("/models", async (context) => {
      return context.json(modelList(familyOf(context), await this.#models()));
    });
    api.get("/models/:name{.+}", (context) => {
      return context.json(modelOf(familyOf(context), this.#setting.plan(), context.req.param("name")));
    });
    return api;
  }

  /** Providers are asked with the host's keys, so not as often as a program likes. */
  #models(): Promise<string[]> {
    const plan = this.#setting.plan();
    const now = performance.now();
    if (this.#listed?.plan !== plan || this.#listed.until < now) {
      this.#listed = { plan, until: now + LISTED_MS, names: listModels(this.#setting, plan) };
    }
    return this.#listed.names;
  }

  #take(endpoint: Endpoint, context: Context<Env>): Promise<Response> {
    if (this.#calls.size >= CALLS_MAX) {
      throw new CallFailure("rate", `More than ${CALLS_MAX} calls are under way: wait until some of them have ended`);
    }
    const call = new Call(this.#setting, endpoint, context.env.subject);
    this.#calls.add(call);
    return call.answer(context.req.raw, () => this.#calls.delete(call));
  }
}

const NO_PAGE =
  "There is nothing here: the API has chat/completions, responses, completions, embeddings, models, messages and messages/count_tokens";

/** A client of Anthropic's API says so in every request. */
function familyOf(context: Context): ApiFamily {
  const isAnthropic =
    context.req.header("anthropic-version") !== undefined || /\/messages(?:\/|$)/.test(context.req.path);
  return isAnthropic ? "anthropic" : "openai";
}

function problem(context: Context, failure: CallFailure): Response {
  return failureResponse(familyOf(context), failure);
}
