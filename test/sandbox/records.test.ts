import { appendFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSandbox, type Policy, type StreamedRecord, verifyAuditLog } from "../../src/mod.ts";

describe("the records of a sandbox", () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "cofferdam-test-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("tell of the sandbox, its commands and refused file operations, in order, to whoever iterates", async () => {
    const sandbox = await createSandbox({ version: 1 }, { runtime: "local" });
    const { digest } = sandbox.policy;
    await sandbox.exec(["true", "--token"]);
    await expect(sandbox.exec(["no-such-program"])).rejects.toThrow();
    await expect(sandbox.files.write("/usr/x", "")).rejects.toMatchObject({ code: "FILE_DENIED" });
    await sandbox.stop();
    const records: StreamedRecord[] = [];
    for await (const record of sandbox.events) records.push(record);
    expect(records.map((record) => record.kind)).toEqual([
      ...["sandbox.start", "command.start", "command.end", "command.failed", "decision", "sandbox.end"],
    ]);
    expect(records.map((record) => "sequence" in record && record.sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const record of records)
      expect(record).toMatchObject({ sandbox: sandbox.id, policy: { digest, generation: 1 } });
    expect(records[1]).toMatchObject({ argv: ["true", "--token"] });
    expect(sandbox.decisions()).toEqual([records[4]]);
    expect(records[4]).toMatchObject({ operation: "files.write", object: "/usr/x", verdict: "deny" });
  });

  it("tell of a start before the connections of what was started, though starts are told together", async () => {
    const policy: Policy = {
      version: 1,
      process: { allow: ["bash", "true"] },
      network: { allow: [{ host: "a.test" }] },
      audit: { files: "off" },
    };
    await using sandbox = await createSandbox(policy, { runtime: "local" });
    const once = '(exec true); (exec true); (exec bash -c "exec 3<>/dev/tcp/192.0.2.$i/9")';
    await sandbox.exec(["bash", "-c", `for i in 1 2 3 4 5 6 7 8; do ${once}; done`]);
    const decisions = sandbox.decisions().filter(({ domain }) => domain === "process" || domain === "network");
    const startOf = (pid: number | undefined) =>
      decisions.findIndex(({ operation, subject }) => operation === "start" && subject?.pid === pid);
    const connections = decisions.flatMap(({ operation, subject }, index) =>
      operation === "connect" ? [{ index, start: startOf(subject?.pid) }] : [],
    );
    expect(connections).toHaveLength(8);
    for (const { index, start } of connections) {
      expect(start).toBeGreaterThanOrEqual(0);
      expect(start).toBeLessThan(index);
    }
  });

  it("make a log that only its owner can read and that verifies, one chain for sandboxes at the same time", async () => {
    const file = join(folder, "audit.jsonl");
    const sandboxes = await Promise.all([1, 2, 3].map(() => createSandbox({ version: 1 }, { audit: { file } })));
    await Promise.all(sandboxes.map((sandbox) => sandbox.exec(["true"])));
    await Promise.all(sandboxes.map((sandbox) => sandbox.stop()));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await verifyAuditLog(file)).toMatchObject({ records: 12, chains: 1, complete: true });
  });

  it("tell of a sandbox that did not come up", async () => {
    const file = join(folder, "failed.jsonl");
    const policy = { version: 1, filesystem: { read: ["/opt/cofferdam-does-not-exist"] } } as const;
    await expect(createSandbox(policy, { audit: { file } })).rejects.toMatchObject({ code: "PATH_MISSING" });
    expect(await verifyAuditLog(file)).toMatchObject({ records: 1, complete: true });
  });

  it("end the sandbox when its log can no longer be written", async () => {
    const file = join(folder, "tampered.jsonl");
    const sandbox = await createSandbox({ version: 1 }, { audit: { file } });
    const problems: Error[] = [];
    sandbox.events.on("problem", (error) => problems.push(error));
    await sandbox.exec(["true"]);
    appendFileSync(file, "somebody else was here\n");
    await sandbox.exec(["true"]).catch(() => undefined);
    expect(await sandbox.ended).toContain("audit log");
    expect(problems).not.toEqual([]);
    await expect(sandbox.exec(["true"])).rejects.toMatchObject({ code: "LINK_LOST" });
  });

  it("only report it where the owner wants that", async () => {
    const file = join(folder, "reported.jsonl");
    await using sandbox = await createSandbox({ version: 1 }, { audit: { file, onFailure: "report" } });
    const problem = new Promise((resolve) => sandbox.events.on("problem", resolve));
    appendFileSync(file, "somebody else was here\n");
    await sandbox.exec(["true"]);
    expect(await problem).toBeInstanceOf(Error);
    expect(await sandbox.exec(["true"])).toMatchObject({ exitCode: 0 });
  });

  it("are not stopped by a listener that throws", async () => {
    await using sandbox = await createSandbox({ version: 1 }, { runtime: "local" });
    const problem = new Promise<Error>((resolve) => sandbox.events.on("problem", resolve));
    sandbox.events.on("record", () => {
      throw new Error("this listener is broken");
    });
    expect(await sandbox.exec(["true"])).toMatchObject({ exitCode: 0 });
    expect((await problem).message).toBe("this listener is broken");
  });
});
