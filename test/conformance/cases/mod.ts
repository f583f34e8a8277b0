/**
 * The cases, in the order in which they run: what a sandbox is for first, what ends one last.
 */
import type { Case } from "../case.ts";
import { blockingCases } from "./blocking.ts";
import { clientGitCases } from "./clients-git.ts";
import { clientPlainCases } from "./clients-plain.ts";
import { clientRegistryCases } from "./clients-registries.ts";
import { clientWebCases } from "./clients-web.ts";
import { credentialCases } from "./credentials.ts";
import { credentialLiveCases } from "./credentials-live.ts";
import { deniedNameCases } from "./denied-names.ts";
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
import { hashingCases } from "./hashing.ts";
import { hookCases } from "./hooks.ts";
import { hookContentCases } from "./hooks-content.ts";
import { httpAnswerCases } from "./http-answers.ts";
import { httpContentCases } from "./http-content.ts";
import { httpHookCases } from "./http-hooks.ts";
import { httpRuleCases } from "./http-rules.ts";
import { http2Cases } from "./http2.ts";
import { inferenceCases } from "./inference.ts";
import { lifeCases } from "./life.ts";
import { lifeFaultCases } from "./life-faults.ts";
import { limitCases } from "./limits.ts";
import { localSiteCases } from "./local-site.ts";
import { mcpCases } from "./mcp.ts";
import { mediatedCareCases } from "./mediated-cares.ts";
import { mediatedLaterCases } from "./mediated-later.ts";
import { mediatedPolicyCases } from "./mediated-policy.ts";
import { mediatedTableCases } from "./mediated-table.ts";
import { networkCases } from "./network.ts";
import { networkNameCases } from "./network-names.ts";
import { networkProxyCases } from "./network-proxies.ts";
import { ordinaryBuildCases } from "./ordinary-builds.ts";
import { ordinaryServiceCases } from "./ordinary-services.ts";
import { otherNameCases } from "./other-names.ts";
import { portCases } from "./ports.ts";
import { portFetchCases } from "./ports-fetch.ts";
import { procfsCases } from "./procfs.ts";
import { programAskedCases } from "./programs-asked.ts";
import { programRuleCases } from "./programs-rules.ts";
import { programTrickCases } from "./programs-tricks.ts";
import { raceCases } from "./races.ts";
import { reviewCases } from "./review.ts";
import { reviewApplyCases } from "./review-apply.ts";
import { shellCases } from "./shell.ts";
import { snapshotCases } from "./snapshots.ts";
import { socketCases } from "./sockets.ts";
import { spawnCases } from "./spawn.ts";
import { systemCallCases } from "./system-calls.ts";
import { terminalCases } from "./terminal.ts";
import { treeCases } from "./trees.ts";
import { volumeCases } from "./volumes.ts";
import { waitingCases } from "./waiting.ts";
import { watchCases } from "./watch.ts";
import { websocketMessageCases } from "./websocket-messages.ts";
import { workspaceCopyCases } from "./workspace-copy.ts";
import { workspaceHostileCases } from "./workspace-hostile.ts";
import { workspaceMountCases } from "./workspace-mount.ts";
import { workspaceOverlayCases } from "./workspace-overlay.ts";

/** What they show is the warden's and the kernel's: no image makes a difference. */
function ofAnyImage(...families: readonly (readonly Case[])[]): Case[] {
  return families.flat().map((each) => ({ ...each, anyImage: true }));
}

/** What they show is decided in this process, or asks so much of a kernel that once is enough. */
function byRoot(...families: readonly (readonly Case[])[]): Case[] {
  return families.flat().map((each) => ({ anyUser: "root", ...each }));
}

/** What they show is the warden's own: the way that an ordinary user's takes is the longer one, and the one that is sanitized. */
function byAnyone(...families: readonly (readonly Case[])[]): Case[] {
  return families.flat().map((each) => ({ anyUser: "ordinary", ...each }));
}

export const cases: readonly Case[] = [
  ...execResultCases,
  ...execArgumentCases,
  ...ofAnyImage(byAnyone(execInputCases)),
  ...shellCases,
  ...ofAnyImage(byAnyone(spawnCases)),
  ...terminalCases,
  ...ofAnyImage(byAnyone(execEndCases, execManyCases)),
  ...ofAnyImage(fileCases),
  ...ofAnyImage(byAnyone(fileRefusalCases, treeCases, watchCases, portCases, portFetchCases)),
  ...ofAnyImage(floorWriteCases),
  ...floorEscapeCases,
  ...floorHostCases,
  ...ofAnyImage(byAnyone(systemCallCases, mediatedTableCases, mediatedLaterCases, mediatedCareCases)),
  ...ofAnyImage(byAnyone(mediatedPolicyCases, procfsCases, blockingCases, socketCases, hookCases, hookContentCases)),
  ...ofAnyImage(otherNameCases, deniedNameCases, byAnyone(waitingCases)),
  ...byAnyone(programRuleCases),
  ...programTrickCases,
  ...programAskedCases,
  ...ofAnyImage(byAnyone(hashingCases), byRoot(raceCases)),
  ...ofAnyImage(byAnyone(networkCases, networkNameCases)),
  ...ofAnyImage(byRoot(networkProxyCases, localSiteCases)),
  ...byRoot(ordinaryBuildCases),
  ...ordinaryServiceCases,
  ...ofAnyImage(workspaceCopyCases),
  ...ofAnyImage(workspaceMountCases),
  ...ofAnyImage(workspaceOverlayCases),
  ...ofAnyImage(workspaceHostileCases),
  ...ofAnyImage(volumeCases),
  ...ofAnyImage(byAnyone(reviewCases), reviewApplyCases),
  ...ofAnyImage(snapshotCases),
  ...ofAnyImage(limitCases),
  ...ofAnyImage(byRoot(httpRuleCases, http2Cases, httpContentCases, mcpCases, websocketMessageCases)),
  ...ofAnyImage(byRoot(httpHookCases, httpAnswerCases, inferenceCases, credentialCases, credentialLiveCases)),
  ...byRoot(clientWebCases, clientGitCases, clientRegistryCases),
  ...byRoot(clientPlainCases),
  ...lifeCases,
  ...ofAnyImage(byAnyone(lifeFaultCases)),
];
