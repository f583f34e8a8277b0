/**
 * What plugins do wrong, as errors.
 *
 * @module
 */
import { emitWarning } from "node:process";
import { SandboxError } from "../errors.ts";

/** Hears of hooks that failed. */
export type ProblemListener = (error: SandboxError<"HOOK_FAILED">) => void;

/** How a hook failed. */
export type HookFailure = "threw" | "late" | "nonsense" | "crowded";

/** The same in words, as the end of a sentence. */
export const FAILURES: Readonly<Record<HookFailure, string>> = {
  threw: "it threw",
  late: "it took too long",
  nonsense: "its answer is no verdict",
  crowded: "too many of its calls were still running",
};

/** The error of a hook, or of a plugin's teardown or the approver, that failed. `plugin` is absent for the approver. */
export function hookFailed(
  plugin: string | undefined,
  hook: string,
  failure: HookFailure,
  consequence: string,
  cause?: unknown,
): SandboxError<"HOOK_FAILED"> {
  const whose = plugin === undefined ? `Cannot use ${hook}` : `Cannot use ${hook} of plugin "${plugin}"`;
  const what =
    failure === "threw" && cause instanceof Error ? `${FAILURES.threw}: ${cause.message}` : FAILURES[failure];
  return new SandboxError("HOOK_FAILED", `${whose}: ${what}`, {
    details: { ...(plugin === undefined ? {} : { plugin }), hook, failure },
    hint: consequence,
    cause,
  });
}

/** Tells a listener; one that throws changes nothing. */
export function report(listener: ProblemListener | undefined, error: SandboxError<"HOOK_FAILED">): void {
  try {
    listener?.(error);
  } catch (second) {
    emitWarning(second instanceof Error ? second : String(second));
  }
}

/** The error of a plugin that cannot be used. `plugin` is its name, or its place where it has none. */
export function invalidPlugin(
  plugin: string,
  reason: string,
  hint: string,
  more: { readonly hook?: string; readonly nearest?: string | undefined; readonly cause?: unknown } = {},
): SandboxError<"PLUGIN_INVALID"> {
  const { hook, nearest, cause } = more;
  return new SandboxError("PLUGIN_INVALID", `Cannot use plugin ${JSON.stringify(plugin)}: ${reason}`, {
    details: {
      plugin,
      reason,
      ...(hook === undefined ? {} : { hook }),
      ...(nearest === undefined ? {} : { nearest }),
    },
    hint: nearest === undefined ? hint : `Did you mean "${nearest}"?`,
    cause,
  });
}
