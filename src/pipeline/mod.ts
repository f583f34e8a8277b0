/**
 * Pipelines: stages in sandboxes of their own, and gates between what they make and anybody else.
 *
 * @module
 */
export { definePipeline } from "./define.ts";
export { exportArtifacts } from "./export.ts";
export { gateByApprover } from "./gate-approver.ts";
export type * from "./gate-types.ts";
export type { JournalListener } from "./journal.ts";
export type { PipelineEvent } from "./journal-types.ts";
export { pipelineReport, type ReportFormat, type ReportOptions } from "./report/mod.ts";
export type * from "./result-types.ts";
export {
  type GateApproval,
  type ResumePipelineOptions,
  type RunPipelineOptions,
  resumePipeline,
  runPipeline,
} from "./run.ts";
export { matchesSchema } from "./schema-check.ts";
export type * from "./types.ts";
