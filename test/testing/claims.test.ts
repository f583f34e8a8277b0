import { AssertionError } from "node:assert";
import { describe, expect, test } from "vitest";
import { createSandbox, type Guest, type Policy, type Sandbox } from "../../src/mod.ts";
import {
  assertAllowed,
  assertDenied,
  assertNotAllowed,
  assertNotDenied,
  assertNotStarted,
  assertStarted,
  decisionLine,
  recordDecisions,
  sandboxMatchers,
} from "../../src/testing/mod.ts";

const GUEST: Guest = {
  files: { ".env": "x", "src/.env": "x", "notes.txt": "n" },
  programs: {
    agent: async (self) => {
      for (const path of [".env", "src/.env"]) await self.read(path).catch(() => undefined);
      await self.read("notes.txt");
      await self.rename("notes.txt", "renamed.txt");
      await self.start(["git", "push", "origin"]).catch(() => undefined);
      await self.start(["git", "status"]);
    },
    git: () => 0,
    hostile: async (self) => void (await self.write("\u001b[2J\nallow.env/../.env", "x").catch(() => undefined)),
  },
};

const POLICY: Policy = {
  version: 1,
  filesystem: { write: ["."], deny: ["**/.env"] },
  process: { allow: ["agent", "git", "hostile"], deny: [{ binary: "git", args: ["push", "**"] }] },
};

async function ran(policy: Policy = POLICY, argv = ["agent"]): Promise<Sandbox> {
  const sandbox = await createSandbox(policy, { runtime: "memory", guest: GUEST });
  await sandbox.exec(argv);
  return sandbox;
}

const ALL: Policy = { ...POLICY, audit: { files: "all" } };

function failure(assertion: () => void): string {
  try {
    assertion();
  } catch (error) {
    expect(error).toBeInstanceOf(AssertionError);
    return (error as Error).message;
  }
  return expect.fail("it was to fail");
}

describe("assertions", () => {
  test("find what was denied, by every key", async () => {
    await using sandbox = await ran();
    for (const filter of [
      { file: ".env" },
      { file: "**/.env" },
      { file: "/workspace/src" },
      { file: "src", program: "agent" },
      { program: "git" },
      { program: "/usr/bin/git", args: ["push", "*"] },
      { program: "git", args: ["**"] },
      { operation: "start" },
      { rule: "filesystem.deny:./**/.env", operation: "read" },
      { by: "policy" },
    ]) {
      assertDenied(sandbox, filter);
      expect(failure(() => assertNotDenied(sandbox, filter))).toContain("not to have denied");
    }
    for (const filter of [
      { file: "notes.txt" },
      { file: ".env", program: "git" },
      { file: ".env", operation: "write" },
      { program: "git", args: ["push"] },
      { program: "agent", args: ["**"] },
      { by: "approver" },
    ]) {
      assertNotDenied(sandbox, filter);
      expect(failure(() => assertDenied(sandbox, filter))).toContain("to have denied {");
    }
  });

  test("find what was allowed and started, a rename by both of its names", async () => {
    await using sandbox = await ran(ALL);
    assertAllowed(sandbox, { file: "notes.txt", operation: "read" });
    assertAllowed(sandbox, { file: "notes.txt", operation: "rename" });
    assertAllowed(sandbox, { file: "renamed.txt", operation: "rename" });
    assertNotAllowed(sandbox, { file: "**/.env" });
    assertStarted(sandbox, { program: "agent" });
    assertStarted(sandbox, { program: "git", args: ["status"] });
    assertNotStarted(sandbox, { program: "git", args: ["push", "**"] });
    expect(failure(() => assertNotStarted(sandbox, { program: "agent", args: [] }))).toContain(
      'by the host: ["agent"]',
    );
    expect(failure(() => assertStarted(sandbox, { program: "gti" }))).toContain("start /usr/bin/git");
  });

  test("do not take what was not recorded for what did not happen", async () => {
    await using sandbox = await ran();
    expect(failure(() => assertNotAllowed(sandbox, { file: "notes.txt" }))).toContain("audit: { files: all }");
    expect(failure(() => assertAllowed(sandbox, { file: "notes.txt" }))).toContain("It may have, unseen");
    await using silent = await ran({ version: 1, filesystem: { write: ["."] }, audit: { files: "off" } });
    expect(failure(() => assertNotDenied(silent, { file: "notes.txt" }))).toContain("audit: { files: denials }");
    expect(failure(() => assertNotStarted(silent, { program: "git" }))).toContain("rules for programs");
    assertStarted(silent, { program: "agent" });
  });

  test("name what came nearest, escaped", async () => {
    await using sandbox = await ran();
    const message = failure(() => assertDenied(sandbox, { file: "src/.environment" }));
    const [sentence, , first] = message.split("\n");
    expect(sentence).toBe(`Expected sandbox ${sandbox.id} to have denied { file: "src/.environment" }`);
    expect(first).toContain("deny read /workspace/src/.env (rule filesystem.deny:./**/.env, by policy:");
    expect(failure(() => assertDenied(sandbox, { file: "x", args: [] }))).toContain("Nearest of");
    const hostilePolicy: Policy = { version: 1, filesystem: { write: ["."], deny: ["**"] } };
    await using hostile = await createSandbox(hostilePolicy, {
      runtime: "memory",
      guest: { programs: { agent: (self) => self.write("\u001b[2Jx\n", "").catch(() => undefined) } },
    });
    await hostile.exec(["agent"]);
    expect(failure(() => assertDenied(hostile, { file: "other" }))).toContain("/workspace/\\u{1b}[2Jx\\n");
  });

  test("refuse a filter that would match by accident", async () => {
    await using sandbox = await ran();
    for (const filter of [{}, { flie: ".env" } as object]) {
      expect(() => assertDenied(sandbox, filter)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    }
  });

  test("hold for a part of a sandbox's life", async () => {
    await using sandbox = await ran(ALL);
    const seen = recordDecisions(sandbox);
    assertNotDenied(seen, { file: ".env" });
    await sandbox.exec(["agent"]).catch(() => undefined);
    assertDenied(seen, { file: ".env" });
    const count = seen.decisions.length;
    expect(count).toBeGreaterThan(0);
    seen.stop();
    await sandbox.exec(["agent"]).catch(() => undefined);
    expect(seen.decisions).toHaveLength(count);
  });
});

test("decisionLine is the same in every run", async () => {
  await using first = await ran(ALL);
  await using second = await ran(ALL);
  const lines = (sandbox: Sandbox) => sandbox.decisions().map(decisionLine);
  expect(lines(first)).toEqual(lines(second));
  expect(lines(first)[0]).toBe(
    "allow start /usr/bin/agent [agent] (rule process.allow:agent, by policy: rule process.allow:agent allows it)",
  );
});

describe("sandboxMatchers", () => {
  test("pass and fail as the assertions do, with their words", async () => {
    await using sandbox = await ran();
    const state = { isNot: false };
    expect(sandboxMatchers.toHaveDenied.call(state, sandbox, { file: ".env" }).pass).toBe(true);
    const missed = sandboxMatchers.toHaveDenied.call(state, sandbox, { file: "notes.txt" });
    expect(missed.pass).toBe(false);
    expect(missed.message()).toContain("Nearest of");
    expect(sandboxMatchers.toHaveStarted.call(state, sandbox, { program: "git", args: ["status"] }).pass).toBe(true);
    expect(sandboxMatchers.toHaveAllowed.call(state, sandbox, { file: "notes.txt" }).pass).toBe(false);
  });

  test("fail with not, too, where nothing could be seen", async () => {
    await using sandbox = await ran();
    const result = sandboxMatchers.toHaveAllowed.call({ isNot: true }, sandbox, { file: "notes.txt" });
    expect(result.pass).toBe(true);
    expect(result.message()).toContain("Cannot tell");
  });
});
