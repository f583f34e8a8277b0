/**
 * How decisions are enforced: what the kernel does by itself, and what the warden does for it.
 *
 * @module
 */
import type { FilesystemPlan } from "../domains/filesystem/mod.ts";
import type { NetworkPlan } from "../domains/network/mod.ts";
import type { ProcessPlan } from "../domains/process/mod.ts";

/**
 * How file operations are decided. `floor`: by the kernel alone. `trapped`: by the kernel, and the warden sees them.
 * `emulated`: by the warden, which does them for the program.
 */
export type FilesystemMode = "floor" | "trapped" | "emulated";

/** The modes of a sandbox. */
export interface Modes {
  readonly filesystem: FilesystemMode;
  /** Whether starts of programs are decided and verified. */
  readonly programs: boolean;
  /** Whether connections leave the sandbox, as far as rules and hooks let them. */
  readonly network: boolean;
}

/** What asks for more than the floor. */
export interface ModeReasons {
  readonly filesystem: FilesystemPlan;
  readonly process: ProcessPlan;
  readonly network: NetworkPlan;
  readonly audit: "off" | "denials" | "all";
  readonly hooks: { readonly filesystem: boolean; readonly process: boolean; readonly network: boolean };
  /** A folder of the host is visible: its FIFOs and sockets are finer than Landlock, and so is what the host renames. */
  readonly liveMounts: boolean;
}

/** The cheapest modes that enforce everything. */
export function chooseModes({ filesystem, process, network, audit, hooks, liveMounts }: ModeReasons): Modes {
  const emulated = filesystem.finer || hooks.filesystem || liveMounts;
  return {
    filesystem: emulated ? "emulated" : audit === "off" ? "floor" : "trapped",
    // A start reads its program, which an emulated policy may deny.
    programs: emulated || process.kind === "rules" || hooks.process,
    network: network.kind === "rules" || hooks.network,
  };
}
