/**
 * The steps that build a local sandbox's root, as the launcher takes them.
 *
 * @module
 */
import { encodeMessage } from "../../link/codec.ts";
import { CODES, FLAGS } from "../../link/protocol.ts";

/**
 * One step; paths are absolute, but for those in the workspace, which are relative to it: sources of binds, and folders
 * that are made there. An overlay is what the workspace is then, made in a private folder.
 */
export type Step =
  | {
      readonly kind: "bind";
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      readonly device?: boolean;
      readonly workspace?: boolean;
      /** Whether the owner of the source is the sandbox's user inside: for root. */
      readonly owner?: boolean;
      /** Of a volume: the file that is locked as long as the sandbox lives. */
      readonly lock?: string;
      /** Whether others may have the lock as well. */
      readonly shared?: boolean;
    }
  | { readonly kind: "tmpfs"; readonly target: string; readonly options: string }
  | { readonly kind: "proc" | "mask" | "freeze" | "directory"; readonly target: string }
  | { readonly kind: "directory"; readonly target: "/"; readonly source: string; readonly workspace: true }
  | {
      readonly kind: "overlay";
      readonly target: "/";
      readonly source: string;
      readonly data: string;
      readonly owner: boolean;
    }
  | { readonly kind: "devpts"; readonly target: string; readonly options: string }
  | { readonly kind: "symlink"; readonly source: string; readonly target: string }
  | { readonly kind: "file"; readonly target: string; readonly data: string };

/** The step as a frame for the launcher. */
export function encodeStep(step: Step): Buffer {
  return encodeMessage("mount", {
    kind: CODES.mount[step.kind],
    flags: flagsOf(step),
    source: Buffer.from("source" in step ? step.source : ""),
    target: Buffer.from(step.target),
    data: Buffer.from(dataOf(step)),
  });
}

function dataOf(step: Step): string {
  if (step.kind === "bind") return step.lock ?? "";
  return "options" in step ? step.options : "data" in step ? step.data : "";
}

function flagsOf(step: Step): number {
  const { readOnly, device, workspace, noExec, owner, shared } = FLAGS.mount;
  if (step.kind === "proc" || step.kind === "devpts") return noExec | (step.kind === "devpts" ? device : 0);
  if (step.kind === "overlay") return step.owner ? owner : 0;
  if (step.kind === "directory") return "workspace" in step ? workspace : 0;
  if (step.kind !== "bind") return 0;
  return (
    (step.readOnly ? readOnly : 0) |
    (step.device ? device : 0) |
    (step.workspace ? workspace : 0) |
    (step.owner ? owner : 0) |
    (step.shared ? shared : 0)
  );
}
