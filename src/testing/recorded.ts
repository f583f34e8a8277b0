/**
 * Where a test looks for decisions, and whether it could find them there.
 *
 * @module
 */
import type { AuditRecord, AuditVerdict, DecisionRecord } from "../audit/mod.ts";
import type { Sandbox } from "../sandbox/running.ts";
import { type DecisionFilter, domainsOf } from "./filter.ts";

/** Decisions of a part of a sandbox's life. */
export interface RecordedDecisions extends Disposable {
  readonly sandbox: Sandbox;
  /** From the call of {@link recordDecisions} to now, or to `stop`. */
  readonly records: readonly AuditRecord[];
  readonly decisions: readonly DecisionRecord[];
  /** Records no more; what was recorded stays. */
  stop(): void;
}

/** What can be asked about decisions: a sandbox, for all of its life, or a part of that. */
export type DecisionSource = Sandbox | RecordedDecisions;

/**
 * Records what is decided in a sandbox from now on.
 *
 * @example
 * ```ts
 * import { createSandbox } from "cofferdam";
 * import { assertStarted, recordDecisions } from "cofferdam/testing";
 *
 * await using sandbox = await createSandbox({ version: 1 });
 * await sandbox.exec(["true"]);
 * using seen = recordDecisions(sandbox);
 * await sandbox.exec(["echo", "done"]);
 * assertStarted(seen, { program: "echo", args: ["done"] });
 * ```
 */
export function recordDecisions(sandbox: Sandbox): RecordedDecisions {
  const records: AuditRecord[] = [];
  const stop = sandbox.events.on("record", (record) => void records.push(record));
  return {
    sandbox,
    records,
    get decisions() {
      return decisionsIn(records);
    },
    stop,
    [Symbol.dispose]: stop,
  };
}

/** The decisions that a source has. */
export function decisionsOf(source: DecisionSource): readonly DecisionRecord[] {
  return "records" in source ? source.decisions : source.decisions();
}

/** The sandbox of a source. */
export function sandboxOf(source: DecisionSource): Sandbox {
  return "records" in source ? source.sandbox : source;
}

/** The argument vectors of the programs that the host has started. */
export function commandsOf(source: DecisionSource): readonly (readonly string[])[] {
  const records = "records" in source ? source.records : source.events.recent();
  return records.flatMap((record) => (record.kind === "command.start" ? [record.argv] : []));
}

/** Why it cannot be told that there was no such decision; undefined if it can. */
export function blindSpot(source: DecisionSource, filter: DecisionFilter, verdict: AuditVerdict): string | undefined {
  const sandbox = sandboxOf(source);
  const { files } = sandbox.enforcement.audit;
  const domains = domainsOf(filter);
  if (!("records" in source) && source.events.forgotten > 0) {
    return `the sandbox keeps its newest records, and had ${source.events.forgotten} more: look at a part with recordDecisions`;
  }
  if (domains.includes("filesystem") && (files === "off" || (files === "denials" && verdict === "allow"))) {
    return `the policy does not record it: write audit: { files: ${verdict === "allow" ? "all" : "denials"} }`;
  }
  if (domains.includes("process") && verdict === "allow" && files !== "all" && !hasProgramRules(sandbox)) {
    return "starts are recorded only where the policy has rules for programs: write audit: { files: all }";
  }
  return undefined;
}

function hasProgramRules({ policy: { policy } }: Sandbox): boolean {
  const { allow, deny, ask } = policy.process ?? {};
  return allow !== undefined || (deny ?? []).length > 0 || (ask ?? []).length > 0;
}

function decisionsIn(records: readonly AuditRecord[]): readonly DecisionRecord[] {
  return records.filter((record): record is AuditRecord & DecisionRecord => record.kind === "decision");
}
