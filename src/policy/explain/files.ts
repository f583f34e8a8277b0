/**
 * Why a file may be used, or not.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { evaluatePath, globCovers } from "../evaluate.ts";
import type { NormalizedPolicy } from "../normalized.ts";
import { canonicalBinary } from "../paths.ts";
import { pathTable } from "../tables.ts";
import { PLACES } from "../widenings.ts";
import { answer, unmatched } from "./answers.ts";
import type { Answer, Considered, FileRequest } from "./types.ts";

/** Answers. */
export function explainFile(policy: NormalizedPolicy, { path, operation = "read" }: FileRequest): Answer {
  const table = pathTable(policy, PLACES);
  const at = absolutePath(path);
  const rules = table.rules
    .filter(({ pattern }) => globCovers(pattern, at))
    .map((rule): Considered => {
      const applies = evaluatePath({ rules: [rule], unmatched: "deny" }, at, operation).ruleId !== undefined;
      const { ruleId, verdict, defer } = rule;
      const why = applies ? {} : { because: "operation" as const };
      return { ruleId, verdict, ...(defer === undefined ? {} : { defer }), applies, ...why };
    });
  return answer(evaluatePath(table, at, operation), rules, unmatched("filesystem", table.unmatched));
}

/**
 * A path, no glob, from the root.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If it is empty or leads upwards: then it is not what a file is really called.
 */
export function absolutePath(path: string): string {
  if (path === "" || path.includes("\0") || path.split("/").includes("..")) {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot explain the path ${JSON.stringify(path)}: it names no file`, {
      details: { argument: "path", value: path },
      hint: "Write what the file is really called, links and .. resolved",
    });
  }
  const canonical = canonicalBinary(path.includes("/") || path === "~" ? path : `./${path}`);
  if (canonical.startsWith("/")) return canonical;
  return (canonical.startsWith("~") ? PLACES.home : PLACES.workspace) + canonical.slice(1);
}
