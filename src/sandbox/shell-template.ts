/**
 * `sandbox.sh`: shell source in which values are always arguments.
 *
 * @module
 */
import { invalid, kindOf } from "./arguments.ts";
import { type TemplateValue, templateArgv } from "./template.ts";
import type { ExecOptions, ExecResult, Text } from "./types.ts";

/** A tagged template that runs shell source. With options, it makes one that has them. */
export interface ShellTemplate {
  (strings: TemplateStringsArray, ...values: readonly TemplateValue[]): Promise<ExecResult>;
  (options: ExecOptions): (strings: TemplateStringsArray, ...values: readonly TemplateValue[]) => Promise<ExecResult>;
}

/** Makes the tag of a sandbox from what runs programs in it. */
export function shellTemplate(
  exec: (argv: readonly Text[], options: ExecOptions) => Promise<ExecResult>,
): ShellTemplate {
  const withOptions =
    (options: ExecOptions) =>
    async (strings: TemplateStringsArray, ...values: readonly TemplateValue[]) =>
      exec(templateArgv(strings, values), options);
  function sh(strings: TemplateStringsArray, ...values: readonly TemplateValue[]): Promise<ExecResult>;
  function sh(options: ExecOptions): ReturnType<typeof withOptions>;
  function sh(first: TemplateStringsArray | ExecOptions, ...values: readonly TemplateValue[]) {
    if (!Array.isArray(first) && typeof first !== "object") {
      throw invalid(
        "source",
        `Cannot run ${kindOf(first)} as shell source`,
        first,
        "Write a template: sandbox.sh`ls -l`, without parentheses",
      );
    }
    return Array.isArray(first)
      ? withOptions({})(first as TemplateStringsArray, ...values)
      : withOptions(first as ExecOptions);
  }
  return sh;
}
