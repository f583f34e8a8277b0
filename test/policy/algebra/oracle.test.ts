/**
 * The oracle of these tests and the engine were written apart, and say the same.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { readTarget } from "../../../src/policy/http/mod.ts";
import {
  connectionTable,
  evaluateConnection,
  evaluatePath,
  evaluateProgram,
  evaluateRequest,
  isListed,
  normalizePolicy,
  pathTable,
  programTable,
} from "../../../src/policy/mod.ts";
import { attempts, files, policies, requests, starts } from "./arbitrary.ts";
import * as oracle from "./oracle.ts";

const PLACES = { workspace: "/workspace", home: "/home/agent" };
const OPTIONS = { numRuns: 1000 };

test("about files", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(policies.filesystem, files, (policy, { path, writes }) => {
      const { verdict, defer } = evaluatePath(
        pathTable(normalizePolicy(policy), PLACES),
        path,
        writes ? "write" : "read",
      );
      expect(oracle.file(policy, path, writes)).toMatchObject(defer === undefined ? { verdict } : { verdict, defer });
    }),
    OPTIONS,
  );
});

test("about programs", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(policies.process, starts, (policy, start) => {
      const table = programTable(normalizePolicy(policy), PLACES);
      const { verdict, defer } = evaluateProgram(table, start, oracle.SEARCH);
      expect(oracle.program(policy, start)).toMatchObject(defer === undefined ? { verdict } : { verdict, defer });
    }),
    OPTIONS,
  );
});

test("about the network", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(policies.network, attempts, requests, (policy, attempt, request) => {
      const table = connectionTable(normalizePolicy(policy), PLACES);
      const ruling = evaluateConnection(table, attempt);
      const said = oracle.connection(policy, attempt);
      expect(said.connect.verdict).toBe(ruling.verdict);
      expect(said.bytes).toBe(ruling.inspects ? "deny" : ruling.verdict);
      expect(said.dials).toBe(ruling.verdict !== "deny" && isListed(oracle.PRIVATE, ruling.addresses));
      const { method, path, query, websocket } = request;
      const target = readTarget(`${path}${Object.keys(query).length === 0 ? "" : `?${new URLSearchParams(query)}`}`);
      if ("problem" in target) throw new Error(target.problem);
      const { verdict } = evaluateRequest(table, { ...attempt }, { method, target, websocket });
      const whole = ruling.inspects ? oracle.min(ruling.verdict, verdict) : ruling.verdict;
      expect(oracle.request(policy, attempt, request)).toBe(whole);
    }),
    OPTIONS,
  );
});
