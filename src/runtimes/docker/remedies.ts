/**
 * What can be done about a failed attempt to start a container.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import type { StartContext } from "./context.ts";
import type { StartPlan } from "./start-plan.ts";

/** Something that makes another attempt worth it. */
export interface Remedy {
  readonly name: string;
  apply(context: StartContext, plan: StartPlan): Promise<void>;
}

interface Case extends Remedy {
  readonly stage: string;
  readonly message: RegExp;
}

const CASES: readonly Case[] = [
  {
    // Nothing has filled the volume yet, so the passwd file to mount is not there.
    name: "fill",
    stage: "create",
    message: /bind source path does not exist/,
    apply: ({ volume }, plan) => volume.fill(plan.container.imageId, plan.container.labels, plan.agent),
  },
  {
    // It is there, and the engine does not see it: its disk is behind another layer.
    name: "forgo-identities",
    stage: "create",
    message: /bind source path does not exist|mounts denied|not shared/i,
    apply: async ({ volume }) => volume.forgoIdentities(),
  },
  {
    // Somebody emptied the volume.
    name: "refill",
    stage: "start",
    message: /no such file or directory/i,
    apply: async ({ volume }) => volume.forget(),
  },
  {
    name: "keep-ipv6",
    stage: "start",
    message: /sysctl|disable_ipv6/,
    apply: async ({ learnt }) => {
      learnt.withoutIpv6 = false;
    },
  },
];

/** What helps against `error` and was not tried yet. */
export function remedyFor(error: unknown, tried: ReadonlySet<string>): Remedy | undefined {
  if (!SandboxError.is(error, "START_FAILED")) return undefined;
  const { stage, output = "" } = error.details;
  return CASES.find((known) => known.stage === stage && !tried.has(known.name) && known.message.test(output));
}
