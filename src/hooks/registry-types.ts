/**
 * What a registry of plugins is opened with, and what it tells.
 *
 * @module
 */
import type { PolicyPatch } from "../approvals/policy-patch.ts";
import type { Approver, RefusedAnswer } from "./approval-types.ts";
import type { ProblemListener } from "./problems.ts";
import type { TrafficHook } from "./read-hook.ts";
import type { FilesystemOperation, NetworkConnect, NetworkRequest } from "./subjects.ts";
import type { MessageHandler, RequestHandler, ResponseHandler } from "./types.ts";

/** The domains whose decisions hooks join in this version. */
export type HookDomain = "filesystem" | "process" | "network";

/** Decisions that a hook wants the warden to ask about. The host sees every connection anyway. Patterns are absolute; empty lists mean all. */
export interface Subscription {
  readonly domain: Exclude<HookDomain, "network">;
  readonly operations: readonly FilesystemOperation[];
  /** What one matches stands for its tree. */
  readonly paths: readonly string[];
  /** Each matches the whole path of a program. */
  readonly binaries: readonly string[];
}

/** Access that a program asks for by itself, and its words. */
export interface RequestedAccess {
  readonly connect: NetworkConnect;
  /** Absent: the whole connection. */
  readonly request?: NetworkRequest;
  readonly requested: string;
}

/** What plugins are opened for. */
export interface RegistryOptions {
  /** The id of the sandbox. */
  readonly sandbox: string;
  /** Without one, what would be asked is denied. */
  readonly approve?: Approver | undefined;
  /** @default 300000 */
  readonly approveTimeoutMs?: number | undefined;
  /** Where answers for always become rules. Without one they hold as long as the sandbox does. */
  readonly patch?: PolicyPatch | undefined;
  /** Hears of answers that did not count. */
  readonly onRefused?: ((answer: RefusedAnswer) => void) | undefined;
  /** Hears of hooks that failed. */
  readonly onProblem?: ProblemListener | undefined;
  /** How many decisions may be with a hook at one time, wait for that, and be with the approver. */
  readonly limits?: Partial<RegistryLimits> | undefined;
}

/** Hooks that see what goes over a connection. */
export interface TrafficHooks {
  readonly request: readonly TrafficHook<RequestHandler>[];
  readonly response: readonly TrafficHook<ResponseHandler>[];
  readonly message: readonly TrafficHook<MessageHandler>[];
}

/** What is past these is denied. */
export interface RegistryLimits {
  /** @default 256 */
  readonly running: number;
  /** @default 4096 */
  readonly waiting: number;
  /** @default 1024 */
  readonly approvals: number;
}

/** Which hooks of answers there are for a call. */
export interface AnswerHooks {
  readonly chunk: boolean;
  /** Of those, some that want to know when a part is over. */
  readonly ends: boolean;
  readonly answer: boolean;
}
