/**
 * A docs agent: it reads sources and docs, writes docs only, and speaks HTTPS to the API of the model only. What it wrote is
 * shown as a diff, and is written to the project when somebody has agreed.
 *
 * `cofferdam pipeline run ci/docs-pipeline.ts` runs it, with `ANTHROPIC_API_KEY` in the environment: the key stays in this process.
 * In a project of your own, import from "cofferdam".
 */
import { definePipeline, type FunctionCheck, type InferenceSection, type Pipeline } from "../../src/mod.ts";

/** The real model. */
const ANTHROPIC: InferenceSection = {
  routes: [{ models: ["claude-*"], provider: "anthropic" }],
  intercept: ["api.anthropic.com"],
  budget: { tokens: 200_000 },
};

const onlyMarkdown: FunctionCheck = {
  name: "only Markdown",
  run: (outputs) => outputs.list("docs").find(({ path }) => !path.endsWith(".md"))?.path,
};

/** The pipeline, with any model behind the same API. */
export function docsPipeline(inference: InferenceSection): Pipeline {
  return definePipeline({
    name: "docs",
    sandbox: { runtime: "local" },
    stages: {
      write: {
        inputs: ["src", "docs", "ci/docs-agent.mjs"],
        command: ["node", "ci/docs-agent.mjs"],
        policy: {
          version: 1,
          name: "docs-agent",
          process: { allow: ["node"] },
          inference,
        },
        outputs: { docs: { path: "docs", release: true, maxBytes: 1024 * 1024 } },
        checks: [onlyMarkdown],
        gate: { on: "diff", timeoutMs: 7 * 86_400_000 },
        timeoutMs: 600_000,
        retries: { count: 1, on: ["timeout", "sandbox"] },
      },
    },
  });
}

const pipeline: Pipeline = docsPipeline(ANTHROPIC);
export default pipeline;
