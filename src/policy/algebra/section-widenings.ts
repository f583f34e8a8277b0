/**
 * Everything by which one policy may allow more than another, section by section.
 *
 * @module
 */
import type { NormalizedPolicy } from "../normalized.ts";
import type { PolicySectionName } from "../types.ts";
import { filesystemWidenings, processWidenings, type Widening } from "../widenings.ts";
import { credentialWidenings } from "./credential-widenings.ts";
import { inferenceWidenings } from "./inference-widenings.ts";
import { networkWidenings } from "./network-widenings.ts";
import { auditWidenings, limitWidenings } from "./other-widenings.ts";

/** What finds them in one section. */
export type FindWidenings = (old: NormalizedPolicy, next: NormalizedPolicy) => readonly Widening[];

/** Of every section, in the order of a policy. */
export const SECTION_WIDENINGS: Readonly<Record<PolicySectionName, FindWidenings>> = {
  filesystem: filesystemWidenings,
  process: (old, next) => [...processWidenings(old, next), ...limitWidenings(old, next)],
  network: networkWidenings,
  inference: inferenceWidenings,
  credentials: credentialWidenings,
  audit: auditWidenings,
};
