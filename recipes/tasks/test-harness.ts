/**
 * A throwaway place for tests of programs that nobody trusts.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";

/** Where tests find what they need. */
export interface TestHarnessParams {
  /** What is read. @default "./fixtures" */
  readonly fixtures?: string;
  /** What is written. @default "./work" */
  readonly work?: string;
  /** For each command. @default "15m" */
  readonly timeout?: string;
}

/** Reads fixtures, writes a folder that is thrown away, reaches nothing, and ends in time. */
export const testHarness: Recipe<TestHarnessParams> = defineRecipe({
  name: "test-harness",
  version: "1.0.0",
  description: "Reads fixtures, writes a folder that is thrown away, reaches nothing, and ends in time.",
  params: z.object({
    fixtures: param.path().default("./fixtures").describe("what is read"),
    work: param.path().default("./work").describe("what is written"),
    timeout: z
      .string()
      .regex(/^[0-9]{1,4}[smh]$/)
      .default("15m")
      .describe("for each command"),
  }),
  build: ({ fixtures, work, timeout }) => ({
    policy: {
      version: 1,
      filesystem: { read: [fixtures], write: [work] },
      process: { limits: { memory: "2GiB", cpus: 2, pids: 256, timeout, mode: "best-effort" } },
      locked: ["filesystem", "process", "network", "inference", "credentials"],
    },
  }),
  tests: {
    params: {},
    claims: ({ allows, denies }) => [
      allows.read("fixtures/a.json"),
      allows.write("work/out.txt"),
      denies.write("fixtures/a.json"),
      denies.read("src/main.ts"),
      denies.http("GET https://example.com/"),
      denies.connect("example.com:22"),
      denies.model("claude-sonnet-5"),
    ],
  },
});
