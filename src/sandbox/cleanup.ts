/**
 * Taking away what killed processes left behind.
 *
 * @module
 */
import type { LeftoverReport } from "../runtimes/leftovers.ts";
import { cleanLocal } from "../runtimes/local/leftovers.ts";
import { hostWarden } from "./choose-runtime.ts";
import { runtimeOf, type StateOptions } from "./volume-store.ts";

/** The options of {@link cleanup}. */
export interface CleanupOptions extends StateOptions {
  /** Only says what would be removed. @default false */
  readonly dryRun?: boolean;
  /** Also removes the images that local sandboxes had as their root, unpacked, unless one has it now. @default false */
  readonly images?: boolean;
}

/**
 * Removes whatever processes that are gone left of their sandboxes: containers, anonymous volumes, private folders,
 * control groups, half-made volumes and images. Nothing that belongs to a living process, to another user, or to a process that cannot
 * be told apart (of another host, boot or container) is touched: it is listed as `left`, with the reason.
 *
 * Mostly there is nothing to do: a sandbox ends with its owner, and takes its things along. Something stays if owner
 * and launcher, or the engine, were killed at the wrong moment. Named volumes are state, and stay.
 *
 * @throws {SandboxError} RUNTIME_UNAVAILABLE If no engine answers.
 * @throws {SandboxError} WARDEN_UNAVAILABLE If the program that removes folders cannot be built.
 *
 * @example
 * ```ts
 * import { cleanup } from "cofferdam";
 *
 * const { removed, left } = await cleanup({ dryRun: true });
 * for (const { kind, name, reason } of [...removed, ...left]) console.log(kind, name, reason);
 * ```
 */
export async function cleanup(options: CleanupOptions = {}): Promise<LeftoverReport> {
  const { dryRun = false, images = false } = options;
  if (runtimeOf(options) === "local") return cleanLocal(hostWarden, { dryRun, images });
  const { cleanEngineOf } = await import("../runtimes/docker/state.ts");
  return cleanEngineOf(options.docker ?? {}, dryRun);
}
