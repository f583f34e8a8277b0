/**
 * A running sandbox.
 *
 * @module
 */
import type { DecisionRecord, KnownSecret } from "../audit/mod.ts";
import { SandboxError } from "../errors.ts";
import { type Link, type LinkFacts, lost } from "../link/link.ts";
import type { Policy } from "../policy/core.ts";
import type {
  ApplyOptions,
  ApplyResult,
  Changes,
  ChangesOptions,
  DiscardOptions,
  DiscardResult,
} from "../review/mod.ts";
import type { Runtime, StartedWarden } from "../runtimes/runtime.ts";
import { changePolicy, SET_POLICY, type SetPolicyOptions } from "./change-policy.ts";
import { commandEnvironment } from "./command-environment.ts";
import type { Connections } from "./connections.ts";
import type { SandboxContext } from "./context.ts";
import type { Decisions } from "./decisions.ts";
import { describeEnforcement, type Enforcement } from "./enforcement.ts";
import type { SandboxEvents } from "./events.ts";
import { execCommand } from "./exec.ts";
import { SandboxFiles } from "./files.ts";
import { knownOptions } from "./known-options.ts";
import type { Modes } from "./modes.ts";
import type { SandboxOptions } from "./options.ts";
import type { PolicyParts } from "./policy-frames.ts";
import type { PolicySetting } from "./policy-parts.ts";
import { fetchPort } from "./ports/fetch.ts";
import { forwardPort } from "./ports/forward.ts";
import { CONNECTIONS_MAX, Slots } from "./ports/slots.ts";
import type { ForwardOptions, PortFetchOptions, PortForward } from "./ports/types.ts";
import type { ReadPolicy } from "./read-policy.ts";
import type { SandboxRecords } from "./records.ts";
import { Reviewing, type WorkspaceReview } from "./reviewing.ts";
import { type ShellTemplate, shellTemplate } from "./shell-template.ts";
import { SandboxState } from "./snapshots/state.ts";
import { spawnCommand } from "./spawn.ts";
import type { Command, ExecOptions, ExecResult, SpawnOptions, Text } from "./types.ts";
import { WATCHES_MAX } from "./watch.ts";

/** The policy in force. */
export interface PolicyInForce {
  /** As it was written. */
  readonly policy: Policy;
  /** `sha256:` and hexadecimal digits. */
  readonly digest: string;
  /** 1, and one more with every live change. */
  readonly generation: number;
}

/** A sandbox that runs. `await using` ends it with its scope. */
export interface Sandbox extends AsyncDisposable, WorkspaceReview {
  /** Its name: hexadecimal digits. */
  readonly id: string;
  readonly policy: PolicyInForce;
  /** What is really in force. */
  readonly enforcement: Enforcement;
  /** The sandbox's files, under the agent's own policy. */
  readonly files: SandboxFiles;
  /** What it has written: to be frozen, brought back, and started from. */
  readonly state: SandboxState<Sandbox>;
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
  /**
   * Puts another policy in force for whatever starts from now on.
   *
   * Shape: files and programs can only be narrowed. Commands that run keep their kernel domain, so a narrower policy needs
   * `running: "kill"` while there are any. Connections change at once, either way: those that are no longer allowed are
   * closed. Plugins stay.
   *
   * @throws {SandboxError} POLICY_INVALID If the policy is malformed.
   * @throws {SandboxError} POLICY_UNSUPPORTED If it has rules on HTTP, and the sandbox was made without a network section: then
   * its programs trust no certificate of ours.
   * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If the host does not have a credential that it asks for.
   * @throws {SandboxError} POLICY_WIDENS If it allows something that the one in force does not.
   * @throws {SandboxError} COMMANDS_RUNNING If it narrows what running commands may do, and they are not to be killed.
   * @throws {SandboxError} LINK_LOST If the sandbox ends meanwhile.
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox({ version: 1, filesystem: { write: ["./docs", "./notes"] } }, { workspace: "." });
   * await sandbox.setPolicy({ version: 1, filesystem: { write: ["./docs"], deny: ["./docs/legal"] } }, { running: "kill" });
   * ```
   */
  setPolicy(policy: Policy | string, options?: SetPolicyOptions): Promise<void>;
  /**
   * Listens on a port of this host, by default on 127.0.0.1 only; what connects there talks to the server that listens on
   * `port` of the sandbox's own loopback. It closes with its scope, with `close()`, or with the sandbox.
   *
   * @throws {SandboxError} LISTEN_FAILED If the host does not give the port.
   * @throws {SandboxError} ARGUMENT_INVALID If an argument is malformed.
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox({ version: 1, filesystem: { write: ["."] } });
   * await using server = await sandbox.spawn(["python3", "-m", "http.server", "8000", "--bind", "127.0.0.1"]);
   * await using forward = await sandbox.forward(8000, { waitMs: 10_000 });
   * console.log((await fetch(forward.url)).status, server.pid);
   * ```
   */
  forward(port: number, options?: ForwardOptions): Promise<PortForward>;
  /**
   * Sends a request to a server that listens on `port` of the sandbox's own loopback, and opens no port of this host for it.
   *
   * Shape: the request is a path, a URL (its host is only told to the server) or a Fetch `Request`; the answer is a Fetch
   * `Response`. Bodies stream both ways. Redirects are followed on the same port only. There are no cookies, and what comes
   * coded (gzip) stays coded. Read the body, or cancel it: a connection is held until then.
   *
   * @throws {SandboxError} PORT_UNREACHABLE If nothing listens there.
   * @throws {SandboxError} FETCH_FAILED If what listens does not answer as HTTP servers do.
   * @throws {SandboxError} ABORTED If `init.signal` is aborted.
   * @throws {SandboxError} ARGUMENT_INVALID If an argument is malformed.
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox({ version: 1, filesystem: { write: ["."] } });
   * await using server = await sandbox.spawn(["python3", "-m", "http.server", "8000", "--bind", "127.0.0.1"]);
   * const response = await sandbox.fetch(8000, "/", { waitMs: 10_000 });
   * console.log(response.status, await response.text(), server.pid);
   * ```
   */
  fetch(port: number, request: string | URL | Request, init?: PortFetchOptions): Promise<Response>;
  /** The decisions that were recorded so far, the newest 10,000. */
  decisions(): readonly DecisionRecord[];
  /** Ends everything in the sandbox; settles when nothing of it is left. Idempotent. */
  stop(): Promise<void>;
}

/** What a running sandbox is made of. */
export interface RunningParts {
  readonly id: string;
  readonly policy: ReadPolicy;
  readonly parts: PolicyParts;
  readonly setting: PolicySetting;
  readonly runtime: Runtime;
  readonly link: Link;
  readonly facts: LinkFacts;
  readonly records: SandboxRecords;
  readonly decisions: Decisions;
  readonly flows: Connections;
  /** Makes another sandbox. */
  create(policy: Policy, options: SandboxOptions): Promise<Sandbox>;
}

/** The implementation of {@link Sandbox}. */
export class RunningSandbox implements Sandbox {
  readonly id: string;
  readonly files: SandboxFiles;
  readonly state: SandboxState<Sandbox>;
  readonly events: SandboxEvents;
  readonly ended: Promise<string>;
  readonly sh: ShellTemplate;
  #policy: PolicyInForce;
  #enforcement: Enforcement;
  #read: ReadPolicy;
  #changing: Promise<unknown> = Promise.resolve();
  readonly #parts: RunningParts;
  readonly #warden: StartedWarden;
  readonly #link: Link;
  readonly #records: SandboxRecords;
  readonly #reviewing: Reviewing;
  #context: SandboxContext;
  #stopping: Promise<void> | undefined;

  constructor(running: RunningParts) {
    const { id, policy, parts, setting, link, records } = running;
    const { warden, options } = setting;
    this.id = id;
    this.#parts = running;
    this.#read = policy;
    this.#policy = Object.freeze({ policy: policy.policy, digest: policy.digest, generation: 1 });
    this.#enforcement = this.#describe(parts.modes, policy);
    this.#warden = warden;
    this.#link = link;
    this.#records = records;
    this.events = records.events;
    records.onLogFailure = () => link.close(lost("its audit log can no longer be written"));
    this.#context = {
      id,
      link,
      environment: commandEnvironment(setting, parts.filesystem),
      timeoutMs: parts.process.limits.timeoutMs,
      running: new Set(),
      fileStreams: new Set(),
      connections: new Slots(CONNECTIONS_MAX),
      watches: new Slots(WATCHES_MAX),
      audit: records,
    };
    setting.sensitive.context = this.#context;
    this.files = new SandboxFiles(this.#context);
    this.#reviewing = new Reviewing(this.#context, records, warden);
    this.state = new SandboxState({ ...running, warden }, this.#context, this.files, () => this.#read);
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

  /** What must not be told of what its programs say; known after its end, too. */
  static secretsOf(sandbox: Sandbox): () => readonly KnownSecret[] {
    if (!(sandbox instanceof RunningSandbox)) throw new TypeError("no sandbox of this library");
    const { audit } = sandbox.#context;
    return () => audit.secrets();
  }

  exec(argv: readonly Text[], options: ExecOptions = {}): Promise<ExecResult> {
    return execCommand(this.#context, argv, options);
  }

  spawn(argv: readonly Text[], options: SpawnOptions = {}): Promise<Command> {
    return spawnCommand(this.#context, argv, options);
  }

  forward(port: number, options?: ForwardOptions): Promise<PortForward> {
    return forwardPort(this.#context, port, options);
  }

  fetch(port: number, request: string | URL | Request, init?: PortFetchOptions): Promise<Response> {
    return fetchPort(this.#context, port, request, init);
  }

  changes(options?: ChangesOptions): Promise<Changes> {
    return this.#reviewing.changes(options);
  }

  apply(options?: ApplyOptions): Promise<ApplyResult> {
    return this.#reviewing.apply(options);
  }

  discard(options?: DiscardOptions): Promise<DiscardResult> {
    return this.#reviewing.discard(options);
  }

  get policy(): PolicyInForce {
    return this.#policy;
  }

  get enforcement(): Enforcement {
    return this.#enforcement;
  }

  setPolicy(policy: Policy | string, options: SetPolicyOptions = {}): Promise<void> {
    // One after the other: each is compared with the one before.
    const change = this.#changing.then(() => this.#setPolicy(policy, options));
    this.#changing = change.catch(() => undefined);
    return change;
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

  #describe(modes: Modes, { normalized }: ReadPolicy): Enforcement {
    const { runtime, facts, setting } = this.#parts;
    const { warden, options } = setting;
    const rest = { audit: normalized.audit, credentials: setting.credentials };
    return describeEnforcement(runtime.name, warden, facts, options.workspace, modes, rest);
  }

  async #setPolicy(input: Policy | string, options: SetPolicyOptions): Promise<void> {
    knownOptions("setPolicy", options, SET_POLICY);
    const generation = this.#policy.generation + 1;
    const parts = { ...this.#parts, context: this.#context, files: this.files, current: this.#read, generation };
    const { policy, modes, timeoutMs, environment } = await changePolicy(parts, input, options);
    this.#read = policy;
    this.#context = { ...this.#context, timeoutMs, environment };
    this.#policy = Object.freeze({ policy: policy.policy, digest: policy.digest, generation });
    this.#enforcement = this.#describe(modes, policy);
    this.#records.policyChanged({ digest: policy.digest, generation });
  }

  async #stop(): Promise<void> {
    this.#link.close(
      new SandboxError("SANDBOX_STOPPED", `Cannot use sandbox ${this.id}: it was stopped`, {
        details: { id: this.id },
        hint: "Create another one. What was under way when it was stopped: await it before the scope of `await using` ends",
      }),
    );
    await this.ended;
  }

  async #finish(error: SandboxError): Promise<string> {
    this.#parts.decisions.close();
    this.#parts.flows.close();
    await this.#warden.end();
    await this.#parts.setting.registry.teardown();
    const reason = error.code === "SANDBOX_STOPPED" ? "stopped" : error.message;
    await this.#records.sandboxEnded(reason);
    return reason;
  }
}
