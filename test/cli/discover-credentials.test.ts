import { describe, expect, test } from "vitest";
import { sealedLine, withDiscovered } from "../../src/cli/run/discover-credentials.ts";
import type { Policy } from "../../src/mod.ts";

const policy = (hosts: readonly string[], credentials?: Policy["credentials"]): Policy => ({
  version: 1,
  network: { allow: hosts.map((host) => ({ host })) },
  ...(credentials === undefined ? {} : { credentials }),
});

describe("withDiscovered()", () => {
  test("seals what the environment has for hosts that can be reached, and nothing else", async () => {
    const environment = { GITHUB_TOKEN: "a", OPENAI_API_KEY: "b", ANTHROPIC_API_KEY: "c", HF_TOKEN: "" };
    const found = await withDiscovered(policy(["api.github.com", "api.anthropic.com", "huggingface.co"]), environment);
    expect(found.credentials).toEqual([
      { provider: "claude", optional: true },
      { provider: "github", optional: true },
    ]);
    expect(sealedLine(found, environment)).toBe(
      "sealed credentials: ANTHROPIC_API_KEY for api.anthropic.com; GITHUB_TOKEN for api.github.com github.com uploads.github.com",
    );
  });

  test("leaves to the policy what the policy names, by provider or by variable", async () => {
    const environment = { GITHUB_TOKEN: "a", ANTHROPIC_API_KEY: "c" };
    const given = policy(
      ["api.github.com", "api.anthropic.com"],
      [{ provider: "anthropic" }, { name: "GITHUB_TOKEN", hosts: ["api.github.com"], paths: ["/repos/**"] }],
    );
    expect(await withDiscovered(given, environment)).toBe(given);
  });

  test("finds nothing where there is no network, nor where a rule denies the host", async () => {
    const environment = { GITHUB_TOKEN: "a" };
    expect((await withDiscovered({ version: 1 }, environment)).credentials).toBeUndefined();
    const hosts = ["api.github.com", "github.com", "uploads.github.com"];
    const denied: Policy = { version: 1, network: { allow: [{ host: "**" }], deny: hosts.map((host) => ({ host })) } };
    expect((await withDiscovered(denied, environment)).credentials).toBeUndefined();
    expect(sealedLine({ version: 1 }, environment)).toBeUndefined();
  });

  test("names no variable of a login, which is in none", () => {
    const login: Policy = { version: 1, credentials: [{ provider: "claude", login: true }] };
    expect(sealedLine(login, { ANTHROPIC_API_KEY: "x" })).toBe(
      "sealed credentials: claude (a login) for api.anthropic.com",
    );
  });

  test("says of what is given in clear that it is", () => {
    const clear: Policy = { version: 1, credentials: [{ name: "A_TOKEN", expose: "env" }] };
    expect(sealedLine(clear, {})).toBe("sealed credentials: A_TOKEN in clear");
  });
});
