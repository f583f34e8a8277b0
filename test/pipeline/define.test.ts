import { expect, test } from "vitest";
import { definePipeline, type PipelineDefinition, SandboxError } from "../../src/mod.ts";

const stage = { command: ["true"] } as const;

/** What a definition is refused for: each has its place. */
const REFUSED: readonly (readonly [what: string, definition: unknown, issue: string])[] = [
  [
    "an unknown key",
    { name: "a", stages: { s: { ...stage, outptus: {} } } },
    'stages.s.outptus: unknown key "outptus": did you mean "outputs"?',
  ],
  ["no stages", { name: "a", stages: {} }, "stages: a pipeline has 1 to 64 stages"],
  ["a name", { name: "A b", stages: { s: stage } }, "name: a name is lower-case"],
  ["an empty command", { name: "a", stages: { s: { command: [] } } }, "stages.s.command"],
  [
    "a path that leads out",
    { name: "a", stages: { s: { ...stage, inputs: ["../x"] } } },
    "stages.s.inputs.0: a path has no ..",
  ],
  [
    "an absolute path",
    { name: "a", stages: { s: { ...stage, inputs: ["/etc"] } } },
    "stages.s.inputs.0: a path is below",
  ],
  ["a glob", { name: "a", stages: { s: { ...stage, inputs: ["src/*"] } } }, "stages.s.inputs.0: a path has no glob"],
  ["a missing need", { name: "a", stages: { s: { ...stage, needs: ["t"] } } }, 'stages.s.needs: there is no stage "t"'],
  [
    "a need of itself",
    { name: "a", stages: { s: { ...stage, needs: ["s"] } } },
    "stages.s.needs: a stage cannot need itself",
  ],
  [
    "a circle",
    { name: "a", stages: { s: { ...stage, needs: ["t"] }, t: { ...stage, needs: ["s"] } } },
    "stages: s, t need each other",
  ],
  [
    "an output that is not there",
    { name: "a", stages: { s: stage, t: { ...stage, inputs: [{ stage: "s", output: "o" }] } } },
    'stages.t.inputs.0: there is no output "o" of a stage "s"',
  ],
  [
    "printed text without a place",
    {
      name: "a",
      stages: {
        s: { ...stage, outputs: { o: { stdout: true } } },
        t: { ...stage, inputs: [{ stage: "s", output: "o" }] },
      },
    },
    "stages.t.inputs.0: what was printed needs a path",
  ],
  [
    "outputs that overlap",
    { name: "a", stages: { s: { ...stage, outputs: { o: { path: "x" }, p: { path: "./x/y" } } } } },
    'stages.s.outputs.p: "x/y" overlaps',
  ],
  [
    "a file without a folder",
    { name: "a", stages: { s: { ...stage, outputs: { o: { path: "x", kind: "file" } } } } },
    "must lie in a folder",
  ],
  [
    "a release without a gate",
    { name: "a", stages: { s: { ...stage, outputs: { o: { path: "x", release: true } } } } },
    "stages.s.gate: what is released needs a gate",
  ],
  [
    "a report of nothing",
    { name: "a", stages: { s: { ...stage, gate: { on: "report" } } } },
    "stages.s.gate.report: a report names an output",
  ],
  [
    "two releases of one place",
    {
      name: "a",
      stages: {
        s: { ...stage, outputs: { o: { path: "x", release: true } }, gate: {} },
        t: { ...stage, outputs: { o: { path: "x/y", release: true } }, gate: {} },
      },
    },
    'stages.t.outputs.o: the stage "s" releases it too',
  ],
  [
    "a workspace of its own",
    { name: "a", stages: { s: stage }, sandbox: { workspace: "." } },
    "sandbox.workspace: the workspace is the stage's inputs",
  ],
  ["a simulated sandbox", { name: "a", stages: { s: stage }, sandbox: { runtime: "memory" } }, "sandbox.runtime"],
  [
    "an image of a recipe that is yet to be built",
    { name: "a", stages: { s: { ...stage, recipe: { policy: { version: 1 }, image: { dockerfile: "FROM x" } } } } },
    "stages.s.recipe.image",
  ],
  [
    "a root and an image together",
    { name: "a", stages: { s: { ...stage, sandbox: { root: "./tree", image: "alpine" } } } },
    "stages.s.sandbox.root: either a root or an image",
  ],
  [
    "the same for all stages",
    { name: "a", stages: { s: stage }, sandbox: { root: "./tree", image: "alpine" } },
    "sandbox.root: either a root or an image",
  ],
  [
    "a root in a container",
    { name: "a", stages: { s: { ...stage, sandbox: { root: "./tree" } } }, sandbox: { runtime: "docker" } },
    "stages.s.sandbox.root: a root is for the local runtime",
  ],
  [
    "a root that is no path",
    { name: "a", stages: { s: { ...stage, sandbox: { root: 5 } } } },
    "stages.s.sandbox.root: a root is the path",
  ],
  ["a check that is none", { name: "a", stages: { s: { ...stage, checks: [{ name: "x" }] } } }, "stages.s.checks.0"],
];

test.each(REFUSED)("definePipeline() refuses %s", (_, definition, issue) => {
  try {
    definePipeline(definition as PipelineDefinition);
    expect.unreachable();
  } catch (error) {
    if (!SandboxError.is(error, "PIPELINE_INVALID")) throw error;
    expect(error.details.issues.map(({ path, message }) => `${path}: ${message}`).join("\n")).toContain(issue);
  }
});

test("definePipeline() orders stages by their needs, and takes what it gave", () => {
  const pipeline = definePipeline({
    name: "a",
    stages: {
      last: { ...stage, needs: ["first"], inputs: [{ stage: "middle", output: "o" }] },
      middle: { ...stage, needs: ["first"], outputs: { o: { path: "x" } } },
      first: stage,
    },
  });
  expect(pipeline.order).toEqual(["first", "middle", "last"]);
  expect(definePipeline(pipeline)).toEqual(pipeline);
});
