/**
 * The root file system that the options name.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { RootRequest, RuntimeName } from "../runtimes/runtime.ts";
import type { SandboxOptions } from "./options.ts";

/**
 * Opens it; an image is unpacked, unless it was before. Undefined: the options name none.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If sandboxes of that runtime have no such root.
 * @throws {SandboxError} ROOT_UNUSABLE If it is no root file system.
 * @throws {SandboxError} ABORTED If `signal` says so first.
 */
export async function resolveRoot(
  { root, image, signal }: Pick<SandboxOptions, "root" | "image" | "signal">,
  runtime: RuntimeName,
): Promise<RootRequest | undefined> {
  if (root === undefined) return undefined;
  if (image !== undefined) throw misplaced(root, "Cannot use a root and an image together");
  if (runtime !== "local") throw misplaced(root, `Cannot use a root on the ${runtime} runtime`);
  const { openRoot } = await import("../runtimes/local/root/mod.ts");
  try {
    return await openRoot(root, { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
    throw new SandboxError("ABORTED", `Cannot open the root "${root}": its signal was aborted`, {
      details: { operation: "createSandbox" },
      hint: "Nothing is left of it",
      cause: signal.reason,
    });
  }
}

function misplaced(root: string, message: string): SandboxError<"ARGUMENT_INVALID"> {
  return new SandboxError("ARGUMENT_INVALID", message, {
    details: { argument: "root", value: root },
    hint: 'root is for the local runtime, and image for "docker"',
  });
}
