/**
 * The variables that every command of a sandbox gets.
 *
 * @module
 */
import { TRUST_VARIABLES } from "../egress/tls/trust.ts";
import { baseEnvironment, type Variables } from "./environment.ts";
import { withGitHelpers } from "./git-credentials.ts";
import type { Plans } from "./plan-domains.ts";
import { canReadDenials, DENIALS_PATH, type PolicySetting } from "./policy-parts.ts";

/** Under the policy in force. They reach the sandbox with each command, and are in no configuration. */
export function commandEnvironment(
  { warden, options, trust, credentials }: PolicySetting,
  filesystem: Plans["filesystem"],
): Variables {
  const variables = {
    ...(trust === undefined ? {} : TRUST_VARIABLES),
    ...(canReadDenials(filesystem) ? { COFFERDAM_DENIALS: DENIALS_PATH } : {}),
    ...baseEnvironment(warden.environment, options.env ?? {}),
    ...credentials.variables,
  };
  return withGitHelpers(variables, credentials.granted);
}
