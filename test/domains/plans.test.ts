import { describe, expect, test } from "vitest";
import { inferenceRules, planInference } from "../../src/domains/inference/mod.ts";
import { networkRules, planNetwork } from "../../src/domains/network/mod.ts";
import { planProcess } from "../../src/domains/process/mod.ts";
import { failure, normalized } from "../policy/helpers.ts";

describe("planProcess()", () => {
  test("passes limits on as numbers", () => {
    const policy = normalized({ process: { limits: { memory: "1GiB", cpus: 0.5, pids: 64, timeout: "1m" } } });
    expect(planProcess(policy)).toEqual({
      kind: "readable",
      limits: { memoryBytes: 2 ** 30, cpus: 0.5, pids: 64, timeoutMs: 60_000, mode: "enforce" },
    });
  });

  test("has no limits by default", () => {
    expect(planProcess(normalized({}))).toEqual({ kind: "readable", limits: { mode: "enforce" } });
  });

  test("refuses rules that it would leave out", () => {
    failure("POLICY_UNSUPPORTED", () => planProcess(normalized({ process: { deny: ["curl"] } })));
  });
});

describe("planNetwork()", () => {
  test("is no network", () => {
    expect(planNetwork(normalized({}))).toEqual({ kind: "none" });
  });

  test("refuses rules and credentials that it would leave out", () => {
    failure("POLICY_UNSUPPORTED", () => planNetwork(normalized({ network: { allow: [{ host: "a.b" }] } })));
    failure("POLICY_UNSUPPORTED", () => planNetwork(normalized({ credentials: [{ name: "A", hosts: ["a.b"] }] })));
  });

  test("networkRules() joins the credentials to the rules", () => {
    const policy = normalized({ credentials: [{ name: "A", hosts: ["a.b"] }] });
    expect(networkRules(policy)).toMatchObject({
      allow: [],
      unmatched: "deny",
      credentials: [{ id: "credentials:A" }],
    });
  });
});

describe("planInference()", () => {
  test("is no model", () => {
    expect(planInference(normalized({}))).toEqual({ kind: "none" });
    expect(inferenceRules(normalized({})).routes).toEqual([]);
  });

  test("refuses routes that it would leave out", () => {
    const policy = normalized({ inference: { routes: [{ models: ["*"], provider: "x" }] } });
    failure("POLICY_UNSUPPORTED", () => planInference(policy));
  });
});
