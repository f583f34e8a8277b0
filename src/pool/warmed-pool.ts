/**
 * A pool of sandboxes: what `createPool` gives.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { Runtime, StartRequest, WorkspaceRequest } from "../runtimes/runtime.ts";
import { milliseconds } from "../sandbox/arguments.ts";
import { narrowedSection } from "../sandbox/change-policy.ts";
import { openAhead } from "../sandbox/first-policy.ts";
import { createId } from "../sandbox/id.ts";
import { readProviders } from "../sandbox/inference/options.ts";
import { resolveWorkspace } from "../sandbox/options.ts";
import { type Plans, planDomains } from "../sandbox/plan-domains.ts";
import { type ReadPolicy, readPolicy } from "../sandbox/read-policy.ts";
import { resolveRoot } from "../sandbox/root.ts";
import type { Sandbox } from "../sandbox/running.ts";
import { makeTrust } from "../sandbox/trust.ts";
import { openSandbox } from "../sandbox.ts";
import type { WaitOptions } from "./line.ts";
import {
  ACQUIRE_OPTIONS,
  type AcquireOptions,
  fixedOptions,
  ownOptions,
  type PoolBounds,
  type PoolOptions,
  refuseOthers,
} from "./options.ts";
import { closed, type ReadySandbox, Stock } from "./stock.ts";

/** How many sandboxes a pool has. */
export interface PoolCounts {
  /** Ready to be acquired. */
  readonly ready: number;
  /** On their way to be ready. */
  readonly starting: number;
  /** Acquired, and not ended yet. */
  readonly inUse: number;
  /** Callers of `acquire` that wait. */
  readonly waiting: number;
}

/** Sandboxes that are ready before they are needed. `await using` closes it with its scope. */
export interface Pool extends AsyncDisposable {
  readonly counts: PoolCounts;
  /**
   * Gives a sandbox that nobody has used, and nobody else gets: it is the caller's to end, as one of `createSandbox`.
   *
   * Shape: what differs between callers (hooks, approver, audit, environment, a narrower policy) comes into force now. If
   * none is ready, the caller waits in line, and is told if the start that was for it fails.
   *
   * @throws {SandboxError} POOL_EXHAUSTED If too many wait already, or none comes free within `timeoutMs`.
   * @throws {SandboxError} POOL_CLOSED If the pool is closed.
   * @throws {SandboxError} POLICY_WIDENS If `policy` allows something that the pool's does not.
   * @throws {SandboxError} ABORTED If `signal` says so first.
   * @throws {SandboxError} Whatever `createSandbox` throws for the start that was for this caller.
   *
   * @example
   * ```ts
   * import { createPool, definePlugin, deny } from "cofferdam";
   *
   * const quiet = definePlugin(() => ({ name: "quiet", hooks: { process: { start: () => deny("not in this one") } } }));
   * await using pool = await createPool({ version: 1, filesystem: { write: ["."] } }, { size: 2 });
   * await using sandbox = await pool.acquire({ plugins: [quiet()] });
   * ```
   */
  acquire(options?: AcquireOptions): Promise<Sandbox>;
  /**
   * Settles when as many sandboxes are ready as `size` says.
   *
   * @throws {SandboxError} What a start failed with. The pool goes on trying.
   * @throws {SandboxError} POOL_CLOSED If the pool is closed.
   */
  ready(): Promise<void>;
  /** Ends the pool and every sandbox of it, those in use too; settles when nothing of them is left. Idempotent. */
  close(): Promise<void>;
}

/** What a pool is made of. */
export interface PoolParts {
  readonly read: ReadPolicy;
  readonly plans: Plans;
  readonly runtime: Runtime;
  readonly options: PoolOptions;
  readonly bounds: PoolBounds;
  onProblem(error: Error): void;
}

/** How long a caller waits, in milliseconds. */
const WAIT_MS = 60_000;

/** The implementation of {@link Pool}. */
export class WarmedPool implements Pool {
  readonly #parts: PoolParts;
  readonly #stock: Stock;
  readonly #inUse = new Set<Sandbox>();
  readonly #opening = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    const { bounds, onProblem } = parts;
    this.#stock = new Stock({ ...bounds, onProblem, start: (signal) => this.#start(signal) });
  }

  get counts(): PoolCounts {
    return this.#stock.counts;
  }

  ready(): Promise<void> {
    return this.#stock.filled();
  }

  acquire(options: AcquireOptions = {}): Promise<Sandbox> {
    const acquired = this.#acquire(options);
    const forget = () => void this.#opening.delete(over);
    const over: Promise<void> = acquired.then(forget, forget);
    this.#opening.add(over);
    return acquired;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(signal: AbortSignal): Promise<ReadySandbox> {
    const { runtime, read, plans, options } = this.#parts;
    const workspace = await resolveWorkspace(options.workspace);
    const { image } = options;
    const root = await resolveRoot({ ...options, signal }, runtime.name);
    const id = createId();
    const trust = await makeTrust(id, plans, options);
    const files = trust?.files ?? [];
    const warden = await runtime.warm({ id, ...plans, workspace, files, image, root, signal });
    const { ready } = warden;
    const opened = { id, read, plans, options: fixedOptions(options), workspace: workspace?.path, trust, signal };
    const ahead = ready === undefined ? undefined : await openAhead({ ...opened, warden: ready });
    return { id, warden, ahead, trust, root, mounted: mountedFolder(workspace) };
  }

  async #acquire(options: AcquireOptions): Promise<Sandbox> {
    refuseOthers("pool.acquire", options, ACQUIRE_OPTIONS);
    const { signal } = options;
    const timeoutMs = milliseconds("timeoutMs", options.timeoutMs) ?? WAIT_MS;
    if (signal?.aborted) throw abortedWait(signal);
    const asked = await this.#readPolicy(options.policy);
    const deadline = performance.now() + timeoutMs;
    for (let deaths = 0; ; ) {
      const workspace = await resolveWorkspace(this.#parts.options.workspace);
      const ready = await this.#stock.take(this.#waitOptions(signal, deadline));
      // A folder of that name may be another one by now.
      if (!isSame(ready.mounted, mountedFolder(workspace))) {
        await this.#discard(ready);
        continue;
      }
      try {
        return await this.#open(ready, asked, workspace, options);
      } catch (error) {
        // It may have died in the moment before. A second time that is no accident.
        if (this.#closing !== undefined || !isDeath(error) || deaths++ > 0) throw error;
      }
    }
  }

  async #readPolicy(policy: AcquireOptions["policy"]): Promise<AskedPolicy> {
    const { read, plans, options } = this.#parts;
    if (policy === undefined) return { read, plans, narrowed: false };
    const own = await readPolicy(policy);
    const narrowed = narrowedSection(read.normalized, own.normalized) !== undefined;
    return { read: own, plans: planDomains(own.normalized, readProviders(options.inference)), narrowed };
  }

  async #open(
    ready: ReadySandbox,
    asked: AskedPolicy,
    workspace: WorkspaceRequest | undefined,
    own: AcquireOptions,
  ): Promise<Sandbox> {
    const { runtime, options: fixed } = this.#parts;
    const { id, trust, ahead, root } = ready;
    const { image } = fixed;
    const request: StartRequest = { id, ...asked.plans, workspace, image, root, signal: own.signal };
    const options = { ...ownOptions(own), ...fixedOptions(fixed) };
    const startWarden = () => ready.warden.finish(request);
    const sandbox = await openSandbox({ ...asked, trust, ahead, request, runtime, options, startWarden }).catch(
      async (error: unknown) => {
        await this.#discard(ready);
        throw error;
      },
    );
    this.#inUse.add(sandbox);
    void sandbox.ended.then(() => {
      this.#inUse.delete(sandbox);
      this.#stock.giveBack();
    });
    if (this.#closing === undefined) return sandbox;
    await sandbox.stop();
    throw closed("acquire");
  }

  async #discard(ready: ReadySandbox): Promise<void> {
    await ready.warden.end();
    this.#stock.giveBack();
  }

  #waitOptions(signal: AbortSignal | undefined, deadline: number): WaitOptions {
    return {
      signal,
      timeoutMs: Math.max(0, deadline - performance.now()),
      late: () => this.#stock.exhausted("late"),
      aborted: abortedWait,
    };
  }

  async #close(): Promise<void> {
    await this.#stock.close();
    await Promise.all(this.#opening);
    await Promise.all([...this.#inUse].map((sandbox) => sandbox.stop()));
  }
}

/** The policy of one caller. */
interface AskedPolicy {
  readonly read: ReadPolicy;
  readonly plans: Plans;
  readonly narrowed: boolean;
}

/** Undefined: it shows none, or a copy or an overlay, which is made when it is used. */
function mountedFolder(workspace: WorkspaceRequest | undefined): WorkspaceRequest["identity"] | undefined {
  return workspace?.mode === "mount" ? workspace.identity : undefined;
}

function isSame(a: WorkspaceRequest["identity"] | undefined, b: WorkspaceRequest["identity"] | undefined): boolean {
  return a?.device === b?.device && a?.inode === b?.inode;
}

function isDeath(error: unknown): boolean {
  return SandboxError.is(error, "START_FAILED") || SandboxError.is(error, "LINK_LOST");
}

function abortedWait({ reason }: AbortSignal): SandboxError<"ABORTED"> {
  return new SandboxError("ABORTED", "Cannot acquire a sandbox: the signal was aborted", {
    details: { operation: "pool.acquire" },
    hint: "The pool goes on without this caller",
    cause: reason,
  });
}
