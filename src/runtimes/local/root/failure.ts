/**
 * Why a root file system cannot be used.
 *
 * @module
 */
import { SandboxError } from "../../../errors.ts";

/** What is wrong with an archive or its layers, in a few words. What it is part of names the file. */
export class Malformed extends Error {}

const HINT =
  "Name a folder with a root file system, an archive of one image (docker save, or skopeo copy to oci-archive:), or a folder with an OCI image layout";

/** The error for the folder or archive that was named. */
export function rootUnusable(
  path: string,
  reason: string,
  { hint = HINT, cause }: { readonly hint?: string; readonly cause?: unknown } = {},
): SandboxError<"ROOT_UNUSABLE"> {
  return new SandboxError("ROOT_UNUSABLE", `Cannot use "${path}" as the root of a sandbox: ${reason}`, {
    details: { path, reason },
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}
