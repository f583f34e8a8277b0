/**
 * Which changes are meant.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { compileGlob } from "../policy/core.ts";
import { ancestorsOf, displayOf } from "./paths.ts";
import type { Change, ChangeFilter } from "./types.ts";

/**
 * A test for changes.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If a pattern is not of the dialect.
 */
export function changeTest(filter: ChangeFilter | undefined): (change: Change) => boolean {
  if (filter === undefined) return () => true;
  if (typeof filter === "function") return filter;
  const patterns: readonly unknown[] = Array.isArray(filter) ? filter : [filter];
  const matchers = patterns.map((pattern) => compileGlob(relativePattern(pattern)));
  if (patterns.some((pattern) => pattern === "." || pattern === "./")) return () => true;
  return ({ pathBytes }) => {
    const path = Buffer.from(pathBytes).toString("latin1");
    const names = [path, ...ancestorsOf(path)].map(displayOf);
    return matchers.some((matches) => names.some(matches));
  };
}

function relativePattern(pattern: unknown): string {
  const relative = typeof pattern === "string" ? pattern.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "") : undefined;
  if (relative === undefined || relative.startsWith("/") || relative.split("/").includes("..")) {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot choose changes by ${JSON.stringify(pattern)}`, {
      details: { argument: "only", value: pattern },
      hint: 'Write a path or glob below the workspace, for instance "docs/**"',
    });
  }
  return relative;
}
