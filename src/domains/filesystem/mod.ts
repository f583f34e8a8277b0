/**
 * Files: what the floor opens.
 *
 * @module
 */

export {
  type FilesystemContext,
  type FilesystemDenial,
  type FilesystemGrant,
  type FilesystemPlan,
  planFilesystem,
} from "./plan.ts";
export { type FilesystemRule, type FilesystemRules, filesystemRules } from "./policy.ts";
