import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Claim, type ClaimWords, defineRecipe, type Policy, type Recipe, testRecipe } from "../../src/mod.ts";

function claiming(policy: Omit<Policy, "version">, claims: (words: ClaimWords) => readonly Claim[]): Recipe {
  return defineRecipe({
    ...{ name: "claiming", version: "1.0.0", description: "Claims what a test wants." },
    params: z.object({}),
    build: () => ({ policy: { version: 1, ...policy } }),
    tests: { params: {}, claims },
  });
}

const RULES: Omit<Policy, "version"> = {
  filesystem: { read: ["./src"], write: ["./docs"], deny: ["**/.env", { id: "legal", path: "./docs/legal" }] },
  process: { allow: ["gh", "git"], deny: [{ id: "no-push", binary: "git", args: ["push", "**"] }] },
  network: {
    allow: [
      { host: "api.example.com", binaries: ["gh"], http: { rules: [{ methods: ["GET"], paths: ["/repos/**"] }] } },
      { host: "db.corp.internal", ports: [5432], binaries: ["gh"], addresses: ["10.9.0.0/16"] },
    ],
    deny: [{ id: "no-keys", host: "api.example.com", http: { rules: [{ paths: ["/repos/*/keys"] }] } }],
  },
  inference: { routes: [{ models: ["claude-*"], provider: "anthropic" }] },
  credentials: [{ provider: "github" }],
};

const sound = claiming(RULES, ({ allows, denies }) => [
  allows.read("src/a.ts"),
  allows.write("docs/a.md"),
  denies.read("README.md"),
  denies.write("src/a.ts"),
  denies.write("docs/.env"),
  denies.write("docs/legal/terms.md"),
  allows.start("git status"),
  denies.start("git push origin"),
  denies.start("curl"),
  allows.http("GET https://api.example.com/repos/a/b"),
  denies.http("POST https://api.example.com/repos/a/b"),
  denies.http("GET https://api.example.com/repos/a/keys"),
  denies.http("GET https://api.example.com/repos/a/b", { by: "git" }),
  denies.http("GET https://example.com/"),
  allows.connect("db.corp.internal:5432"),
  denies.connect("db.corp.internal:22"),
  allows.model("claude-sonnet-5"),
  denies.model("gpt-6"),
]);

describe.each(["local", "memory"] as const)("testRecipe() on the %s runtime", (runtime) => {
  test("shows every claim of a sound recipe, and what decides", async () => {
    const [result] = await testRecipe(sound, { runtime });
    expect(result?.claims.filter(({ holds }) => !holds)).toEqual([]);
    expect(result).toMatchObject({ recipe: "claiming", runtime, holds: true });
    expect(result?.claims.find(({ claim }) => claim === "denies write docs/legal/terms.md")?.because).toMatch(
      /legal denies it/,
    );
  });

  test("finds claims that do not hold, and denials that are nobody's", async () => {
    const wrong = claiming(RULES, ({ allows, denies }) => [
      allows.write("src/a.ts"),
      denies.write("docs/a.md"),
      allows.http("DELETE https://api.example.com/repos/a/b"),
      denies.http("GET https://api.example.com/repos/a/b"),
      denies.read("~/no-such-file"),
      allows.model("gpt-6"),
      denies.model("claude-sonnet-5"),
    ]);
    const [result] = await testRecipe(wrong, { runtime });
    expect(result?.claims.map(({ holds }) => holds)).toEqual(Array(7).fill(false));
    expect(result?.claims.map(({ because }) => because)).toEqual([
      expect.stringMatching(/no rule|nothing/i),
      expect.stringMatching(/^it happened/),
      expect.stringMatching(/403/),
      expect.stringMatching(/^it happened/),
      expect.stringMatching(/something else stood against it/),
      expect.stringMatching(/no route takes it/),
      expect.stringMatching(/^it happened/),
    ]);
  });
});
