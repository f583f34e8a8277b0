/**
 * Files: what the floor opens, and what is decided above it.
 *
 * @module
 */

export {
  type FilesystemContext,
  type FilesystemDenial,
  type FilesystemGrant,
  type FilesystemPlan,
  liveGrants,
  planFilesystem,
} from "./plan.ts";
export { type FilesystemRule, type FilesystemRules, filesystemRules } from "./policy.ts";
