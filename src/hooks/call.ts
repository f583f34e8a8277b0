/**
 * One call of a plugin's or approver's function: its context, its deadline, and where in the program it is.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { SandboxError } from "../errors.ts";
import type { HookContext } from "./types.ts";

/** What becomes of a promise that is waited for. Exactly one of them is called, once. */
export interface Outcomes {
  onValue(value: unknown): unknown;
  onError(error: unknown): unknown;
  onLate(): unknown;
}

/** A call that somebody waits for. */
export class Call {
  readonly sandbox: string;
  #waiting = true;
  #controller: AbortController | undefined;
  #abort: { readonly reason: Error } | undefined;

  constructor(sandbox: string) {
    this.sandbox = sandbox;
  }

  /** Whether somebody still waits for it. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Made when it is first looked at: few hooks do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abort !== undefined) this.#controller.abort(this.#abort.reason);
    }
    return this.#controller.signal;
  }

  /** Nobody waits any more. */
  end(): void {
    this.#waiting = false;
  }

  /** As {@link end}, and the callee is told. */
  abort(reason: Error): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#abort = { reason };
    this.#controller?.abort(reason);
  }

  /** Waits for what the callee promised, no longer than a timer can count. What comes after its time is ignored. */
  settle(promise: PromiseLike<unknown>, timeoutMs: number, outcomes: Outcomes): void {
    let open = true;
    const once = (): boolean => {
      const first = open;
      open = false;
      return first;
    };
    const timer = setTimeout(() => once() && outcomes.onLate(), timeoutMs);
    const settled = (): boolean => {
      clearTimeout(timer);
      return once();
    };
    Promise.resolve(promise).then(
      (value) => void (settled() && outcomes.onValue(value)),
      (error: unknown) => void (settled() && outcomes.onError(error)),
    );
  }
}

/** A call of a hook. It is what the hook gets as its context. */
export class HookCall extends Call implements HookContext {
  readonly plugin: string;
  readonly hook: string;
  /** The call of another sandbox's hook that this one happens in. */
  readonly outer: HookCall | undefined;

  constructor(sandbox: string, plugin: string, hook: string) {
    super(sandbox);
    this.plugin = plugin;
    this.hook = hook;
    this.outer = calls.getStore();
  }

  /** Calls the hook. Whatever it starts, now or later, is known to be inside. */
  run<S>(handler: (subject: S, context: HookContext) => unknown, subject: S): unknown {
    return calls.run(this, invoke<S>, handler, subject, this);
  }
}

const calls = new AsyncLocalStorage<HookCall | undefined>();

function invoke<S>(handler: (subject: S, context: HookContext) => unknown, subject: S, call: HookCall): unknown {
  const answer = handler(subject, call);
  // What is lazy begins here, for it is the hook's doing.
  return isThenable(answer) ? Promise.resolve(answer) : answer;
}

/** Runs something that a hook may have led to, and that is not the hook: an approver or an observer. */
export function outsideHooks<T>(run: () => T): T {
  return calls.run(undefined, run);
}

/** Whether a value is a promise, or something like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  return "then" in value && typeof value.then === "function";
}

/** The hook of a sandbox that the caller runs in, if a decision waits for it. */
export function insideHookOf(sandbox: string): { readonly plugin: string; readonly hook: string } | undefined {
  for (let call = calls.getStore(); call !== undefined; call = call.outer) {
    if (call.sandbox === sandbox && call.waiting) return { plugin: call.plugin, hook: call.hook };
  }
  return undefined;
}

/**
 * Refuses what would wait for itself: an operation in a sandbox, from a hook that this sandbox waits for.
 *
 * @throws {SandboxError} HOOK_REENTRANT If the caller runs in such a hook.
 */
export function assertNotInHook(sandbox: string, operation: string): void {
  const inside = insideHookOf(sandbox);
  if (inside === undefined) return;
  const { plugin, hook } = inside;
  throw new SandboxError(
    "HOOK_REENTRANT",
    `Cannot call ${operation} of sandbox ${sandbox} from plugin "${plugin}": its hook ${hook} is what the sandbox waits for`,
    {
      details: { sandbox, operation, plugin, hook },
      hint: "Answer first, and do it afterwards; or use another sandbox",
    },
  );
}
