/**
 * Testing an agent: what it may do, what it is denied, and how it takes that. Copy it: outside of this repository the
 * imports are "cofferdam" and "cofferdam/testing".
 *
 * Run it with `npx vitest run examples`.
 */
import { test as base, describe, expect } from "vitest";
import { createSandbox, definePlugin, deny, type Guest, GuestError, type Policy, runtimeProblem } from "../src/mod.ts";
import {
  type PoolFixtures,
  poolFixtures,
  recordDecisions,
  type SandboxMatchers,
  sandboxMatchers,
} from "../src/testing/mod.ts";

// For the types of `expect`: once, in any file that your tests import.
declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: it must be declared as vitest does
  interface Matchers<T = any> extends SandboxMatchers<T> {}
}

expect.extend(sandboxMatchers);

/** What the agent is held to. Recording everything lets tests say what did *not* happen. */
const policy: Policy = {
  version: 1,
  filesystem: { write: ["."], deny: ["**/.env"] },
  process: { allow: ["sh", "cat", "agent"], deny: [{ binary: "sh", args: ["-c", "*--force*"] }] },
  audit: { files: "all" },
};

// A real sandbox for each test that asks for one, from a pool: some milliseconds each.
const test = base.extend<PoolFixtures>(poolFixtures(policy, { size: 2 }));

describe.skipIf(await runtimeProblem("local"))("programs in a real sandbox", () => {
  test("cannot read secrets, and can read the rest", async ({ sandbox }) => {
    await sandbox.files.write("notes.txt", "hello");
    const { stdout } = await sandbox.exec(["sh", "-c", "cat notes.txt .env; echo TOKEN >.env"]);
    expect(stdout).toBe("hello");
    expect(sandbox).toHaveDenied({ file: "**/.env", operation: "create" });
    expect(sandbox).toHaveAllowed({ file: "notes.txt", operation: "read", program: "cat" });
    expect(sandbox).not.toHaveAllowed({ file: "**/.env" });
  });

  test("start what they may, with the arguments that they may", async ({ sandbox }) => {
    await expect(sandbox.exec(["sh", "-c", "cat --force"])).rejects.toMatchObject({ code: "EXEC_FAILED" });
    using later = recordDecisions(sandbox);
    await sandbox.exec(["sh", "-c", "cat /dev/null"]);
    expect(later).toHaveStarted({ program: "cat", args: ["/dev/null"] });
    expect(later).not.toHaveStarted({ program: "rm" });
    expect(later).not.toHaveDenied({ program: "sh" });
    expect(sandbox).toHaveDenied({ program: "sh", args: ["-c", "**"] });
  });
});

describe("an agent that is a script", () => {
  /** Your agent's tools, as functions. Nothing is isolated here: it is the policy and the hooks that are tested. */
  const guest: Guest = {
    files: { ".env": "TOKEN=1" },
    programs: {
      agent: async (self) => {
        try {
          await self.print(await self.readText(".env"));
        } catch (error) {
          if (!(error instanceof GuestError)) throw error;
          await self.write("report.md", `I could not read ${error.path}: ${error.errno}`);
        }
        return 0;
      },
    },
  };

  base("says what it was denied instead of failing", async () => {
    await using sandbox = await createSandbox(policy, { runtime: "memory", guest });
    expect((await sandbox.exec(["agent"])).exitCode).toBe(0);
    expect(await sandbox.files.readText("report.md")).toBe("I could not read /workspace/.env: EACCES");
    expect(sandbox).toHaveDenied({ file: ".env", rule: "filesystem.deny:./**/.env", by: "policy" });
  });

  base("is held by a plugin", async () => {
    const readOnly = definePlugin(() => ({
      name: "read-only",
      hooks: {
        filesystem: { access: ({ operation }) => (operation === "create" ? deny("nothing new today") : undefined) },
      },
    }));
    await using sandbox = await createSandbox(policy, { runtime: "memory", guest, plugins: [readOnly()] });
    expect(await sandbox.exec(["agent"])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("EACCES") });
    expect(sandbox).toHaveDenied({ file: "report.md", by: "read-only" });
  });
});
