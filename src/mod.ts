/**
 * Cofferdam: sandboxes for AI agents and other programs that nobody trusts.
 *
 * @module
 */
export * from "./approvals/mod.ts";
export * from "./audit/mod.ts";
export type * from "./credentials/types.ts";
export type { ModelPrice, PatternFunction, PatternPlaces } from "./domains/inference/mod.ts";
export type { ProxyOptions, Resolver } from "./egress/mod.ts";
export {
  type ErrorCode,
  type ErrorDetails,
  type PolicyIssue,
  SandboxError,
  type SandboxErrorOptions,
} from "./errors.ts";
export type * from "./hooks/approval-types.ts";
export type * from "./hooks/inference-types.ts";
export {
  allow,
  ask,
  type DecisionMaker,
  definePlugin,
  deny,
  type HookVerdict,
  type PeekTextOptions,
  peekText,
  substitute,
} from "./hooks/mod.ts";
export type * from "./hooks/subjects.ts";
export type * from "./hooks/types.ts";
export * from "./pipeline/mod.ts";
export type * from "./policy/algebra/diff-types.ts";
export type {
  ConnectRequest,
  ConsideredRule,
  DecidedBy,
  ExplainedCall,
  ExplainedPrivacy,
  ExplainedTarget,
  ExplainOptions,
  Explanation,
  FileOperation,
  FileRequest,
  ModelRequest,
  PolicyRequest,
  StartRequest,
  WebRequest,
} from "./policy/explain/types.ts";
export {
  compose,
  diffPolicies,
  explain,
  loadPolicy,
  type ParsePolicyOptions,
  parsePolicy,
  restrict,
} from "./policy/mod.ts";
export type * from "./policy/types.ts";
export type { AcquireOptions, PoolOptions } from "./pool/options.ts";
export type { Pool, PoolCounts } from "./pool/warmed-pool.ts";
export { createPool } from "./pool.ts";
export * from "./recipes/mod.ts";
export type * from "./review/types.ts";
export type { BuiltImage, ImageBuildOptions, ImageSource } from "./runtimes/docker/build-image.ts";
export type { DockerOptions } from "./runtimes/docker/mod.ts";
export type { Leftover, LeftoverReport } from "./runtimes/leftovers.ts";
export {
  type Guest,
  type GuestErrno,
  GuestError,
  type GuestFetchOptions,
  type GuestProcess,
  type GuestProgram,
  type GuestStartOptions,
} from "./runtimes/memory/mod.ts";
export type { LimitsHolder, RuntimeName, VolumeFacts, WorkspaceMode } from "./runtimes/runtime.ts";
export type { ApprovalOptions } from "./sandbox/approvals.ts";
export type { AuditOptions } from "./sandbox/audit.ts";
export { buildImage } from "./sandbox/build-image.ts";
export type { SetPolicyOptions } from "./sandbox/change-policy.ts";
export { runtimeProblem } from "./sandbox/choose-runtime.ts";
export { type CleanupOptions, cleanup } from "./sandbox/cleanup.ts";
export type { CredentialInForce, Enforcement } from "./sandbox/enforcement.ts";
export type { SandboxEventMap, SandboxEvents } from "./sandbox/events.ts";
export type * from "./sandbox/file-options.ts";
export type { SandboxFiles } from "./sandbox/files.ts";
export type { InferenceOptions, KeySource } from "./sandbox/inference/options.ts";
export type { FilesystemMode } from "./sandbox/modes.ts";
export type { SandboxOptions, WorkspaceOptions } from "./sandbox/options.ts";
export type * from "./sandbox/ports/types.ts";
export type { WorkspaceReview } from "./sandbox/reviewing.ts";
export type { PolicyInForce, Sandbox } from "./sandbox/running.ts";
export type { ShellTemplate } from "./sandbox/shell-template.ts";
export type { SandboxState } from "./sandbox/snapshots/state.ts";
export { listSnapshots, removeSnapshot } from "./sandbox/snapshots/store.ts";
export type { QuietOptions, Snapshot, SnapshotOptions, SnapshotPart } from "./sandbox/snapshots/types.ts";
export type { TemplateValue } from "./sandbox/template.ts";
export type * from "./sandbox/trees/types.ts";
export type * from "./sandbox/types.ts";
export { listVolumes, removeVolume, type StateOptions } from "./sandbox/volume-store.ts";
export type { VolumeOptions } from "./sandbox/volumes.ts";
export type * from "./sandbox/watch-types.ts";
export { createSandbox } from "./sandbox.ts";
