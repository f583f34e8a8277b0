/**
 * A running sandbox.
 *
 * @module
 */
import type { DecisionRecord } from "../audit/mod.ts";
import type { ProcessPlan } from "../domains/process/mod.ts";
import { SandboxError } from "../errors.ts";
import { type Link, type LinkFacts, lost } from "../link/link.ts";
import type { Policy } from "../policy/mod.ts";
import type { Runtime, StartedWarden } from "../runtimes/runtime.ts";
import type { SandboxContext } from "./context.ts";
import { describeEnforcement, type Enforcement } from "./enforcement.ts";
import { baseEnvironment } from "./environment.ts";
import type { SandboxEvents } from "./events.ts";
import { execCommand } from "./exec.ts";
import { SandboxFiles } from "./files.ts";
import type { SandboxOptions } from "./options.ts";
import type { ReadPolicy } from "./read-policy.ts";
import type { SandboxRecords } from "./records.ts";
import { spawnCommand } from "./spawn.ts";
import { type TemplateValue, templateArgv } from "./template.ts";
import type { Command, ExecOptions, ExecResult, SpawnOptions, Text } from "./types.ts";

/** The policy in force. */
export interface PolicyInForce {
  /** As it was written. */
  readonly policy: Policy;
  /** `sha256:` and hexadecimal digits. */
  readonly digest: string;
  /** 1, and one more with every live change. */
  readonly generation: number;
}

/** A tagged template that runs shell source. With options, it makes one that has them. */
export interface ShellTemplate {
  (strings: TemplateStringsArray, ...values: readonly TemplateValue[]): Promise<ExecResult>;
  (options: ExecOptions): (strings: TemplateStringsArray, ...values: readonly TemplateValue[]) => Promise<ExecResult>;
}

/** A sandbox that runs. `await using` ends it with its scope. */
export interface Sandbox extends AsyncDisposable {
  /** Its name: hexadecimal digits. */
  readonly id: string;
  readonly policy: PolicyInForce;
  /** What is really in force. */
  readonly enforcement: Enforcement;
  /** The sandbox's files, under the agent's own policy. */
  readonly files: SandboxFiles;
  /** Everything that is recorded, as it happens: iterate over it, or listen. */
  readonly events: SandboxEvents;
  /** Settles, with the reason, when the sandbox has ended, however. */
  readonly ended: Promise<string>;
  /**
   * Runs a program to its end. A program that fails does not make the promise reject, unless `check` says so.
   *
   * Shape: `argv[0]` is looked up on the sandbox's PATH unless it holds a `/`; no shell is involved. When the program has
   * exited, its output up to then is complete; what it left running goes on, and its output is dropped.
   *
   * @throws {SandboxError} EXEC_FAILED If it cannot be started.
   * @throws {SandboxError} COMMAND_FAILED If `check` is set and it fails, is killed, or takes too long.
   * @throws {SandboxError} ABORTED If `signal` is aborted; nothing that it started is left then.
   * @throws {SandboxError} ARGUMENT_INVALID If an argument is malformed.
   * @throws {SandboxError} SANDBOX_STOPPED If the sandbox has been stopped.
   * @throws {SandboxError} LINK_LOST If the sandbox ends meanwhile.
   */
  exec(argv: readonly Text[], options?: ExecOptions): Promise<ExecResult>;
  /** Starts a program and gives a handle on it. Throws as {@link exec} does. */
  spawn(argv: readonly Text[], options?: SpawnOptions): Promise<Command>;
  /** Runs shell source in which values are always arguments, never source. Throws as {@link exec} does. */
  readonly sh: ShellTemplate;
  /** The decisions that were recorded so far, the newest 10,000. */
  decisions(): readonly DecisionRecord[];
  /** Ends everything in the sandbox; settles when nothing of it is left. Idempotent. */
  stop(): Promise<void>;
}

/** What a running sandbox is made of. */
export interface RunningParts {
  readonly id: string;
  readonly policy: ReadPolicy;
  readonly plans: { readonly process: ProcessPlan };
  readonly options: SandboxOptions;
  readonly runtime: Runtime;
  readonly warden: StartedWarden;
  readonly link: Link;
  readonly facts: LinkFacts;
  readonly records: SandboxRecords;
}

/** The implementation of {@link Sandbox}. */
export class RunningSandbox implements Sandbox {
  readonly id: string;
  readonly policy: PolicyInForce;
  readonly enforcement: Enforcement;
  readonly files: SandboxFiles;
  readonly events: SandboxEvents;
  readonly ended: Promise<string>;
  readonly sh: ShellTemplate;
  readonly #warden: StartedWarden;
  readonly #link: Link;
  readonly #records: SandboxRecords;
  readonly #context: SandboxContext;
  #stopping: Promise<void> | undefined;

  constructor({ id, policy, plans, options, runtime, warden, link, facts, records }: RunningParts) {
    this.id = id;
    this.policy = Object.freeze({ policy: policy.policy, digest: policy.digest, generation: 1 });
    this.enforcement = describeEnforcement(runtime.name, warden, facts, options.workspace);
    this.#warden = warden;
    this.#link = link;
    this.#records = records;
    this.events = records.events;
    records.onLogFailure = () => link.close(lost("its audit log can no longer be written"));
    this.#context = {
      id,
      link,
      environment: baseEnvironment(warden.environment, options.env ?? {}),
      timeoutMs: plans.process.limits.timeoutMs,
      audit: records,
    };
    this.files = new SandboxFiles(this.#context);
    this.sh = shellTemplate((argv, execOptions) => this.exec(argv, execOptions));
    // However the link ends, the sandbox ends with it, and takes its leftovers along.
    const abort = () => void this.stop();
    options.signal?.addEventListener("abort", abort, { once: true });
    this.ended = link.closed.then((error) => {
      // A signal may outlive many sandboxes.
      options.signal?.removeEventListener("abort", abort);
      return this.#finish(error);
    });
  }

  exec(argv: readonly Text[], options: ExecOptions = {}): Promise<ExecResult> {
    return execCommand(this.#context, argv, options);
  }

  spawn(argv: readonly Text[], options: SpawnOptions = {}): Promise<Command> {
    return spawnCommand(this.#context, argv, options);
  }

  decisions(): readonly DecisionRecord[] {
    return this.#records.decisions();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    this.#link.close(
      new SandboxError("SANDBOX_STOPPED", `Cannot use sandbox ${this.id}: it was stopped`, {
        details: { id: this.id },
        hint: "Create another one",
      }),
    );
    await this.ended;
  }

  async #finish(error: SandboxError): Promise<string> {
    await this.#warden.end();
    const reason = error.code === "SANDBOX_STOPPED" ? "stopped" : error.message;
    await this.#records.sandboxEnded(reason);
    return reason;
  }
}

function shellTemplate(exec: (argv: readonly Text[], options: ExecOptions) => Promise<ExecResult>): ShellTemplate {
  const withOptions =
    (options: ExecOptions) =>
    async (strings: TemplateStringsArray, ...values: readonly TemplateValue[]) =>
      exec(templateArgv(strings, values), options);
  function sh(strings: TemplateStringsArray, ...values: readonly TemplateValue[]): Promise<ExecResult>;
  function sh(options: ExecOptions): ReturnType<typeof withOptions>;
  function sh(first: TemplateStringsArray | ExecOptions, ...values: readonly TemplateValue[]) {
    return Array.isArray(first)
      ? withOptions({})(first as TemplateStringsArray, ...values)
      : withOptions(first as ExecOptions);
  }
  return sh;
}
