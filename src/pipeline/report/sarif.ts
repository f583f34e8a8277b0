/**
 * SARIF 2.1.0: a result for each thing that a stage was denied.
 *
 * @module
 */
import { displaySafe } from "../../audit/mod.ts";
import type { PipelineResult, StageDenial } from "../result-types.ts";
import { uriPath } from "./text.ts";

const WORKSPACE = "/workspace/";

/** What a reader of reports may say about them. */
export interface SarifOptions {
  readonly version?: string | undefined;
  readonly source?: string | undefined;
}

/** Writes it. */
export function sarifReport(result: PipelineResult, { version, source }: SarifOptions): string {
  const denials = result.stages.flatMap(({ name, attempts }) => {
    return attempts.flatMap(({ attempt, denials }) => denials.map((denial) => ({ stage: name, attempt, denial })));
  });
  const rules = [...new Map(denials.map(({ denial }) => [ruleOf(denial), denial])).entries()];
  const indexes = new Map(rules.map(([id], index) => [id, index]));
  const document = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "cofferdam",
            ...(version === undefined ? {} : { version }),
            rules: rules.map(([id, denial]) => ({ id, shortDescription: { text: describe(denial) } })),
          },
        },
        automationDetails: { id: `cofferdam/${result.pipeline}/${result.run}` },
        invocations: [
          { executionSuccessful: result.status === "passed", startTimeUtc: result.startedAt, ...endOf(result) },
        ],
        columnKind: "utf16CodeUnits",
        results: denials.map(({ stage, attempt, denial }) => ({
          ruleId: ruleOf(denial),
          ruleIndex: indexes.get(ruleOf(denial)) ?? -1,
          level: "warning",
          message: { text: messageOf(stage, denial) },
          locations: [locationOf(denial, source)],
          occurrenceCount: denial.count,
          properties: { stage, attempt, domain: denial.domain, operation: displaySafe(denial.operation) },
        })),
      },
    ],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** The rule that denied it, or what no rule allows. */
function ruleOf({ rule, domain, operation }: StageDenial): string {
  return displaySafe(rule ?? `unmatched/${domain}.${operation}`);
}

function describe({ rule, domain, operation }: StageDenial): string {
  const what = displaySafe(`${domain}.${operation}`);
  return rule === undefined
    ? `No rule of the policy allows this: ${what}`
    : `A rule of the policy denies this: ${what}`;
}

function messageOf(stage: string, { domain, operation, object, reason, program, count }: StageDenial): string {
  const by = program === undefined ? "" : ` by ${displaySafe(program)}`;
  const times = count > 1 ? ` (${count} times)` : "";
  return `The stage "${stage}" was denied ${displaySafe(`${domain}.${operation} ${object}`)}${by}${times}: ${displaySafe(reason)}`;
}

/** Files have a place; everything else has a name, and the place where the pipeline is written down. */
function locationOf({ domain, object }: StageDenial, source: string | undefined): object {
  if (domain === "filesystem" && object.startsWith("/")) {
    const inside = object.startsWith(WORKSPACE);
    const artifactLocation = inside
      ? { uri: uriPath(object.slice(WORKSPACE.length)) }
      : { uri: `file://${uriPath(object)}` };
    return { physicalLocation: { artifactLocation } };
  }
  return {
    ...(source === undefined ? {} : { physicalLocation: { artifactLocation: { uri: uriPath(source) } } }),
    logicalLocations: [{ fullyQualifiedName: displaySafe(object), kind: "resource" }],
  };
}

function endOf({ endedAt }: PipelineResult): object {
  return endedAt === "" ? {} : { endTimeUtc: endedAt };
}
