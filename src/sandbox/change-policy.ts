/**
 * Changing the policy of a sandbox that runs.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { Link } from "../link/link.ts";
import { comparePolicies, type NormalizedPolicy, type Policy } from "../policy/core.ts";
import { commandEnvironment } from "./command-environment.ts";
import type { Connections } from "./connections.ts";
import type { RunningProgram, SandboxContext } from "./context.ts";
import { useCredentials } from "./credentials.ts";
import type { Decisions } from "./decisions.ts";
import type { Variables } from "./environment.ts";
import type { SandboxFiles } from "./files.ts";
import { checkPatterns } from "./inference/check-patterns.ts";
import { readProviders } from "./inference/options.ts";
import type { Names } from "./known-options.ts";
import { writeLogins } from "./login-files.ts";
import type { Modes } from "./modes.ts";
import { planDomains } from "./plan-domains.ts";
import { encodePolicy } from "./policy-frames.ts";
import { type PolicySetting, policyParts } from "./policy-parts.ts";
import { type ReadPolicy, readPolicy } from "./read-policy.ts";
import type { SandboxRecords } from "./records.ts";

/** The options of `setPolicy`. */
export interface SetPolicyOptions {
  /**
   * What becomes of running commands where the change narrows what they may do: they keep their kernel domain and their
   * open files, so they are killed, or the change is an error.
   *
   * @default an error
   */
  readonly running?: "kill";
}

/** The names of them. */
export const SET_POLICY: Names<SetPolicyOptions> = { running: true };

/** What a policy is changed in. */
export interface ChangeContext {
  readonly context: SandboxContext;
  readonly files: SandboxFiles;
  readonly link: Link;
  readonly decisions: Decisions;
  readonly flows: Connections;
  readonly setting: PolicySetting;
  readonly current: ReadPolicy;
  readonly generation: number;
  readonly records: SandboxRecords;
}

/** What came of a change. */
export interface PolicyChange {
  readonly policy: ReadPolicy;
  readonly modes: Modes;
  readonly timeoutMs: number | undefined;
  readonly environment: Variables;
}

/** Puts another policy in force for whatever starts from now on. */
export async function changePolicy(
  { context, files, link, decisions, flows, setting, current, generation, records }: ChangeContext,
  input: Policy | string,
  { running }: SetPolicyOptions,
): Promise<PolicyChange> {
  const next = await readPolicy(input);
  const plans = planDomains(next.normalized, readProviders(setting.options.inference));
  await checkPatterns(next, plans, setting.options);
  const narrowed = narrowedSection(current.normalized, next.normalized);
  const connections = { plan: plans.network, inference: plans.inference, policy: next.normalized };
  flows.check(connections);
  const credentials = await setting.credentials.prepare(next.normalized.credentials);
  const known = setting.credentials.logins;
  // Whatever may fail comes before the change: what has begun to be in force is not taken back.
  const undo = await writeLogins(
    files,
    credentials.logins.filter((login) => !known.includes(login)),
  );
  const affected: RunningProgram[] = [];
  const parts = policyParts(next, plans, setting, { generation, narrowed: true });
  try {
    if (narrowed !== undefined && running !== "kill") {
      await settled(context.running);
      if (context.running.size > 0) throw commandsRunning(narrowed, context.running.size);
    }
    const encoded = encodePolicy(parts, decisions.ruleCount);
    decisions.addRules(encoded.rules);
    setting.sensitive.setPlan(plans.inference);
    const changed = link.changePolicy(encoded.frames);
    // In the order of the link: what was asked for until now starts under the old policy, and everything later does not.
    if (narrowed !== undefined) affected.push(...context.running);
    await changed;
  } catch (error) {
    await undo();
    throw error;
  }
  useCredentials(setting.credentials, credentials, records);
  flows.setPolicy(connections);
  setting.registry.policyChanged();
  await Promise.all(affected.map(killed));
  const environment = commandEnvironment(setting, parts.filesystem);
  return { policy: next, modes: parts.modes, timeoutMs: plans.process.limits.timeoutMs, environment };
}

/** What has exited takes a moment to be gone. */
export async function settled(running: ReadonlySet<RunningProgram>): Promise<void> {
  const all = Promise.allSettled([...running].map(({ gone }) => gone));
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, SETTLE_MS);
  });
  await Promise.race([all, patience]);
  clearTimeout(timer);
}

const SETTLE_MS = 250;

/** Kills a program and everything that it started; settles when all of it is gone. */
export async function killed(program: RunningProgram): Promise<void> {
  program.kill();
  await program.gone.catch(() => undefined);
}

/** The section that the change narrows, if any. */
export function narrowedSection(old: NormalizedPolicy, next: NormalizedPolicy): string | undefined {
  const changes = comparePolicies(old, next);
  for (const section of ["filesystem", "process"] as const) {
    const change = changes[section];
    if (change.kind !== "wider") continue;
    throw new SandboxError("POLICY_WIDENS", `Cannot change the policy: ${change.because}`, {
      details: { section, path: change.path, reason: change.because },
      hint: "What a sandbox may do with files and programs can only shrink while it runs: create another sandbox",
    });
  }
  return (["filesystem", "process"] as const).find((section) => changes[section].kind === "narrower");
}

function commandsRunning(section: string, count: number): SandboxError<"COMMANDS_RUNNING"> {
  return new SandboxError(
    "COMMANDS_RUNNING",
    `Cannot narrow ${section} while ${count} command${count === 1 ? " runs" : "s run"}: what runs keeps its kernel domain`,
    { details: { count, section }, hint: 'Wait for them, or pass { running: "kill" }' },
  );
}
