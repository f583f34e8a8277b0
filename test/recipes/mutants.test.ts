/**
 * Claims that would hold of another policy as well say little: for each rule of a built-in recipe, and for each condition of one,
 * some claim must fail where it is missing. By the verdicts of the policy alone; that sandboxes give the same, other tests show.
 */
import { expect, test } from "vitest";
import { recipes } from "../../recipes/mod.ts";
import { type Policy, parsePolicy } from "../../src/mod.ts";
import { answerTo } from "../../src/recipes/claims/questions.ts";
import type { Claim } from "../../src/recipes/claims/types.ts";
import { CLAIM_WORDS } from "../../src/recipes/claims/words.ts";
import { mutantsOf } from "./mutants.ts";

/** What claims are about. */
const SECTIONS = {
  ...{ read: "filesystem", write: "filesystem", start: "process" },
  ...{ connect: "network", http: "network", model: "inference" },
} as const;

async function hold(written: Policy, claims: readonly Claim[]): Promise<boolean> {
  // Once, and not for each claim again.
  const policy = parsePolicy(written);
  for (const { verdict, act } of claims) {
    const { verdict: said } = await answerTo(policy, act);
    if ((said === "allow") !== (verdict === "allow")) return false;
  }
  return true;
}

test.each(recipes.map((recipe) => [recipe.name, recipe] as const))("each rule of %s is claimed", async (_, recipe) => {
  const unnoticed = new Map<string, string>();
  const noticed = new Set<string>();
  for (const [set, { params, claims: claim }] of recipe.tests.entries()) {
    const { policy } = recipe.build(params);
    const claims = claim(CLAIM_WORDS);
    expect(await hold(policy, claims)).toBe(true);
    for (const [change, mutant] of mutantsOf(policy)) {
      const about = claims.filter(({ act }) => change.startsWith(SECTIONS[act.kind]));
      if (await hold(mutant, about)) unnoticed.set(change, `with the parameters ${set}`);
      else noticed.add(change);
    }
  }
  // What one set of parameters leaves out, another one may have.
  expect([...unnoticed.keys()].filter((change) => !noticed.has(change))).toEqual([]);
  expect(noticed.size).toBeGreaterThan(1);
});
