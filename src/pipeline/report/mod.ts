/**
 * Reports of a run, for those who read them by program.
 *
 * @module
 */
import type { PipelineResult } from "../result-types.ts";
import { junitReport } from "./junit.ts";
import { provenanceReport } from "./provenance.ts";
import { sarifReport } from "./sarif.ts";

/** `junit`: JUnit XML. `sarif`: SARIF 2.1.0 of what was denied. `json`: the result. `provenance`: an in-toto statement. */
export type ReportFormat = "junit" | "sarif" | "json" | "provenance";

/** The options of `pipelineReport`. */
export interface ReportOptions {
  /** The version of cofferdam that is named. */
  readonly version?: string;
  /** The path of the file that the pipeline came from, relative to the repository: where denials without a file are shown. */
  readonly source?: string;
}

/**
 * A report of a run, as a text to be written to a file.
 *
 * Shape: whatever a program chose (names, output, what it was denied) is escaped for the format, and made fit for a terminal.
 *
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { pipelineReport, runPipeline } from "cofferdam";
 *
 * const result = await runPipeline({ name: "test", stages: { unit: { command: ["npm", "test"], inputs: ["."] } } });
 * await writeFile("junit.xml", pipelineReport(result, "junit"));
 * ```
 */
export function pipelineReport(result: PipelineResult, format: ReportFormat, options: ReportOptions = {}): string {
  switch (format) {
    case "junit":
      return junitReport(result);
    case "sarif":
      return sarifReport(result, options);
    case "provenance":
      return provenanceReport(result, options.version);
    case "json":
      return `${JSON.stringify({ format: 1, ...result }, undefined, 2)}\n`;
  }
}
