/**
 * One call: routed, sent to one provider after the other until one answers, and recorded when it is over.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { streamedResponse } from "../../../egress/http/streamed-response.ts";
import type { FlowSubject } from "../../../egress/mod.ts";
import type { Decided, InferenceAbout } from "../../../hooks/mod.ts";
import type { MeteredCall } from "../budget/meter.ts";
import { pieceFilter, type WireApi } from "../pieces/filter.ts";
import type { PieceFilter } from "../pieces/piece.ts";
import type { Route, Target } from "../plan.ts";
import { Carried } from "../privacy/carried.ts";
import { type Answered, attempt } from "./attempt.ts";
import { Hold, readBody } from "./body.ts";
import type { CallSetting } from "./call-types.ts";
import { type Endpoint, FAMILY, type WholeAnswer } from "./dialect.ts";
import { CallFailure, type FailureKind, failureResponse } from "./errors.ts";
import { Hearing } from "./hearing.ts";
import { type JsonObject, numberOf } from "./json.ts";
import { relayWhole } from "./relay.ts";
import { relayEvents } from "./relay-events.ts";
import { Transcript } from "./transcript.ts";
import { estimateTokens, NO_USAGE, type Usage } from "./usage.ts";

/** What makes it worth to ask the next provider. */
const PASSING: ReadonlySet<FailureKind> = new Set(["refused", "budget", "rate", "unreachable", "timeout", "upstream"]);

/** The longest name of a model. */
const MODEL_MAX = 256;

/** A call. */
export class Call {
  readonly #setting: CallSetting;
  readonly #endpoint: Endpoint;
  readonly #subject: FlowSubject;
  readonly #controller = new AbortController();
  readonly #began = performance.now();
  readonly #failed: string[] = [];
  #id: string | undefined;
  #model = "";
  #bytes = 0;
  #mostOutput = 0;
  #route: Route | undefined;
  #target: Target | undefined;
  #carried: Carried | undefined;
  /** The rules of privacy that somebody said yes to. */
  #approved: readonly string[] = [];
  /** Absent: what is said is not recorded. */
  #transcript: Transcript | undefined;
  #metered: MeteredCall | undefined;
  #decided: Decided | undefined;
  #firstByteMs: number | undefined;
  #onOver: (() => void) | undefined;
  #isOver = false;

  constructor(setting: CallSetting, endpoint: Endpoint, subject: FlowSubject) {
    this.#setting = setting;
    this.#endpoint = endpoint;
    this.#subject = subject;
  }

  /** Answers it. `onOver` is called once, when nothing of it is left. It never rejects. */
  async answer(request: Request, onOver: () => void): Promise<Response> {
    this.#onOver = onOver;
    const leave = (): void => this.#controller.abort(new CallFailure("unreachable", "The client went away"));
    request.signal.addEventListener("abort", leave, { once: true });
    if (request.signal.aborted) leave();
    const hold = new Hold(this.#setting.held);
    try {
      const body = await readBody(request, hold);
      this.#bytes = body.bytes;
      const asked = await this.#judge(body.json);
      return await this.#respond(await this.#ask(asked, request.headers, hold), asked);
    } catch (error) {
      const failure =
        error instanceof CallFailure
          ? error
          : new CallFailure("upstream", "The call failed on the way to the provider");
      this.#over(failure, this.#isPaid(failure) ? this.#estimate(this.#mostOutput) : NO_USAGE);
      return failureResponse(FAMILY[this.#endpoint], failure);
    } finally {
      hold.release();
    }
  }

  /** What a provider took, and nobody heard the end of, is paid for all the same. */
  #isPaid({ kind, options }: CallFailure): boolean {
    if (this.#metered === undefined || this.#target === undefined) return false;
    const isLost = kind === "upstream" && options.status === undefined;
    return this.#controller.signal.aborted || kind === "timeout" || isLost || options.taken === true;
  }

  /** Ends it where the policy in force would not send it where it goes. */
  check(): void {
    const target = this.#target;
    if (target === undefined) return;
    const { provider, model } = target;
    const plan = this.#setting.plan();
    const privately = plan.kind === "none" ? [] : plan.privacy.flatMap((rule) => rule.target ?? []);
    const isKept = [...(this.#find(this.#model)?.targets ?? []), ...privately].some(
      (now) => now.provider.name === provider.name && now.provider.baseUrl === provider.baseUrl && now.model === model,
    );
    if (!isKept)
      this.#controller.abort(new CallFailure("denied", "The policy was changed, and has no such route any more"));
  }

  #find(model: string): Route | undefined {
    const plan = this.#setting.plan();
    return plan.kind === "none" ? undefined : plan.routes.find(({ matches }) => matches(model));
  }

  /** Finds the route, and asks the hooks, which may make another call of it. */
  async #judge(body: JsonObject): Promise<JsonObject> {
    const route = this.#routed(body);
    const [first] = route.targets;
    const { judge } = this.#setting;
    const plan = this.#setting.plan();
    const asks = await this.#look(body);
    if (judge === undefined || first === undefined) return body;
    const about: InferenceAbout = { ...this.#about(route, first), verdict: asks.length > 0 ? "ask" : "allow" };
    const estimatedTokens = estimateTokens(this.#bytes);
    const { decided, body: changed } = await judge(
      { ...about, estimatedTokens, stream: body.stream === true, body },
      asks[0] === undefined ? { verdict: "allow", ruleId: route.id } : { verdict: "ask", ruleId: asks[0] },
      this.#controller.signal,
    );
    this.#decided = decided;
    if (decided.verdict === "deny") throw new CallFailure("denied", `The call was denied: ${decided.reason}`);
    this.#approved = asks;
    // The policy may have changed while somebody thought.
    if (changed === undefined) {
      this.#routed(body);
      if (this.#setting.plan() !== plan) await this.#look(body);
      return body;
    }
    // How the client wants its answer is its own affair.
    const made = { ...changed, ...(body.stream === undefined ? { stream: undefined } : { stream: body.stream }) };
    this.#routed(made);
    await this.#look(made);
    return made;
  }

  /** Looks at what it carries. Gives the rules that want somebody to be asked. @throws {CallFailure} If it may go nowhere. */
  async #look(body: JsonObject): Promise<readonly string[]> {
    const guard = await this.#setting.guards.of(this.#setting.plan());
    this.#carried = guard === undefined ? undefined : await Carried.of(guard, body);
    return this.#carried?.asks(this.#route?.targets ?? []).map(({ id }) => id) ?? [];
  }

  /** What hooks know of it. */
  #about({ id: ruleId }: Route, { provider: { name: provider, local } }: Target): InferenceAbout {
    const { pid, binary } = this.#subject;
    this.#id ??= randomUUID();
    const own = { id: this.#id, endpoint: this.#endpoint, model: this.#model };
    return { ...own, provider, local, pid, binary, verdict: "allow", ruleId };
  }

  /** Who hears its answer. Undefined: nobody does. */
  #hearing(): Hearing | undefined {
    const { hears } = this.#setting;
    const [route, target] = [this.#route, this.#target];
    if (hears === undefined || route === undefined || target === undefined) return undefined;
    return new Hearing({
      judge: hears,
      about: this.#about(route, target),
      signal: this.#controller.signal,
      onDenied: (decided) => {
        this.#decided = decided;
      },
    });
  }

  #routed(body: JsonObject): Route {
    this.#model = readModel(body);
    this.#route = this.#find(this.#model);
    if (this.#route === undefined) throw this.#unrouted(this.#model);
    return this.#route;
  }

  async #ask(body: JsonObject, headers: Headers, hold: Hold): Promise<Answered> {
    const model = this.#model;
    const plan = this.#setting.plan();
    if (plan.kind === "routes" && plan.recordsContent) this.#transcript = new Transcript();
    this.#metered = this.#setting.meter.begin(plan.kind === "none" ? {} : plan.budget, estimateTokens(this.#bytes));
    this.#mostOutput = mostOutput(body);
    const { signal } = this.#controller;
    const asked = { endpoint: this.#endpoint, headers, body, bytes: this.#bytes, model, hold, signal };
    let last: CallFailure | undefined;
    const targets = this.#route?.targets ?? [];
    for (const target of this.#carried?.targets(targets, this.#approved) ?? targets) {
      // Who was asked before may have taken it.
      if (last?.options.taken === true) this.#metered.lose(this.#estimate(this.#mostOutput));
      this.#target = target;
      try {
        this.#metered.to(target.provider, target.model ?? model);
        const said = (await this.#carried?.bodyFor(target, body)) ?? body;
        this.#transcript?.asked(said);
        return await attempt(this.#setting, { ...asked, body: said }, target);
      } catch (error) {
        if (!(error instanceof CallFailure) || !PASSING.has(error.kind) || signal.aborted) throw error;
        this.#failed.push(error.message);
        last = error;
      }
    }
    this.#failed.pop();
    throw last;
  }

  async #respond(answered: Answered, asked: JsonObject): Promise<Response> {
    const { dialect } = answered;
    const warning = this.#metered?.warning();
    const headers = [...answered.headers, ...(warning === undefined ? [] : [["x-cofferdam-budget", warning] as const])];
    this.#firstByteMs = performance.now() - this.#began;
    const hearing = this.#hearing();
    if ("whole" in answered) {
      const text = JSON.stringify(await this.#hear(answered.whole, hearing));
      return new Response(relayWhole(text, this.#setting.held), {
        headers: entries([...headers, ["content-type", "application/json"]]),
      });
    }
    const events = dialect.events(asked);
    const stream = relayEvents({
      stream: answered.pieces,
      idleMs: this.#target?.timeoutMs ?? 0,
      family: FAMILY[this.#endpoint],
      events,
      pieces: this.#pieces(dialect.speaks, hearing),
      held: this.#setting.held,
      budget: this.#setting.budget,
      signal: this.#controller.signal,
      onEnd: (failure, count) => {
        const { usage } = events;
        const isWhole = usage !== undefined && failure === undefined;
        // The end that tells the count may never have come.
        this.#over(failure, isWhole ? usage : this.#estimate(Math.max(count, usage?.outputTokens ?? 0), usage));
      },
    });
    const type = ["content-type", "text/event-stream; charset=utf-8"] as const;
    return streamedResponse(stream, { headers: entries([...headers, type, ["cache-control", "no-cache"]]) });
  }

  /** What looks at the pieces of an answer. Undefined: nobody does. */
  #pieces(api: WireApi, hearing: Hearing | undefined): PieceFilter | undefined {
    const hearer = hearing?.pieces();
    const transcript = this.#transcript;
    if (transcript === undefined) return hearer === undefined ? undefined : pieceFilter(api, hearer);
    return pieceFilter(api, {
      hearsEnds: hearer?.hearsEnds ?? false,
      ask: async (piece) => {
        const text = hearer === undefined ? piece.text : await hearer.ask(piece);
        transcript.heard(piece, text);
        return text;
      },
    });
  }

  /** The whole answer, once the hooks have heard it: it is paid for, whatever they say. */
  async #hear({ json, usage }: WholeAnswer, hearing: Hearing | undefined): Promise<JsonObject> {
    const used = usage ?? this.#estimate(estimateTokens(JSON.stringify(json).length));
    try {
      const heard = hearing === undefined ? json : await hearing.whole(json);
      this.#transcript?.answered(heard);
      this.#over(undefined, used);
      return heard;
    } catch (error) {
      if (error instanceof CallFailure) this.#over(error, used);
      throw error;
    }
  }

  #estimate(outputTokens: number, known: Usage | undefined = undefined): Usage {
    const inputTokens = known === undefined ? estimateTokens(this.#bytes) : known.inputTokens;
    return { inputTokens, outputTokens, cachedTokens: known?.cachedTokens ?? 0, estimated: true };
  }

  #unrouted(model: string): CallFailure {
    const plan = this.#setting.plan();
    const routes = plan.kind === "none" ? [] : plan.routes.flatMap(({ models }) => models);
    const known = routes.length === 0 ? "it has none" : `its routes are for ${routes.slice(0, 20).join(", ")}`;
    return new CallFailure(
      "denied",
      `The sandbox's policy has no route for the model ${JSON.stringify(model)}: ${known}. It would need one in inference.routes`,
    );
  }

  #over(failure: CallFailure | undefined, usage: Usage): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const usd = this.#metered?.settle(usage);
    const content = this.#transcript?.content;
    this.#setting.record({
      subject: this.#subject,
      endpoint: this.#endpoint,
      model: this.#model,
      ...(this.#route === undefined ? {} : { route: this.#route }),
      ...(this.#target === undefined ? {} : { target: this.#target }),
      ...(this.#decided === undefined ? {} : { decided: this.#decided }),
      usage,
      ...(usd === undefined ? {} : { usd }),
      ...(failure === undefined ? {} : { failure }),
      failed: this.#failed,
      privacy: this.#carried?.facts ?? [],
      ...(content === undefined ? {} : { content }),
      latencyMs: performance.now() - this.#began,
      ...(this.#firstByteMs === undefined ? {} : { firstByteMs: this.#firstByteMs }),
    });
    this.#onOver?.();
  }
}

function entries(lines: readonly (readonly [string, string])[]): [string, string][] {
  return lines.map(([name, value]) => [name, value]);
}

/** As many tokens are taken for an answer of which nobody knows the length. */
const OUTPUT_TOKENS = 8192;

function mostOutput(body: JsonObject): number {
  return (
    numberOf(body.max_completion_tokens) ??
    numberOf(body.max_output_tokens) ??
    numberOf(body.max_tokens) ??
    OUTPUT_TOKENS
  );
}

function readModel({ model }: JsonObject): string {
  if (typeof model !== "string" || model === "") throw new CallFailure("invalid", "The request names no model");
  if (model.length > MODEL_MAX || /[\u0000-\u001f\u007f\p{Surrogate}]/u.test(model)) {
    throw new CallFailure(
      "invalid",
      `The name of the model has more than ${MODEL_MAX} characters, or such as no name has`,
    );
  }
  return model;
}
