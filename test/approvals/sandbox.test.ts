import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { approveByPolicy, createApprovalBroker, createSandbox, firstAnswer, loadPolicy } from "../../src/mod.ts";

let folder: string;
let workspace: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "held-"));
  workspace = join(mkdtempSync(join(folder, "w")), ".");
  for (const path of [folder, workspace]) chmodSync(path, 0o755);
  for (const name of ["a.txt", "b.txt"]) writeFileSync(join(workspace, name), `${name}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const POLICY = { version: 1, filesystem: { read: ["."], ask: [{ id: "asks", path: "./a.txt" }] } } as const;

test("a program is held until somebody answers, and what was answered for longer holds", async () => {
  const broker = createApprovalBroker();
  const patch = join(folder, "approved.yaml");
  await using sandbox = await createSandbox(POLICY, { workspace, approve: broker.approve, approvals: { patch } });
  const reading = sandbox.exec(["cat", "a.txt", "b.txt"]);
  const question = await broker.wait();
  expect(question).toMatchObject({ title: "read /workspace/a.txt", scopes: ["once", "session", "always"] });
  expect(() => broker.answer("guess", true)).toThrow("no such question");
  broker.answer(question.id, { verdict: "allow", scope: "always", by: "ada" });
  expect((await reading).stdout).toBe("a.txt\nb.txt\n");
  expect((await sandbox.exec(["cat", "a.txt"])).stdout).toBe("a.txt\n");
  expect(() => broker.answer(question.id, false)).toThrow("answered already");
  const records = sandbox.events.recent();
  expect(records.flatMap((record) => (record.kind === "approval.refused" ? [record.why] : []))).toEqual([
    "unknown",
    "double",
  ]);
  const answers = sandbox.decisions().filter(({ ruleId, verdict }) => ruleId === "asks" && verdict === "allow");
  const by = { kind: "approver", name: "ada", scope: "always", question: question.id };
  expect(answers.map(({ decidedBy }) => decidedBy)).toMatchObject([by, { ...by, remembered: true }]);
  expect(readFileSync(patch, "utf8")).toContain("ada, ");
  await sandbox.stop();

  const reviewed = approveByPolicy(await loadPolicy(patch));
  await using next = await createSandbox(POLICY, { workspace, approve: firstAnswer(reviewed, () => undefined) });
  expect((await next.exec(["cat", "a.txt"])).stdout).toBe("a.txt\n");
  expect(next.decisions().at(-1)?.decidedBy).toMatchObject({ name: "policy approved" });
});
