/**
 * The plugins of one sandbox: what it asks, and what it tells.
 *
 * @module
 */
import { ApprovalMemory } from "../approvals/memory.ts";
import { joinApprovers } from "../approvals/several.ts";
import type { DecisionRecord } from "../audit/mod.ts";
import { SandboxError } from "../errors.ts";
import { APPROVE_TIMEOUT_MS } from "./approval.ts";
import { accessRequest, connectRequest, startRequest } from "./approval-requests.ts";
import type { Decided, DecideOptions, PolicyRuling } from "./decided.ts";
import { MATCH } from "./filter.ts";
import { Gate } from "./gate.ts";
import { chainOf, type Hooked, type HookedMessage, type HookedResponse } from "./hooked.ts";
import type { HookedAnswer, HookedCall, HookedChunk, HookedInference } from "./hooked-call.ts";
import type { HookedRequest } from "./hooked-request.ts";
import type { InferenceAbout, InferenceAnswer, InferenceCall, InferenceChunk } from "./inference-types.ts";
import { type Bench, type Case, Judging } from "./judging.ts";
import { Lifetime, SETUP_TIMEOUT_MS } from "./lifetime.ts";
import { Observers } from "./observers.ts";
import type { DecideHook, InferenceHook, TrafficHook } from "./read-hook.ts";
import { type ReadPlugin, readPlugins } from "./read-plugins.ts";
import type {
  AnswerHooks,
  HookDomain,
  RegistryLimits,
  RegistryOptions,
  RequestedAccess,
  Subscription,
  TrafficHooks,
} from "./registry-types.ts";
import type { FilesystemAccess, NetworkConnect, NetworkMessage, ProcessStart } from "./subjects.ts";
import type { LifecycleEvent, MessageHandler, Plugin, RequestHandler, ResponseHandler } from "./types.ts";

const LIMITS: RegistryLimits = { running: 256, waiting: 4096, approvals: 1024 };

/** The most that all hooks of a domain may take together, in milliseconds: a day. */
const DEADLINE_MAX_MS = 86_400_000;

/** The longest delay of a timer; past it, one fires at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

const ORDERS = ["pre", "normal", "post"] as const;

/** Plugins that are set up. */
export class PluginRegistry {
  readonly #access: readonly DecideHook<FilesystemAccess>[];
  readonly #start: readonly DecideHook<ProcessStart>[];
  readonly #connect: readonly DecideHook<NetworkConnect>[];
  readonly #request: readonly TrafficHook<RequestHandler>[];
  readonly #response: readonly TrafficHook<ResponseHandler>[];
  readonly #message: readonly TrafficHook<MessageHandler>[];
  readonly #call: readonly InferenceHook<InferenceCall>[];
  readonly #chunk: readonly InferenceHook<InferenceChunk>[];
  readonly #answer: readonly InferenceHook<InferenceAnswer>[];
  readonly #decision: Observers<DecisionRecord>;
  readonly #lifecycle: Observers<LifecycleEvent>;
  readonly #bench: Bench;
  readonly #lifetime: Lifetime;
  #closed = false;

  private constructor(plugins: readonly ReadPlugin[], options: RegistryOptions, lifetime: Lifetime) {
    const { sandbox, approve, approveTimeoutMs = APPROVE_TIMEOUT_MS, patch, onRefused, onProblem } = options;
    const limits = { ...LIMITS, ...options.limits };
    this.#access = inOrder(plugins.flatMap(({ access }) => access ?? []));
    this.#start = inOrder(plugins.flatMap(({ start }) => start ?? []));
    this.#connect = inOrder(plugins.flatMap(({ connect }) => connect ?? []));
    this.#request = inOrder(plugins.flatMap(({ request }) => request ?? []));
    this.#response = inOrder(plugins.flatMap(({ response }) => response ?? []));
    this.#message = inOrder(plugins.flatMap(({ message }) => message ?? []));
    this.#call = inOrder(plugins.flatMap(({ call }) => call ?? []));
    this.#chunk = inOrder(plugins.flatMap(({ chunk }) => chunk ?? []));
    this.#answer = inOrder(plugins.flatMap(({ answer }) => answer ?? []));
    this.#decision = new Observers(
      sandbox,
      plugins.flatMap(({ decision }) => decision ?? []),
      onProblem,
    );
    this.#lifecycle = new Observers(
      sandbox,
      plugins.flatMap(({ lifecycle }) => lifecycle ?? []),
      onProblem,
    );
    this.#bench = {
      sandbox,
      gate: new Gate(limits.running, limits.waiting),
      approvals: new Gate(limits.approvals, 0),
      approve: joinApprovers(approve, plugins),
      approveTimeoutMs: Math.min(approveTimeoutMs, TIMER_MAX_MS),
      memory: new ApprovalMemory(),
      ...{ patch, onRefused },
      onProblem,
    };
    this.#lifetime = lifetime;
  }

  /**
   * Checks plugins, and sets them up in their order.
   *
   * @throws {SandboxError} PLUGIN_INVALID If one is malformed or fails to set up; none is set up then.
   * @throws {SandboxError} ARGUMENT_INVALID If `approve` is no function.
   */
  static async open(plugins: readonly Plugin[], options: RegistryOptions): Promise<PluginRegistry> {
    const { sandbox, approve, onProblem } = options;
    if (approve !== undefined && typeof approve !== "function") {
      throw new SandboxError("ARGUMENT_INVALID", `Cannot use a ${typeof approve} as approve`, {
        details: { argument: "approve", value: approve },
        hint: "Give a function that answers true or false",
      });
    }
    const read = readPlugins(plugins);
    const lifetime = new Lifetime(sandbox, onProblem);
    const registry = new PluginRegistry(read, options, lifetime);
    await lifetime.setUp(read, SETUP_TIMEOUT_MS);
    return registry;
  }

  /** What the warden asks about for the sake of a hook, beside what the policy leaves open. */
  subscriptions(): readonly Subscription[] {
    const of = (domain: Subscription["domain"], hooks: readonly DecideHook<never>[]): Subscription[] => {
      return hooks.map(({ operations, paths, binaries }) => ({ domain, operations, paths, binaries }));
    };
    return [...of("filesystem", this.#access), ...of("process", this.#start)];
  }

  /** Whether a hook decides there. */
  needs(domain: HookDomain): boolean {
    return this.#hooks(domain).length > 0;
  }

  /** Whether a rule can defer to a hook of that name. */
  hasHook(name: string, domain?: HookDomain): boolean {
    const domains = domain === undefined ? (["filesystem", "process", "network"] as const) : [domain];
    return domains.some((each) => this.#hooks(each).some((hook) => hook.name === name));
  }

  /** How long the hooks of a domain may take together, in milliseconds. */
  maxDeadlineMs(domain: HookDomain): number {
    const sum = this.#hooks(domain).reduce((total, { timeoutMs }) => total + timeoutMs, 0);
    return Math.min(Math.ceil(sum), DEADLINE_MAX_MS);
  }

  /** Decides about an operation on a path. It never throws and never rejects. */
  decideAccess(
    access: FilesystemAccess,
    ruling: PolicyRuling,
    options: DecideOptions = {},
  ): Decided | Promise<Decided> {
    if (this.#closed) return ended();
    // One hook's slip must not change what the next one sees.
    Object.freeze(access);
    const about = {
      subject: access,
      hooks: this.#access,
      maySubstitute: access.operation === "read",
      request: accessRequest,
    };
    return new Judging(this.#bench, about, ruling, options).decide();
  }

  /** Decides about the start of a program. It never throws and never rejects. */
  decideStart(start: ProcessStart, ruling: PolicyRuling, options: DecideOptions = {}): Decided | Promise<Decided> {
    if (this.#closed) return ended();
    Object.freeze(start.argv);
    Object.freeze(start.argvBytes);
    Object.freeze(start.parents);
    Object.freeze(start);
    const about = { subject: start, hooks: this.#start, maySubstitute: false, request: startRequest };
    return new Judging(this.#bench, about, ruling, options).decide();
  }

  /** Decides about a connection. It never throws and never rejects. */
  decideConnect(
    connect: NetworkConnect,
    ruling: PolicyRuling,
    options: DecideOptions = {},
  ): Decided | Promise<Decided> {
    if (this.#closed) return ended();
    Object.freeze(connect);
    const about = { subject: connect, hooks: this.#connect, maySubstitute: false, request: connectRequest };
    return new Judging(this.#bench, about, ruling, options).decide();
  }

  /**
   * Decides about access that a program asks for, where the policy has no answer. Hooks of connections can deny it, and only
   * the approver can allow it: a hook that allows what it is asked about has not been asked to widen the policy. It never
   * throws and never rejects.
   */
  decideRequested(requested: RequestedAccess, options: DecideOptions = {}): Decided | Promise<Decided> {
    if (this.#closed) return ended();
    const subject = Object.freeze(requested.connect);
    const hooks = this.#connect.map(
      (hook): DecideHook<NetworkConnect> => ({
        ...hook,
        matches: (connect) => (hook.matches(connect) === MATCH.NONE ? MATCH.NONE : MATCH.PARTLY),
      }),
    );
    const request = () => ({ domain: "network", ...requested }) as const;
    return new Judging(
      this.#bench,
      { subject, hooks, maySubstitute: false, request },
      { verdict: "ask" },
      options,
    ).decide();
  }

  /** Whether somebody can be asked for more than the policy allows. */
  get hasApprover(): boolean {
    return this.#bench.approve !== undefined;
  }

  /** Another policy is in force: what approvers said for longer is asked again. */
  policyChanged(): void {
    this.#bench.memory.policyChanged();
  }

  /** Whether hooks see what goes over connections. */
  get seesRequests(): boolean {
    return this.#request.length + this.#response.length + this.#message.length > 0;
  }

  /** The hooks that see what goes over a connection, by kind. */
  trafficHooks(connect: NetworkConnect): TrafficHooks {
    const matching = <F>(hooks: readonly TrafficHook<F>[]) =>
      hooks.filter((hook) => hook.matches(connect) !== MATCH.NONE);
    return {
      request: matching(this.#request),
      response: matching(this.#response),
      message: matching(this.#message),
    };
  }

  /** Decides about an HTTP request on a connection, and lets hooks change it. It never throws and never rejects. */
  decideRequest(hooked: HookedRequest, ruling: PolicyRuling, options: DecideOptions = {}): Decided | Promise<Decided> {
    const { connect, about: request } = hooked;
    const about = () => ({ domain: "network", connect, request }) as const;
    return this.#decideHooked(request, this.trafficHooks(connect).request, hooked, about, ruling, options);
  }

  /** Decides about the response of a host, and lets hooks change it. It never throws and never rejects. */
  decideResponse(hooked: HookedResponse, options: DecideOptions = {}): Decided | Promise<Decided> {
    const { connect, about: request } = hooked;
    const about = () => ({ domain: "network", connect, request, response: true }) as const;
    const { ruleId } = request;
    return this.#decideHooked(
      request,
      this.trafficHooks(connect).response,
      hooked,
      about,
      { verdict: "allow", ruleId },
      options,
    );
  }

  /** Decides about a message, and lets hooks change it. It never throws and never rejects. */
  decideMessage(hooked: HookedMessage, ruling: PolicyRuling, options: DecideOptions = {}): Decided | Promise<Decided> {
    const { connect, about: request } = hooked;
    const about = (message: NetworkMessage) => ({ domain: "network", connect, request, message }) as const;
    const { message } = hooked;
    return this.#decideHooked(message, this.trafficHooks(connect).message, hooked, about, ruling, options);
  }

  /** Decides about a call to a model, and lets hooks change it. It never throws and never rejects. */
  decideCall(hooked: HookedCall, ruling: PolicyRuling, options: DecideOptions = {}): Decided | Promise<Decided> {
    const request = () => ({ domain: "inference", call: hooked.current }) as const;
    return this.#decideInference(hooked, this.#call, request, ruling, options);
  }

  /** Whether hooks see the answers of models. */
  get hearsAnswers(): boolean {
    return this.#chunk.length + this.#answer.length > 0;
  }

  /** Which of the hooks of answers there are for a call. */
  answerHooks(about: Pick<InferenceAbout, "model" | "binary">): AnswerHooks {
    const matches = (hook: InferenceHook<never>) => hook.matches(about as never) !== MATCH.NONE;
    const chunk = this.#chunk.filter(matches);
    return { chunk: chunk.length > 0, ends: chunk.some(({ ends }) => ends), answer: this.#answer.some(matches) };
  }

  /** Decides about a piece of an answer, and lets hooks change it. It never throws and never rejects. */
  decideChunk(hooked: HookedChunk, ruling: PolicyRuling, options: DecideOptions = {}): Decided | Promise<Decided> {
    const request = () => ({ domain: "inference", chunk: hooked.current }) as const;
    return this.#decideInference(hooked, this.#chunk, request, ruling, options);
  }

  /** Decides about a whole answer, and lets hooks change it. It never throws and never rejects. */
  decideAnswer(hooked: HookedAnswer, ruling: PolicyRuling, options: DecideOptions = {}): Decided | Promise<Decided> {
    const request = () => ({ domain: "inference", answer: hooked.current }) as const;
    return this.#decideInference(hooked, this.#answer, request, ruling, options);
  }

  /** An approver sees what the hooks before made of it. */
  #decideInference<S extends InferenceAbout>(
    hooked: HookedInference<S>,
    hooks: readonly InferenceHook<S>[],
    request: Case<S>["request"],
    ruling: PolicyRuling,
    options: DecideOptions,
  ): Decided | Promise<Decided> {
    if (this.#closed) return ended();
    const about = { subject: hooked.current, hooks: hooked.chain(hooks), maySubstitute: false, request };
    return new Judging(this.#bench, about, ruling, options).decide();
  }

  #decideHooked<S, F>(
    subject: S,
    hooks: readonly TrafficHook<F>[],
    hooked: Hooked<F>,
    request: Case<S>["request"],
    ruling: PolicyRuling,
    options: DecideOptions,
  ): Decided | Promise<Decided> {
    if (this.#closed) return ended();
    const about = { subject, hooks: chainOf<S, F>(hooks, hooked), maySubstitute: false, request };
    return new Judging(this.#bench, about, ruling, options).decide();
  }

  /** Tells the hooks `decision`. It never throws. */
  observeDecision(record: DecisionRecord): void {
    this.#decision.tell(record);
  }

  /** Tells the hooks `lifecycle`. It never throws. */
  observeLifecycle(event: LifecycleEvent): void {
    this.#lifecycle.tell(event);
  }

  /** Denies what is asked from now on, and undoes what plugins have set up, in reverse order. Idempotent. */
  teardown(): Promise<void> {
    this.#closed = true;
    this.#bench.gate.close();
    return this.#lifetime.tearDown();
  }

  #hooks(domain: HookDomain): readonly DecideHook<never>[] {
    return { filesystem: this.#access, process: this.#start, network: this.#connect }[domain];
  }
}

function inOrder<H extends Pick<DecideHook<never>, "order">>(hooks: readonly H[]): readonly H[] {
  return ORDERS.flatMap((order) => hooks.filter((hook) => hook.order === order));
}

function ended(): Decided {
  return { verdict: "deny", decidedBy: { kind: "policy" }, reason: "the sandbox has ended", latencyMs: 0 };
}
