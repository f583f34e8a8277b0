/**
 * Plugins and their hooks, as an author writes them.
 *
 * @module
 */
import type { AuditRecord, DecisionRecord } from "../audit/mod.ts";
import type { ApprovalContext, ApprovalRequest, Approver } from "./approval-types.ts";
import type { Awaitable } from "./awaitable.ts";
import type {
  InferenceAnswer,
  InferenceCall,
  InferenceChange,
  InferenceChunk,
  InferenceChunkChange,
} from "./inference-types.ts";
import type {
  FilesystemAccess,
  FilesystemOperation,
  NetworkConnect,
  NetworkMessage,
  NetworkRequest,
  ProcessStart,
} from "./subjects.ts";
import type { HookVerdict } from "./verdict.ts";

export type { Awaitable } from "./awaitable.ts";

/** What a hook knows beside what it is asked. */
export interface HookContext {
  /** The id of the sandbox. */
  readonly sandbox: string;
  /** The name of the plugin. */
  readonly plugin: string;
  /** For instance `filesystem.access`. */
  readonly hook: string;
  /** Aborted when nobody waits for the answer any more: its deadline passed, or who asked is gone. */
  readonly signal: AbortSignal;
}

/** What every hook object has. */
export interface HookOptions<F> {
  readonly handler: F;
  /**
   * How long it may take, in milliseconds: at most an hour. A hook that decides is a denial after that.
   *
   * @default 5000
   */
  readonly timeoutMs?: number;
}

/** What every object of a hook that decides has. */
export interface DecideHookOptions<F> extends HookOptions<F> {
  /** The name by which a rule of the policy defers to it. @default the name of the plugin */
  readonly name?: string;
  /** Before or after the hooks without an order; within each of the three, as the plugins are given. */
  readonly order?: "pre" | "post";
  /**
   * The programs that it cares about: names, which match in every directory, absolute paths, or globs. Of a file
   * operation, those that do it; of a start, the one that is started.
   *
   * @default all
   */
  readonly binaries?: readonly string[];
}

/** What an object of `filesystem.access` may have. Only operations that match all of it are asked about. */
export interface AccessHookOptions<F> extends DecideHookOptions<F> {
  /** As in a policy: relative to the workspace, `~/…`, absolute, or a glob. A directory stands for its tree. @default all */
  readonly paths?: readonly string[];
  /** A rename or link is a `create` of its target, too. @default all */
  readonly operations?: readonly FilesystemOperation[];
}

/** Decides about an operation on a path. Kind: decide. */
export type AccessHandler = (access: FilesystemAccess, context: HookContext) => Awaitable<HookVerdict | undefined>;

/** Decides about the start of a program. Kind: decide. */
export type StartHandler = (start: ProcessStart, context: HookContext) => Awaitable<HookVerdict | undefined>;

/** What an object of `network.connect` may have. Only connections that match all of it are asked about. */
export interface ConnectHookOptions<F> extends DecideHookOptions<F> {
  /** Names or globs of labels, as in a policy, or addresses and ranges of them. `**` means addresses too. @default all */
  readonly hosts?: readonly string[];
  /** @default all */
  readonly ports?: readonly number[];
}

/** Decides about a connection to another machine. Kind: decide. */
export type ConnectHandler = (connect: NetworkConnect, context: HookContext) => Awaitable<HookVerdict | undefined>;

/** What a hook of requests knows beside the request. */
export interface RequestContext extends HookContext {
  /** The connection that it comes on, and the program. */
  readonly connect: NetworkConnect;
  /** The request as it is recorded, and what the policy says. */
  readonly about: NetworkRequest;
}

/**
 * Sees an HTTP request before it is sent. Kind: decide and transform.
 *
 * It answers a verdict; a `Request` to the same host, which is sent in its place if the policy allows it; or a `Response`,
 * which the program gets in the host's place, if the request is allowed at all. Who reads the body reads that of
 * `request.clone()`, or gives a request back.
 */
export type RequestHandler = (
  request: Request,
  context: RequestContext,
) => Awaitable<Request | Response | HookVerdict | undefined>;

/** What a hook of responses knows beside the response. */
export interface ResponseContext extends RequestContext {
  /** The request that was sent, without its body. */
  readonly request: Request;
}

/**
 * Sees the response of a host before the program does. Kind: decide and transform.
 *
 * It answers a verdict, or a `Response`, which the program gets in its place. Who reads the body reads that of
 * `response.clone()`, or gives a response back; who reads none of it leaves it streaming.
 */
export type ResponseHandler = (
  response: Response,
  context: ResponseContext,
) => Awaitable<Response | HookVerdict | undefined>;

/**
 * Sees a message before it is passed on. Kind: decide and transform.
 *
 * It answers a verdict, or what is passed on in its place: a text, or bytes. A denied message on a WebSocket closes it with
 * 1008; a denied event is left out.
 */
export type MessageHandler = (
  message: NetworkMessage,
  context: RequestContext,
) => Awaitable<string | Uint8Array | HookVerdict | undefined>;

/**
 * Sees a call to a model before it is sent. Kind: decide and transform.
 *
 * It answers a verdict, or `{ body }`: what is sent in the call's place, which the next hook sees.
 */
export type CallHandler = (
  call: InferenceCall,
  context: HookContext,
) => Awaitable<InferenceChange | HookVerdict | undefined>;

/**
 * Sees a piece of a streamed answer before the client gets it. Kind: decide and transform.
 *
 * It answers a verdict, or `{ text }`: what is passed on in the piece's place, which the next hook sees. A denial ends the
 * answer. Pieces of one answer wait for each other.
 */
export type ChunkHandler = (
  chunk: InferenceChunk,
  context: HookContext,
) => Awaitable<InferenceChunkChange | HookVerdict | undefined>;

/**
 * Sees an answer that is no stream before the client gets it. Kind: decide and transform.
 *
 * It answers a verdict, or `{ body }`: what the client gets in its place, which the next hook sees.
 */
export type AnswerHandler = (
  answer: InferenceAnswer,
  context: HookContext,
) => Awaitable<InferenceChange | HookVerdict | undefined>;

/** What an object of a hook of `inference` may have. Only calls that match all of it are asked about. */
export interface CallHookOptions<F> extends DecideHookOptions<F> {
  /** Globs of the names that clients call models by. @default all */
  readonly models?: readonly string[];
}

/** What an object of the hook `inference.chunk` may have. */
export interface ChunkHookOptions extends CallHookOptions<ChunkHandler> {
  /**
   * Whether it is called once more when a part of an answer is over, with `end: true` and an empty text: the place to say what it
   * has held back of it.
   *
   * @default {false}
   */
  readonly ends?: boolean;
}

/** Everything that is recorded beside decisions: sandboxes and commands that start and end. */
export type LifecycleEvent = Exclude<AuditRecord, DecisionRecord>;

/** Sees every decision that is recorded. Kind: observe. */
export type DecisionObserver = (record: DecisionRecord, context: HookContext) => Awaitable<unknown>;

/** Sees the sandbox and its commands start and end. Kind: observe. */
export type LifecycleObserver = (event: LifecycleEvent, context: HookContext) => Awaitable<unknown>;

/** The hooks of a plugin: each a function, or an object with a `handler` and options. */
export interface PluginHooks {
  readonly filesystem?: { readonly access?: AccessHandler | AccessHookOptions<AccessHandler> };
  readonly process?: { readonly start?: StartHandler | DecideHookOptions<StartHandler> };
  readonly network?: {
    readonly connect?: ConnectHandler | ConnectHookOptions<ConnectHandler>;
    /** Without `ports`: those that HTTP is spoken on, 80, 443, 8080 and 8443, and connections that rules on HTTP are about. */
    readonly request?: RequestHandler | ConnectHookOptions<RequestHandler>;
    /** Filters and ports as of `request`. */
    readonly response?: ResponseHandler | ConnectHookOptions<ResponseHandler>;
    /** Filters and ports as of `request`. */
    readonly message?: MessageHandler | ConnectHookOptions<MessageHandler>;
  };
  readonly inference?: {
    readonly call?: CallHandler | CallHookOptions<CallHandler>;
    readonly chunk?: ChunkHandler | ChunkHookOptions;
    readonly response?: AnswerHandler | CallHookOptions<AnswerHandler>;
  };
  readonly decision?: DecisionObserver | HookOptions<DecisionObserver>;
  readonly lifecycle?: LifecycleObserver | HookOptions<LifecycleObserver>;
}

/** What a plugin is set up with. */
export interface PluginContext {
  /** The id of the sandbox. It does not run yet. */
  readonly sandbox: string;
  /** The name of the plugin. */
  readonly plugin: string;
}

/** Undoes what a plugin has set up. */
export type Disposer = () => Awaitable<unknown>;

/**
 * Hooks with a name, and what they need around them. It belongs to one sandbox at a time unless it keeps no state.
 *
 * It runs in the process of its owner and sees what that sees, secrets included.
 */
export interface Plugin {
  /** Up to 128 letters, digits, `.`, `_` and `-`. No two plugins of a sandbox have the same. */
  readonly name: string;
  readonly hooks?: PluginHooks;
  /** Asked where the policy or a hook says `ask`, beside the sandbox's own approver: the first answer counts. */
  approve?(request: ApprovalRequest, context: ApprovalContext): ReturnType<Approver>;
  /** Called before the sandbox starts, one plugin after the other. What it returns is called when the sandbox has ended. */
  setup?(context: PluginContext): Awaitable<Disposer | undefined> | Awaitable<void>;
  /** Called when the sandbox has ended, in reverse order, after what `setup` returned. */
  teardown?(): Awaitable<unknown>;
}
