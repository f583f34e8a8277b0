/**
 * The cases, in the order in which they run: what a sandbox is for first, what ends one last.
 */
import type { Case } from "../case.ts";
import { execArgumentCases } from "./exec-arguments.ts";
import { execEndCases } from "./exec-ends.ts";
import { execInputCases } from "./exec-input.ts";
import { execManyCases } from "./exec-many.ts";
import { execResultCases } from "./exec-results.ts";
import { fileCases } from "./files.ts";
import { fileRefusalCases } from "./files-refused.ts";
import { floorEscapeCases } from "./floor-escapes.ts";
import { floorHostCases } from "./floor-host.ts";
import { floorWriteCases } from "./floor-writes.ts";
import { lifeCases } from "./life.ts";
import { lifeFaultCases } from "./life-faults.ts";
import { limitCases } from "./limits.ts";
import { shellCases } from "./shell.ts";
import { spawnCases } from "./spawn.ts";
import { systemCallCases } from "./system-calls.ts";
import { terminalCases } from "./terminal.ts";
import { workspaceCopyCases } from "./workspace-copy.ts";
import { workspaceHostileCases } from "./workspace-hostile.ts";
import { workspaceMountCases } from "./workspace-mount.ts";

export const cases: readonly Case[] = [
  ...execResultCases,
  ...execArgumentCases,
  ...execInputCases,
  ...shellCases,
  ...spawnCases,
  ...terminalCases,
  ...execEndCases,
  ...execManyCases,
  ...fileCases,
  ...fileRefusalCases,
  ...floorWriteCases,
  ...floorEscapeCases,
  ...floorHostCases,
  ...systemCallCases,
  ...workspaceCopyCases,
  ...workspaceMountCases,
  ...workspaceHostileCases,
  ...limitCases,
  ...lifeCases,
  ...lifeFaultCases,
];
