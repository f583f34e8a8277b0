import { expect, test } from "vitest";
import { recipes } from "../../recipes/mod.ts";
import { combineRecipes, describeParams, loadPlugins, type Recipe, testRecipe } from "../../src/mod.ts";

const NAMES = [
  ...["ci-docs", "ci-predeploy", "coding-agent", "data-analyst", "dep-upgrader", "marketing-writer", "mcp-tool-host"],
  ...["ops-analyst-local", "personal-agent", "pr-reviewer", "test-harness", "web-researcher"],
  ...["claude-code", "codex", "copilot", "gemini", "openclaw", "opencode", "pi"],
  ...[
    "brew",
    "discord",
    "docker-registry",
    "github",
    "gitlab",
    "huggingface",
    "jira",
    "npm",
    "pypi",
    "search",
    "slack",
  ],
  ...["telegram", "weather"],
];

test("the recipes that are built in", () => {
  expect(recipes.map(({ name }) => name).sort()).toEqual([...NAMES].sort());
  for (const { tests, params, name } of recipes) {
    expect([name, tests.length > 0]).toEqual([name, true]);
    const undescribed = describeParams(params).filter(({ description }) => description === undefined);
    expect([name, undescribed]).toEqual([name, []]);
  }
});

test("their claims hold in real sandboxes", { timeout: 600_000 }, async () => {
  const results = await testRecipe(recipes);
  expect(new Set(results.map(({ recipe }) => recipe)).size).toBe(recipes.length);
  const broken = results.map(({ recipe, claims }) => [recipe, claims.filter(({ holds }) => !holds)] as const);
  expect(broken.filter(([, claims]) => claims.length > 0)).toEqual([]);
});

const built = (name: string, params: object) => {
  const recipe = recipes.find((each) => each.name === name);
  if (recipe === undefined) throw new Error(`there is no ${name}`);
  return recipe.build(params);
};

test("a chat allow-list is no option", () => {
  for (const name of ["telegram", "slack", "discord"]) {
    expect(() => built(name, {})).toThrow(/missing: expected a list/);
    expect(() => built(name, { [name === "telegram" ? "chats" : "channels"]: [] })).toThrow(/expected at least one/);
    expect(() => built(name, { [name === "telegram" ? "chats" : "channels"]: ["*"] })).toThrow(/cannot use "\*"/);
  }
});

test("a local analyst calls no model elsewhere, whatever is added to it", () => {
  const analyst = built("ops-analyst-local", {});
  expect(() => combineRecipes(analyst, built("claude-code", {}))).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/POLICY_(LOCKED|CONFLICT)/) }),
  );
  expect(() => combineRecipes(analyst, built("github", { repository: "a/b" }))).toThrow(
    expect.objectContaining({ code: "POLICY_LOCKED" }),
  );
});

test("an agent is found where it is installed", () => {
  for (const name of ["personal-agent", "claude-code"]) {
    expect(built(name, { installed: ["/opt/agent"] }).env.PATH).toMatch(/^\/opt\/agent:\/opt\/agent\/bin:.*:\/bin$/);
    expect(built(name, {}).env).not.toHaveProperty("PATH");
  }
});

test("what may push is kept from main and from force by a plugin", async () => {
  const params = { repository: "acme/site", registry: "npm.example.com" };
  expect(built("dep-upgrader", params).plugins).toEqual([]);
  const [guard] = await loadPlugins(built("dep-upgrader", { ...params, push: true }));
  expect(guard).toMatchObject({ name: "git-guard" });
});

test("services go together, and with every task and agent that leaves room for them", () => {
  const first = ({ tests: [tests], build }: Recipe) => build(tests?.params ?? {});
  const services = recipes.filter(({ kind }) => kind === "service").map(first);
  const open = recipes.filter(({ kind }) => kind !== "service").map(first);
  const room = open.filter(
    ({ policy: { locked = [] } }) => !locked.includes("network") && !locked.includes("credentials"),
  );
  expect(room.length).toBeGreaterThan(8);
  for (const each of room) expect(combineRecipes(each, ...services).recipes).toHaveLength(services.length + 1);
});

test("a personal agent speaks where services let it", () => {
  const { policy, recipes: parts } = combineRecipes(built("personal-agent", {}), built("telegram", { chats: ["42"] }));
  expect(parts.map(({ name }) => name)).toEqual(["personal-agent", "telegram"]);
  expect(policy.network?.allow).toHaveLength(1);
});
