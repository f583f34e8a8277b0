/**
 * `definePipeline`: a definition, checked as a whole.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { isArtifactInput, ruleIssues } from "./rules.ts";
import { asDefinition, type DefinitionIssue, shapeIssues } from "./schema.ts";
import type { Pipeline, PipelineDefinition, Stage } from "./types.ts";

/**
 * Checks a pipeline: every mistake is found at once. Nothing runs.
 *
 * Shape: stages by their names; paths are below the project or the stage's workspace. What is not declared does not leave a
 * stage. Units: `Ms` are milliseconds, `Bytes` bytes. Defaults: a stage may read its inputs, write its outputs, and nothing
 * else.
 *
 * @throws {SandboxError} PIPELINE_INVALID If the definition is malformed; `details.issues` has every mistake and its place.
 *
 * @example
 * ```ts
 * import { definePipeline } from "cofferdam";
 *
 * export default definePipeline({
 *   name: "docs",
 *   stages: {
 *     write: {
 *       command: ["node", "agent.js"],
 *       inputs: ["src", "docs", "agent.js"],
 *       outputs: { docs: { path: "docs", release: true } },
 *       gate: { on: "diff" },
 *     },
 *   },
 * });
 * ```
 */
export function definePipeline(definition: PipelineDefinition): Pipeline {
  const shape = shapeIssues(withoutOrder(definition));
  if (shape.length > 0) throw invalid(shape);
  const checked = asDefinition(definition);
  const rules = ruleIssues(checked);
  if (rules.length > 0) throw invalid(rules);
  const order = orderOf(checked);
  if (!Array.isArray(order)) throw invalid([order]);
  return Object.freeze({ ...checked, order: Object.freeze(order) });
}

/** Names that it needs: those that it says, and those whose outputs it takes. */
export function needsOf({ needs = [], inputs = [] }: Stage): string[] {
  return [...new Set([...needs, ...inputs.filter(isArtifactInput).map(({ stage }) => stage)])];
}

/** What `definePipeline` gave may be given again. */
function withoutOrder(definition: unknown): unknown {
  if (typeof definition !== "object" || definition === null || !("order" in definition)) return definition;
  const { order: _, ...rest } = definition;
  return rest;
}

/** Each after what it needs; where nothing says otherwise, as they were written. */
function orderOf({ stages }: PipelineDefinition): string[] | DefinitionIssue {
  const left = new Map(Object.entries(stages).map(([name, stage]) => [name, needsOf(stage)]));
  const order: string[] = [];
  while (left.size > 0) {
    const ready = [...left].filter(([, needs]) => needs.every((other) => !left.has(other))).map(([name]) => name);
    if (ready.length === 0) return { path: "stages", message: `${[...left.keys()].join(", ")} need each other` };
    for (const name of ready) left.delete(name);
    order.push(...ready);
  }
  return order;
}

function invalid(issues: readonly DefinitionIssue[]): SandboxError<"PIPELINE_INVALID"> {
  const lines = issues.slice(0, 10).map(({ path, message }) => `${path === "" ? "the pipeline" : path}: ${message}`);
  const rest = issues.length > lines.length ? [`and ${issues.length - lines.length} more`] : [];
  const found = `${issues.length} issue${issues.length === 1 ? "" : "s"}`;
  return new SandboxError("PIPELINE_INVALID", [`Cannot use the pipeline: ${found}`, ...lines, ...rest].join("\n  "), {
    details: { issues },
    hint: "docs/pipelines.md has every key",
  });
}
