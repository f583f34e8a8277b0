/**
 * From plans to the frames that put them in force in the warden.
 *
 * @module
 */
import type { FilesystemGrant, FilesystemPlan } from "../domains/filesystem/mod.ts";
import type { ProcessPlan } from "../domains/process/mod.ts";
import { encodeMessage } from "../link/codec.ts";
import type { PolicyFrames } from "../link/link.ts";
import { CODES, FLAGS } from "../link/protocol.ts";
import type { Modes } from "./modes.ts";

/** A rule as a verdict names it. */
export interface NamedRule {
  readonly id: string;
  /** The hook that it defers to. */
  readonly defer?: string | undefined;
}

/** What a hook wants to see: absolute patterns; empty lists mean all. */
export interface WardenSubscription {
  readonly domain: "filesystem" | "process";
  readonly operations: readonly string[];
  readonly paths: readonly string[];
  readonly binaries: readonly string[];
}

/** Everything that a policy is to the warden. */
export interface PolicyParts {
  readonly generation: number;
  readonly filesystem: FilesystemPlan;
  readonly process: ProcessPlan;
  /** What the floor grants. */
  readonly floor: readonly FilesystemGrant[];
  readonly modes: Modes;
  readonly subscriptions: readonly WardenSubscription[];
  readonly audit: "off" | "denials" | "all";
  readonly unmatchedPathAsk: boolean;
  /** Whether `process.allow` is a list: only then is a program that nothing matches denied. */
  readonly allowList: boolean;
  readonly liveMounts: boolean;
  readonly tellAgent: boolean;
  /** Whether a hook wants to see the hash of who connects. */
  readonly hashConnectors: boolean;
  /** Where programs are looked for: absolute directories. */
  readonly search: readonly string[];
  /** Where a symlink is not the host's word: absolute directories. */
  readonly untrusted: readonly string[];
  /** Where no symlink from elsewhere leads: absolute directories. */
  readonly volumes: readonly string[];
  /** How long the warden waits for an answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** The frames, and the rules in the order of their numbers. */
export interface EncodedPolicy {
  readonly frames: PolicyFrames;
  readonly rules: readonly NamedRule[];
}

/** Encodes a policy. Its rules are numbered after those that are `known` already, for running commands keep theirs. */
export function encodePolicy(parts: PolicyParts, known: number): EncodedPolicy {
  const { filesystem, process } = parts;
  const rules: NamedRule[] = [];
  const number = (ruleId: string, defer: string | undefined) => known + rules.push({ id: ruleId, defer });
  const frames = [
    encodeMessage("policy", {
      generation: parts.generation,
      mode: CODES.mode[parts.modes.filesystem],
      flags: flagsOf(parts),
      timeoutMs: parts.timeoutMs,
      search: parts.search.map((directory) => Buffer.from(directory)),
      untrusted: parts.untrusted.map((directory) => Buffer.from(directory)),
      volumes: parts.volumes.map((directory) => Buffer.from(directory)),
    }),
    ...parts.floor.map((grant) => encodeMessage("rule", toRule(grant))),
    ...filesystem.rules.map((rule) =>
      encodeMessage("pathRule", {
        // A rule that defers leaves the answer to its hook.
        verdict: CODES.verdict[rule.defer === undefined ? rule.verdict : "ask"],
        access: rule.access === undefined ? 0 : CODES.access[rule.access],
        rule: number(rule.ruleId, rule.defer),
        pattern: Buffer.from(rule.pattern),
      }),
    ),
    ...process.rules.map((rule) =>
      encodeMessage("programRule", {
        verdict: CODES.verdict[rule.defer === undefined ? rule.verdict : "ask"],
        flags:
          (rule.args === undefined ? FLAGS.programRule.anyArguments : 0) | (rule.name ? FLAGS.programRule.name : 0),
        rule: number(rule.ruleId, rule.defer),
        pattern: Buffer.from(rule.pattern),
        sha256: Buffer.from(rule.sha256 ?? "", "hex"),
        arguments: (rule.args ?? []).map((argument) => Buffer.from(argument)),
      }),
    ),
    ...parts.subscriptions.map((subscription) =>
      encodeMessage("subscription", {
        domain: CODES.domain[subscription.domain],
        actions: actionBits(subscription.operations),
        paths: subscription.paths.map((pattern) => Buffer.from(pattern)),
        binaries: subscription.binaries.map((pattern) => Buffer.from(pattern)),
      }),
    ),
  ];
  return { frames, rules };
}

function flagsOf(parts: PolicyParts): number {
  const { policy } = FLAGS;
  return (
    (parts.modes.programs ? policy.decidePrograms : 0) |
    (parts.allowList ? policy.allowList : 0) |
    (parts.audit === "all" ? policy.recordAllows : 0) |
    (parts.audit !== "off" ? policy.recordDenials : 0) |
    (parts.unmatchedPathAsk ? policy.unmatchedPathAsk : 0) |
    (parts.process.unmatched === "ask" ? policy.unmatchedProgramAsk : 0) |
    (parts.liveMounts ? policy.liveMounts : 0) |
    (parts.tellAgent ? policy.tellAgent : 0) |
    (parts.modes.network ? policy.decideNetwork : 0) |
    (parts.modes.network && parts.hashConnectors ? policy.hashConnectors : 0)
  );
}

function actionBits(operations: readonly string[]): number {
  return operations.reduce((bits, operation) => bits | (1 << CODES.action[operation as keyof typeof CODES.action]), 0);
}

function toRule(grant: FilesystemGrant) {
  const { optional, workspace } = FLAGS.rule;
  return {
    access: CODES.access[grant.access],
    flags: (grant.optional ? optional : 0) | (grant.inWorkspace ? workspace : 0),
    path: Buffer.from(grant.inWorkspace ? (grant.workspaceRelative ?? ".") : grant.path),
  };
}
