/**
 * A check before a deployment: it reads what a deployment would do and nothing else, reaches no cloud and no other host, writes
 * nothing, and its verdict is taken only if it has the shape of one.
 *
 * `cofferdam pipeline run ci/pre-deploy-pipeline.ts --artifacts verdict` runs it on `plan.json`, for instance of `terraform show -json`.
 * In a project of your own, import from "cofferdam".
 */
import { z } from "zod";
import { definePipeline, type FunctionCheck, matchesSchema, type Pipeline } from "../../src/mod.ts";

/** What a verdict is. */
const VERDICT = z.strictObject({
  verdict: z.enum(["go", "stop"]),
  reasons: z
    .array(
      z.strictObject({
        resource: z.string().max(500),
        action: z.enum(["create", "update", "delete"]),
        risk: z.string().max(500),
      }),
    )
    .max(100),
});

const saysGo: FunctionCheck = {
  name: "says go",
  run: async (outputs) => {
    const { verdict, reasons } = VERDICT.parse(JSON.parse(await outputs.readText("verdict")));
    return verdict === "go" ? undefined : reasons.map(({ resource, risk }) => `${resource}: ${risk}`).join("; ");
  },
};

/** The pipeline, for any judge: a program that reads `plan.json` and prints a verdict. */
export function preDeployPipeline(judge: string): Pipeline {
  return definePipeline({
    name: "pre-deploy",
    sandbox: { runtime: "local" },
    stages: {
      judge: {
        inputs: ["plan.json", judge],
        command: ["node", judge, "plan.json"],
        policy: { version: 1, name: "pre-deploy", process: { allow: ["node"] } },
        outputs: { verdict: { stdout: true, maxBytes: 65_536 } },
        checks: [matchesSchema("verdict", VERDICT), saysGo],
        timeoutMs: 60_000,
      },
    },
  });
}

const pipeline: Pipeline = preDeployPipeline("ci/judge.mjs");
export default pipeline;
