/**
 * Workspaces: what their grants name, and copies of what is granted.
 *
 * @module
 */
export {
  type Baseline,
  type BaselineEntries,
  type BaselineEntry,
  BaselineRecorder,
  folderOf,
  type HostIdentity,
  hostIdentity,
  isSameContent,
  isSameHost,
} from "./baseline.ts";
export {
  childPath,
  closeDirectory,
  type Directory,
  listNames,
  makeChild,
  makeLink,
  openChild,
  openFile,
  openRoot,
  readLink,
  statChild,
} from "./directory.ts";
export { OverlayBaseline, type Survey } from "./overlay-baseline.ts";
export { type Agent, type Ownership, ownershipOf } from "./ownership.ts";
export { type PreparedGrant, type PreparedWorkspace, type PrepareOptions, prepareWorkspace } from "./prepare.ts";
export { accessAt, componentsOf, type EntryAccess, type GrantAccess, select, type WorkspaceGrant } from "./select.ts";
export { type CopyReport, describeReport, errnoOf } from "./walk.ts";
