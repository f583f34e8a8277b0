/**
 * What all starts of a Docker runtime share.
 *
 * @module
 */
import type Docker from "dockerode";
import type { Engine } from "./engine.ts";
import type { WardenVolume } from "./warden-volume.ts";

/** What all starts of a runtime share. */
export interface StartContext {
  readonly docker: Docker;
  readonly engine: Engine;
  readonly volume: WardenVolume;
  /** Where no sandbox names one. */
  readonly image: string;
  /** Whether the engine sees the files of this host. */
  readonly local: boolean;
  readonly ociRuntime: string | undefined;
  readonly owner: string | undefined;
  /** Sandboxes whose end the engine did not confirm. */
  readonly unconfirmed: Set<string>;
  /** Sandboxes that have a container, or are about to. */
  readonly alive: Set<string>;
  /** What was learnt about the engine by trying. */
  readonly learnt: {
    withoutIpv6: boolean;
    /** Images, and what was mounted where, without a link in the way. */
    readonly unlinked: Set<string>;
  };
}
