/**
 * The options of `pipeline`, as they were typed.
 *
 * @module
 */
import type { GateApproval, ReportFormat } from "../../mod.ts";

/** Where a report goes. */
export interface ReportTarget {
  readonly format: ReportFormat;
  readonly file: string;
}

/** See `cofferdam pipeline run --help`. */
export interface PipelineFlags {
  readonly project?: string;
  readonly runs?: string;
  readonly file?: string;
  readonly approve?: readonly GateApproval[];
  readonly report?: readonly ReportTarget[];
  readonly artifacts?: string;
  readonly ask?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}
