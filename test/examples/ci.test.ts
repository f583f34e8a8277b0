/** The templates for CI: what can be said of them without the services that run them. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { buildProgram } from "../../src/cli/program.ts";
import { ROOT } from "../house/tree.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  readonly environment?: string;
  readonly "timeout-minutes"?: number;
}

const read = (name: string): string => readFileSync(join(ROOT, "examples/ci", name), "utf8");
const github = read("github-actions.yml");
const workflow = parse(github, { strict: true }) as { permissions: unknown; jobs: Readonly<Record<string, Job>> };
const gitlab = parse(read("gitlab-ci.yml"), { strict: true }) as Record<
  string,
  { script?: string[]; stage?: string; extends?: string; environment?: string }
>;

/** The words of every call of the command line in a script. */
function callsIn(script: string): string[][] {
  const lines = script.replaceAll("\\\n", " ").split("\n");
  return lines.flatMap((line) => {
    const [, call] = /npx cofferdam ([^|;&]*)/.exec(line) ?? [];
    return call === undefined ? [] : [call.trim().split(/\s+/)];
  });
}

/** The flags of a call that the command line does not have. */
function unknownFlags(words: readonly string[]): string[] {
  let command: Command = buildProgram();
  for (const word of words) command = command.commands.find((each) => each.name() === word) ?? command;
  const known = command.options.map(({ long }) => long);
  expect(command.parent?.name()).toBe("pipeline");
  return words.filter((word) => word.startsWith("--") && !known.includes(word));
}

describe("examples/ci/github-actions.yml", () => {
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => job.steps);

  test("pins every action to a commit, and says which version that is", () => {
    const lines = github.split("\n").filter((line) => line.includes("uses:"));
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test("gives each job no more than to read, and checkouts no credentials", () => {
    expect(workflow.permissions).toEqual({});
    for (const [, job] of jobs) expect([job.permissions, job["timeout-minutes"]]).toEqual([{ contents: "read" }, 30]);
    for (const step of steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"))) {
      expect(step.with).toEqual({ "persist-credentials": false });
    }
    expect(workflow.jobs.release?.environment).toBe("docs-release");
  });

  test("puts no expression into a script, and scripts are Bash", () => {
    for (const { run } of steps) {
      expect(run ?? "").not.toContain("${{");
      if (run !== undefined) execFileSync("bash", ["-n"], { input: run });
    }
  });

  test("calls the command line as it is", () => {
    const calls = steps.flatMap(({ run }) => callsIn(run ?? ""));
    expect(calls.map(([, name]) => name)).toEqual(["run", "resume"]);
    expect(calls.flatMap(unknownFlags)).toEqual([]);
  });
});

describe("examples/ci/gitlab-ci.yml", () => {
  const jobs = Object.entries(gitlab).filter(([, job]) => job.script !== undefined);

  test("has jobs in stages that there are", () => {
    expect(jobs.map(([name]) => name)).toEqual(["docs-agent", "docs-release", "pre-deploy"]);
    for (const [, job] of jobs) {
      expect(gitlab.stages).toContain(job.stage);
      expect(gitlab[job.extends ?? ""]).toBeDefined();
    }
    expect(gitlab["docs-release"]?.environment).toBe("docs-release");
  });

  test("calls the command line as it is, in Bash", () => {
    const scripts = jobs.flatMap(([, { script = [] }]) => script);
    for (const script of scripts) execFileSync("bash", ["-n"], { input: script });
    const calls = scripts.flatMap(callsIn);
    expect(calls.map(([, name]) => name)).toEqual(["run", "resume", "run"]);
    expect(calls.flatMap(unknownFlags)).toEqual([]);
  });
});
