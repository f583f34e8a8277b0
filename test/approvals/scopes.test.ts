import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PolicyPatch } from "../../src/approvals/policy-patch.ts";
import {
  type ApprovalAnswer,
  type ApprovalContext,
  type Approver,
  ask,
  compose,
  explain,
  type RefusedAnswer,
} from "../../src/mod.ts";
import { access, onAccess, onStart, open, start } from "../hooks/support.ts";
import { connectOf, webOf } from "./support.ts";

const OPEN = { verdict: "ask" } as const;
const file = (path: string, operation: "read" | "write" = "write") => access(path, { operation, verdict: "ask" });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "approvals-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An approver that gives one answer, and counts. */
function saying(answer: ApprovalAnswer) {
  return vi.fn<Approver>(async () => answer);
}

describe("an answer for the session", () => {
  test("holds for exactly the same facts, and says that it is remembered", async () => {
    const approve = saying({ verdict: "allow", scope: "session", by: "ada", reason: "fine" });
    const { registry } = await open([], { approve });
    const first = await registry.decideAccess(file("/workspace/a"), OPEN);
    expect(first.decidedBy).toMatchObject({ kind: "approver", name: "ada", scope: "session" });
    expect(first.decidedBy).not.toHaveProperty("remembered");
    const again = await registry.decideAccess(file("/workspace/a"), OPEN);
    expect(again).toMatchObject({
      verdict: "allow",
      reason: "fine",
      decidedBy: { ...first.decidedBy, remembered: true },
    });
    expect(again.asked).toBeUndefined();
    expect(approve).toHaveBeenCalledTimes(1);
    await registry.decideAccess(file("/workspace/a", "read"), OPEN);
    await registry.decideAccess(file("/workspace/b"), OPEN);
    await registry.decideAccess({ ...file("/workspace/a"), binary: "/usr/bin/tee" }, OPEN);
    await registry.decideAccess(file("/workspace/a"), { verdict: "ask", ruleId: "another" });
    expect(approve).toHaveBeenCalledTimes(5);
  });

  test("is about arguments, folder and program; host, port, method and path; and who asks why", async () => {
    const approve = saying({ verdict: "allow", scope: "session" });
    const reasons = ["first", "second"];
    const careful = onStart("careful", ({ argv }) => (argv.includes("-x") ? ask(reasons.shift()) : undefined));
    const { registry } = await open([careful], { approve });
    const starts = [start(["a", "b"]), start(["a", "c"]), start(["a", "b"], { cwd: "/tmp" }), start(["a b"])];
    for (const each of [...starts, ...starts]) await registry.decideStart(each, OPEN);
    expect(approve).toHaveBeenCalledTimes(4);
    for (let turn = 0; turn < 2; turn++) await registry.decideStart(start(["a", "-x"]), { verdict: "allow" });
    expect(approve).toHaveBeenCalledTimes(6);
    const connections = [
      connectOf(),
      connectOf({ port: 80 }),
      connectOf({ host: "b.test" }),
      connectOf({ binary: "/x" }),
    ];
    for (const each of [...connections, ...connections, connectOf({ pid: 99 })])
      await registry.decideConnect(each, OPEN);
    expect(approve).toHaveBeenCalledTimes(10);
  });

  test("may be a no, and ends with the policy", async () => {
    const approve = saying({ verdict: "deny", scope: "session" });
    const { registry } = await open([], { approve });
    for (let turn = 0; turn < 2; turn++)
      expect(await registry.decideAccess(file("/workspace/a"), OPEN)).toMatchObject({
        verdict: "deny",
        reason: "it was not approved",
      });
    expect(approve).toHaveBeenCalledTimes(1);
    registry.policyChanged();
    await registry.decideAccess(file("/workspace/a"), OPEN);
    expect(approve).toHaveBeenCalledTimes(2);
  });

  test("is not kept where the policy was changed before it came", async () => {
    const answers: ((answer: ApprovalAnswer) => void)[] = [];
    const { registry } = await open([], { approve: () => new Promise((resolve) => answers.push(resolve)) });
    const pending = registry.decideAccess(file("/workspace/a"), OPEN);
    registry.policyChanged();
    answers[0]?.({ verdict: "allow", scope: "session" });
    expect(await pending).toMatchObject({ verdict: "allow" });
    void registry.decideAccess(file("/workspace/a"), OPEN);
    expect(answers).toHaveLength(2);
  });

  test("is one to everybody who asks the same meanwhile, and the others need not answer", async () => {
    const contexts: ApprovalContext[] = [];
    const answers: ((answer: ApprovalAnswer) => void)[] = [];
    const approve: Approver = (_, context) => {
      contexts.push(context);
      return new Promise((resolve) => answers.push(resolve));
    };
    const { registry } = await open([], { approve });
    const pending = [1, 2, 3].map(() => registry.decideAccess(file("/workspace/a"), OPEN));
    const other = registry.decideAccess(file("/workspace/b"), OPEN);
    answers[1]?.({ verdict: "allow", scope: "session", by: "ada" });
    expect((await Promise.all(pending)).map(({ verdict }) => verdict)).toEqual(["allow", "allow", "allow"]);
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, false, true, false]);
    answers[3]?.({ verdict: "deny" });
    expect(await other).toMatchObject({ verdict: "deny" });
  });

  test("does not hold for hooks that ask for another reason", async () => {
    const approve = saying({ verdict: "allow", scope: "session" });
    const plugins = ["large", "secret"].map((name) =>
      onAccess(name, ({ pid }) => (pid === name.length ? ask("x") : undefined)),
    );
    const { registry } = await open(plugins, { approve });
    await registry.decideAccess(access("/workspace/a", { pid: 5 }), { verdict: "allow" });
    await registry.decideAccess(access("/workspace/a", { pid: 6 }), { verdict: "allow" });
    expect(approve).toHaveBeenCalledTimes(2);
  });
});

describe("an answer", () => {
  test("once is asked again; one that is not offered is narrowed, and never widened", async () => {
    const contexts: ApprovalContext[] = [];
    const scopes = ["once", "always", "once"] as const;
    const approve: Approver = (_, context) => {
      contexts.push(context);
      return { verdict: "allow", scope: scopes[contexts.length - 1] ?? "once" };
    };
    const { registry } = await open([], { approve });
    for (const scope of ["once", "session", "session"]) {
      expect((await registry.decideAccess(file("/workspace/a"), OPEN)).decidedBy).toMatchObject({ scope });
    }
    expect(contexts).toHaveLength(2);
    expect(contexts[0]?.scopes).toEqual(["once", "session"]);
    expect(new Set(contexts.map(({ id }) => id)).size).toBe(2);
  });

  test("to a request for access cannot be given for once", async () => {
    const contexts: ApprovalContext[] = [];
    const approve: Approver = (_, context) => {
      contexts.push(context);
      return { verdict: "allow", ...(contexts.length === 1 ? { scope: "once" } : {}) };
    };
    const { registry } = await open([], { approve });
    const requested = { connect: connectOf(), request: webOf("GET", "/x"), requested: "please" };
    expect(await registry.decideRequested(requested)).toMatchObject({
      verdict: "deny",
      reason: "it cannot be answered for once",
    });
    expect(await registry.decideRequested(requested)).toMatchObject({
      verdict: "allow",
      decidedBy: { scope: "session" },
    });
    expect(contexts[0]?.scopes).toEqual(["session"]);
  });

  test.each([[{ verdict: "allow", scope: "forever" }], [{ verdict: "allow", by: 7 }], [{ verdict: "maybe" }]])(
    "%o is none, and denies",
    async (answer) => {
      const { registry, problems } = await open([], { approve: async () => answer as never });
      expect(await registry.decideAccess(file("/workspace/a"), OPEN)).toMatchObject({ verdict: "deny" });
      expect(problems).toHaveLength(1);
    },
  );

  test("that allows too late is refused, and told", async () => {
    const refused: RefusedAnswer[] = [];
    let answer: (answer: ApprovalAnswer) => void = () => undefined;
    const approve: Approver = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const { registry } = await open([], { approve, approveTimeoutMs: 5, onRefused: (each) => refused.push(each) });
    const decided = await registry.decideAccess(file("/workspace/a"), OPEN);
    expect(decided).toMatchObject({ verdict: "deny", reason: "it was not approved within 5 ms" });
    answer({ verdict: "allow", scope: "session", by: "ada" });
    await vi.waitFor(() => expect(refused).toMatchObject([{ why: "late", by: "ada" }]));
    expect(decided.decidedBy).toMatchObject({ question: refused[0]?.id });
    const later = registry.decideAccess(file("/workspace/a"), OPEN);
    answer({ verdict: "deny" });
    expect(await later).toMatchObject({ verdict: "deny" });
  });
});

describe("a plugin", () => {
  test("answers beside the sandbox's approver, under its name", async () => {
    const silent: Approver = () => undefined;
    const { registry } = await open([{ name: "chat", approve: async () => true }], { approve: silent });
    expect(await registry.decideAccess(file("/workspace/a"), OPEN)).toMatchObject({
      verdict: "allow",
      decidedBy: { kind: "approver", name: "chat" },
    });
    expect(registry.hasApprover).toBe(true);
    await expect(open([{ name: "chat", approve: true as never }])).rejects.toMatchObject({ code: "PLUGIN_INVALID" });
  });
});

describe("an answer for always", () => {
  test("is a rule in the file too, once, which `compose` takes", async () => {
    const path = join(folder, "approved.yaml");
    const approve = saying({ verdict: "allow", scope: "always", by: "ada\u001b[2J\nversion: 2" });
    const { registry } = await open([], { approve, patch: await PolicyPatch.open(path) });
    const decided = await registry.decideAccess(file("/workspace/docs/a[1].md"), OPEN);
    expect(decided.decidedBy).toMatchObject({ scope: "always" });
    const connect = connectOf({ host: "2001:db8::1", binary: "" });
    await Promise.all([registry.decideConnect(connect, OPEN), registry.decideStart(start(["npm", "i"]), OPEN)]);
    registry.policyChanged();
    await registry.decideAccess(file("/workspace/docs/a[1].md"), OPEN);
    const text = readFileSync(path, "utf8");
    expect(text.match(/- path:/g)).toHaveLength(1);
    expect(text).not.toContain("\u001b");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const policy = compose({ version: 1, filesystem: { read: ["."] } }, text);
    expect(policy).toMatchObject({
      filesystem: { write: [{ path: "./docs/a\\[1\\].md", optional: true }] },
      process: { allow: [{ binary: "/usr/bin/npm", args: ["i"] }] },
      network: { allow: [{ host: "[2001:db8::1]", ports: [443] }] },
    });
    const verdict = await explain(policy, { domain: "filesystem", operation: "write", path: "./docs/a[1].md" });
    expect(verdict.verdict).toBe("allow");
  });

  test("says where it waits for an ask to go", async () => {
    const path = join(folder, "approved.yaml");
    const approve = saying({ verdict: "allow", scope: "always" });
    const { registry } = await open([], { approve, patch: await PolicyPatch.open(path) });
    await registry.decideAccess(file("/workspace/a"), { verdict: "ask", ruleId: "changelog" });
    expect(readFileSync(path, "utf8")).toContain("without effect while changelog asks");
  });

  test("that cannot be written down holds for the session, and is a problem", async () => {
    const patch = await PolicyPatch.open(join(folder, "approved.yaml"));
    rmSync(folder, { recursive: true });
    const approve = saying({ verdict: "allow", scope: "always" });
    const { registry, problems } = await open([], { approve, patch });
    const decided = await registry.decideAccess(file("/workspace/a"), OPEN);
    expect(decided).toMatchObject({ verdict: "allow", decidedBy: { scope: "session" } });
    expect(problems[0]?.details.hook).toBe("the file of approved rules");
  });
});
