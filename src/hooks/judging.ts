/**
 * One decision on its way through the hooks and, where it is asked, the approver.
 *
 * It ends synchronously where every hook answers so: then it costs no promise, no timer and no signal.
 *
 * @module
 */
import { consult, scopesOf } from "../approvals/consult.ts";
import { factsOf } from "../approvals/facts.ts";
import type { ApprovalMemory, GivenAnswer } from "../approvals/memory.ts";
import type { PolicyPatch } from "../approvals/policy-patch.ts";
import { type Approval, ApprovalCall } from "./approval.ts";
import type { ApprovalRequest, Approver, RefusedAnswer } from "./approval-types.ts";
import { type Call, HookCall, isThenable, type Outcomes, outsideHooks } from "./call.ts";
import type { Decided, DecideOptions, DecisionMaker, PolicyRuling } from "./decided.ts";
import { MATCH, type Match } from "./filter.ts";
import type { Gate, Waiter } from "./gate.ts";
import { FAILURES, type HookFailure, hookFailed, type ProblemListener, report } from "./problems.ts";
import type { DecideHook } from "./read-hook.ts";
import { type Conclusion, makerOf, POLICY, Tally } from "./tally.ts";
import { readVerdict } from "./verdict.ts";

/** What all decisions of a sandbox share. */
export interface Bench {
  readonly sandbox: string;
  /** Bounds the decisions that are with a hook. */
  readonly gate: Gate;
  /** Bounds those that are with the approver. There is no line before it: a person takes too long. */
  readonly approvals: Gate;
  readonly approve: Approver | undefined;
  readonly approveTimeoutMs: number;
  /** Answers that hold for longer. */
  readonly memory: ApprovalMemory;
  /** Where answers for always are written down. */
  readonly patch: PolicyPatch | undefined;
  readonly onRefused: ((answer: RefusedAnswer) => void) | undefined;
  readonly onProblem: ProblemListener | undefined;
}

/** What a decision is about. */
export interface Case<S> {
  readonly subject: S;
  /** In their order. */
  readonly hooks: readonly DecideHook<S>[];
  /** Whether a hook may answer with other content. */
  readonly maySubstitute: boolean;
  readonly request: (subject: S) => SubjectOf<ApprovalRequest>;
}

type SubjectOf<R> = R extends unknown ? Omit<R, "reason" | "askedBy" | "ruleId"> : never;

const APPROVER = Object.freeze({ kind: "approver", name: "approve" } as const);
const FILE = "the file of approved rules";
const SHORTER = "The answer holds for this sandbox alone";
const GONE = "nobody waits for the answer any more";
const DENIED = "The operation was denied";

/** A decision. */
export class Judging<S> implements Waiter {
  readonly #bench: Bench;
  readonly #case: Case<S>;
  readonly #ruling: PolicyRuling;
  readonly #options: DecideOptions;
  readonly #tally: Tally;
  readonly #began = performance.now();
  #next = 0;
  /** Where it holds a place. */
  #place: Gate | undefined;
  /** The call that it waits for. */
  #call: Call | undefined;
  #asked = false;
  #forget: () => void = () => undefined;
  #decided: Decided | undefined;
  #resolve: ((decided: Decided) => void) | undefined;

  constructor(bench: Bench, about: Case<S>, ruling: PolicyRuling, options: DecideOptions) {
    this.#bench = bench;
    this.#case = about;
    this.#ruling = ruling;
    this.#options = options;
    this.#tally = new Tally(ruling);
  }

  /** Decides. It never throws and never rejects: what goes wrong is a denial. */
  decide(): Decided | Promise<Decided> {
    const { gate } = this.#bench;
    const { signal } = this.#options;
    if (signal?.aborted) this.#gone();
    else if (gate.enter(this.command)) this.start();
    else if (!gate.wait(this)) this.#deny(POLICY, "too many decisions were waiting");
    if (this.#decided !== undefined) return this.#decided;
    const promise = new Promise<Decided>((resolve) => {
      this.#resolve = resolve;
    });
    signal?.addEventListener("abort", this.#gone, { once: true });
    // A hook may have led to it.
    if (signal?.aborted) this.#gone();
    return promise;
  }

  get command(): number | undefined {
    return this.#options.command;
  }

  start(): void {
    this.#place = this.#bench.gate;
    const nobody = this.#tally.deferredToNobody(this.#case.hooks);
    if (nobody === undefined) this.#advance();
    else this.#finish(nobody);
  }

  cancel(): void {
    this.#deny(POLICY, "the sandbox has ended");
  }

  /** The place is kept until the hook is done, or its time is up: it still runs. */
  readonly #gone = (): void => {
    this.#bench.gate.forget(this);
    this.#deny(POLICY, GONE);
    this.#call?.abort(new Error(GONE));
  };

  /** Asks one hook after the other, as long as they answer at once. */
  #advance(): void {
    this.#guard(() => {
      const { hooks, subject } = this.#case;
      for (let hook = hooks[this.#next++]; hook !== undefined; hook = hooks[this.#next++]) {
        const match = hook.matches(subject);
        if (match !== MATCH.NONE && !this.#ask(hook, match)) return;
      }
      const conclusion = this.#tally.conclude();
      if (conclusion.verdict === "ask") this.#seekApproval(conclusion);
      else this.#finish(conclusion);
    });
  }

  /** Whether to go on at once. */
  #ask(hook: DecideHook<S>, match: Match): boolean {
    const call = new HookCall(this.#bench.sandbox, hook.plugin, hook.hook);
    let answer: unknown;
    try {
      answer = call.run(hook.handler, this.#case.subject);
    } catch (error) {
      call.end();
      this.#fail(hook, "threw", error);
      return false;
    }
    if (!isThenable(answer)) {
      call.end();
      return this.#take(hook, match, answer);
    }
    this.#settle(call, answer, hook.timeoutMs, {
      onValue: (value) => {
        if (this.#take(hook, match, value)) this.#advance();
      },
      onError: (error) => this.#fail(hook, "threw", error),
      onLate: () => this.#fail(hook, "late"),
    });
    return false;
  }

  /** Takes an answer; whether to go on. */
  #take(hook: DecideHook<S>, match: Match, answer: unknown): boolean {
    if (answer === undefined) return true;
    const verdict = readVerdict(answer);
    if (verdict === undefined || (verdict.verdict === "substitute" && !this.#case.maySubstitute)) {
      this.#fail(hook, "nonsense");
      return false;
    }
    if (verdict.verdict === "deny") {
      this.#deny(makerOf(hook), verdict.reason || `plugin "${hook.plugin}" denies it`, hook.timeoutMs);
      return false;
    }
    this.#tally.note(hook, match, verdict);
    return true;
  }

  #seekApproval({ by, reason }: Conclusion): void {
    const { approve, approvals, approveTimeoutMs, memory } = this.#bench;
    this.#leave();
    if (approve === undefined) {
      this.#deny(by, `${reason}; there is no approver`);
      return;
    }
    const request = this.#request(by, reason);
    const facts = factsOf(request);
    const known = facts === undefined ? undefined : memory.recall(facts);
    if (known !== undefined) {
      this.#answered(known, true);
      return;
    }
    if (!approvals.enter(this.command)) {
      this.#deny(POLICY, "too many decisions wait for the approver");
      return;
    }
    this.#place = approvals;
    this.#asked = true;
    this.#options.onHold?.(approveTimeoutMs);
    this.#consult(approve, request, facts);
  }

  #consult(approve: Approver, request: ApprovalRequest, facts: string | undefined): void {
    const { approveTimeoutMs: timeoutMs, memory, patch, sandbox, onProblem, onRefused } = this.#bench;
    const { generation } = memory;
    const call = new ApprovalCall({ sandbox, timeoutMs, scopes: scopesOf(request, patch !== undefined), onRefused });
    // The same may be asked many times at once: one answer for longer is one to all of them.
    const forget =
      facts === undefined
        ? () => undefined
        : memory.expect(facts, (given) => {
            this.#answered(given, true);
            call.abort(new Error("it was answered meanwhile"));
          });
    const deny = (words: string): void => this.#deny({ ...APPROVER, question: call.id }, words, timeoutMs);
    const onValue = (approval: Approval | undefined): void => {
      forget();
      if (approval === undefined) {
        deny("it was not approved");
        report(onProblem, hookFailed(undefined, "the approver", "nonsense", DENIED));
        return;
      }
      const { allowed, scope, reason, by = APPROVER.name } = approval;
      const given: GivenAnswer = { allowed, reason, by, at: new Date().toISOString(), scope, question: call.id };
      this.#answered(given, false);
      if (facts !== undefined && scope !== "once") memory.remember(facts, given, generation);
    };
    const onError = (error: unknown): void => {
      forget();
      deny("the approver failed");
      report(onProblem, hookFailed(undefined, "the approver", "threw", DENIED, error));
    };
    const onLate = (): void => {
      forget();
      deny(`it was not approved within ${timeoutMs} ms`);
    };
    const onUnwritten = (error: unknown): void =>
      report(onProblem, hookFailed(undefined, FILE, "threw", SHORTER, error));
    this.#forget = forget;
    try {
      const answer = outsideHooks(() => consult({ approve, patch, onUnwritten }, request, call));
      if (isThenable(answer)) {
        const onPromised = (value: unknown): void => onValue(value as Approval | undefined);
        this.#settle(call, answer, timeoutMs, { onValue: onPromised, onError, onLate });
      } else onValue(answer);
    } catch (error) {
      call.end();
      onError(error);
    }
  }

  /** Somebody answered, now or before. */
  #answered({ allowed, reason, by, ...answer }: GivenAnswer, remembered: boolean): void {
    const maker: DecisionMaker = { kind: "approver", name: by, ...answer, ...(remembered ? { remembered } : {}) };
    const { approveTimeoutMs } = this.#bench;
    if (allowed) this.#finish(this.#tally.approved(maker, reason, approveTimeoutMs));
    else this.#deny(maker, reason || "it was not approved", approveTimeoutMs);
  }

  #request(askedBy: DecisionMaker, reason: string): ApprovalRequest {
    const { ruleId } = this.#ruling;
    const { subject, request } = this.#case;
    return { ...request(subject), reason, askedBy, ...(ruleId === undefined ? {} : { ruleId }) };
  }

  /** Waits for a hook or the approver. If it was decided meanwhile, their end only gives the place back. */
  #settle(call: Call, answer: PromiseLike<unknown>, timeoutMs: number, { onValue, onError, onLate }: Outcomes): void {
    this.#call = call;
    const unlessDecided = (run: () => unknown): void => {
      if (this.#decided === undefined) this.#guard(run);
      else this.#leave();
    };
    call.settle(answer, timeoutMs, {
      onValue: (value) => {
        call.end();
        unlessDecided(() => onValue(value));
      },
      onError: (error) => {
        call.end();
        unlessDecided(() => onError(error));
      },
      onLate: () => {
        call.abort(new Error(`its ${timeoutMs} ms are over`));
        unlessDecided(onLate);
      },
    });
  }

  #guard(run: () => unknown): void {
    try {
      run();
    } catch (error) {
      this.#deny(POLICY, "the decision failed");
      report(this.#bench.onProblem, hookFailed(undefined, "the chain of hooks", "threw", DENIED, error));
    }
  }

  #fail(hook: DecideHook<S>, failure: HookFailure, cause?: unknown): void {
    const late = failure === "late" ? ` (${hook.timeoutMs} ms)` : "";
    this.#deny(makerOf(hook), `plugin "${hook.plugin}" failed: ${FAILURES[failure]}${late}`, hook.timeoutMs);
    report(this.#bench.onProblem, hookFailed(hook.plugin, hook.hook, failure, DENIED, cause));
  }

  #deny(by: DecisionMaker, reason: string, deadlineMs?: number): void {
    this.#finish({ verdict: "deny", by, reason, ...(deadlineMs === undefined ? {} : { deadlineMs }) });
  }

  /** The first end counts. */
  #finish({ verdict, by, reason, deadlineMs }: Conclusion): void {
    if (this.#decided === undefined) {
      const { content } = this.#tally;
      this.#decided = {
        verdict: verdict === "allow" ? "allow" : "deny",
        decidedBy: by,
        reason,
        latencyMs: performance.now() - this.#began,
        ...(verdict === "allow" && content !== undefined ? { content } : {}),
        ...(this.#asked ? { asked: true } : {}),
        ...(deadlineMs === undefined ? {} : { deadlineMs }),
      };
      this.#forget();
      this.#options.signal?.removeEventListener("abort", this.#gone);
      this.#resolve?.(this.#decided);
    }
    if (this.#call?.waiting !== true) this.#leave();
  }

  #leave(): void {
    const place = this.#place;
    this.#place = undefined;
    place?.leave(this.command);
  }
}
