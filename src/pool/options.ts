/**
 * The options of pools, checked.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { NormalizedPolicy, Policy } from "../policy/core.ts";
import { count } from "../sandbox/arguments.ts";
import { refuseUnknown } from "../sandbox/known-options.ts";
import type { SandboxOptions } from "../sandbox/options.ts";

/** What cannot change once a sandbox has started: a pool is for one of each. */
const FIXED = ["runtime", "image", "root", "workspace", "docker", "certificates", "inference"] as const;

/** What is one sandbox's own. */
const OWN = [
  "env",
  "credentials",
  "audit",
  "plugins",
  "approve",
  "approveTimeoutMs",
  "approvals",
  "signal",
  "heartbeatMs",
] as const;

type Fixed = (typeof FIXED)[number];
type Own = (typeof OWN)[number];

/** The options of `createPool`. Those that {@link SandboxOptions} has mean the same. */
export interface PoolOptions extends Pick<SandboxOptions, Fixed> {
  /** How many sandboxes are kept ready. */
  readonly size: number;
  /** The most sandboxes at one time, ready ones included; past it, callers wait. @default 256 */
  readonly maxSandboxes?: number;
  /**
   * The most memory that all sandboxes together may reach, in bytes: each counts as the policy's `process.limits.memory`,
   * which must be set; past it, callers wait.
   *
   * @default no limit
   */
  readonly maxMemoryBytes?: number;
  /** The most callers that wait at one time; past it, `acquire` rejects. @default 1024 */
  readonly maxWaiting?: number;
  /**
   * Hears why a sandbox could not be made ready, where no caller was told. It is tried again, with growing pauses.
   *
   * @default a warning of the process
   */
  readonly onProblem?: (error: Error) => void;
}

/** The options of `pool.acquire`. Those that {@link SandboxOptions} has mean the same. */
export interface AcquireOptions extends Pick<SandboxOptions, Own> {
  /** As {@link SandboxOptions.heartbeatMs}; longer than ten seconds is as ten seconds. @default 10000 */
  readonly heartbeatMs?: number;
  /** A policy whose files and programs are no wider than the pool's. @default the pool's */
  readonly policy?: Policy | string;
  /** How long to wait for a sandbox, in milliseconds. @default 60000 */
  readonly timeoutMs?: number;
}

/** How much a pool may hold. */
export interface PoolBounds {
  readonly size: number;
  /** The most sandboxes at one time. */
  readonly slots: number;
  readonly maxWaiting: number;
}

/** Those options of a sandbox that its pool gives. */
export function fixedOptions(options: PoolOptions): Pick<SandboxOptions, Fixed> {
  return pick(options, FIXED);
}

/** Those that its caller gives. */
export function ownOptions(options: AcquireOptions): Pick<SandboxOptions, Own> {
  return pick(options, OWN);
}

function pick<O, K extends keyof O>(options: O, keys: readonly K[]): Pick<O, K> {
  const entries = keys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]]));
  return Object.fromEntries(entries) as Pick<O, K>;
}

/**
 * Refuses options that belong to somebody else: a hook that nobody calls must not look like one that is in force.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If there is one.
 */
export function refuseOthers(operation: string, options: object, known: readonly string[]): void {
  refuseUnknown(operation, options, known, (unknown) =>
    (OWN as readonly string[]).includes(unknown) ? "Give it to pool.acquire: it is one sandbox's own" : undefined,
  );
}

/** The names of what `createPool` takes. */
export const POOL_OPTIONS: readonly string[] = [
  ...FIXED,
  "size",
  "maxSandboxes",
  "maxMemoryBytes",
  "maxWaiting",
  "onProblem",
];

/** The names of what `acquire` takes. */
export const ACQUIRE_OPTIONS: readonly string[] = [...OWN, "policy", "timeoutMs"];

const SANDBOXES_DEFAULT = 256;
const WAITING_DEFAULT = 1024;

/**
 * Checks the numbers.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If one is malformed, or `size` sandboxes are more than the pool may hold.
 */
export function poolBounds(options: PoolOptions, { process }: NormalizedPolicy): PoolBounds {
  const { maxMemoryBytes } = options;
  const size = count("size", options.size, 0);
  const maxWaiting = count("maxWaiting", options.maxWaiting ?? WAITING_DEFAULT, 0);
  const most = count("maxSandboxes", options.maxSandboxes ?? Math.max(SANDBOXES_DEFAULT, size), 1);
  const slots =
    maxMemoryBytes === undefined ? most : Math.min(most, inMemory(maxMemoryBytes, process.limits.memoryBytes));
  if (size <= slots && slots > 0) return { size, slots, maxWaiting };
  throw new SandboxError(
    "ARGUMENT_INVALID",
    `Cannot keep ${size} sandboxes ready where ${slots} may exist at one time`,
    {
      details: { argument: "size", value: size },
      hint: "Raise maxSandboxes or maxMemoryBytes, or lower process.limits.memory of the policy",
    },
  );
}

function inMemory(maxMemoryBytes: number, each: number | undefined): number {
  const bytes = count("maxMemoryBytes", maxMemoryBytes, 1);
  if (each !== undefined) return Math.floor(bytes / each);
  throw new SandboxError(
    "ARGUMENT_INVALID",
    "Cannot hold maxMemoryBytes: the policy does not limit a sandbox's memory",
    {
      details: { argument: "maxMemoryBytes", value: maxMemoryBytes },
      hint: "Set process.limits.memory in the policy",
    },
  );
}
