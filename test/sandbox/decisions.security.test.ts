import { expect, test } from "vitest";
import type { Decision } from "../../src/audit/mod.ts";
import { PluginRegistry } from "../../src/hooks/mod.ts";
import type { MessageValues } from "../../src/link/protocol.ts";
import { Decisions } from "../../src/sandbox/decisions.ts";
import { SensitiveFiles } from "../../src/sandbox/inference/sensitive-files.ts";

const EMPTY = new Uint8Array(0);
const LONG = Buffer.alloc(4096, "x");
const DECIDED: MessageValues<"decided"> = {
  ...{ stream: 1, pid: 2, domain: 1, action: 1, verdict: 1, reason: 0, rule: 0, count: 1, microseconds: 1 },
  ...{ path: LONG.subarray(1), target: EMPTY, binary: LONG.subarray(1), arguments: [] },
};
const ACCESS: MessageValues<"access"> = {
  ...{ question: 1, stream: 1, pid: 2, action: 1, verdict: 1, rule: 0 },
  ...{ path: Buffer.from("/x"), target: EMPTY, binary: EMPTY },
};
const PROGRAM: MessageValues<"program"> = {
  ...{ question: 1, stream: 1, pid: 2, verdict: 1, rule: 0, path: Buffer.from("/x"), script: EMPTY, sha256: EMPTY },
  ...{ cwd: EMPTY, arguments: [], parents: [] },
};

test("a warden that speaks of longer paths than there are is not ours", async () => {
  const registry = await PluginRegistry.open([], { sandbox: "s", onProblem: () => undefined });
  const recorded: Omit<Decision, "kind">[] = [];
  const records = { decision: (decision: Omit<Decision, "kind">) => recorded.push(decision), problem: () => undefined };
  const decisions = new Decisions(registry, records, new SensitiveFiles({ kind: "none" }));
  decisions.onDecided(DECIDED);
  expect(recorded).toHaveLength(1);
  const attacks = [
    ...(["path", "target", "binary"] as const).flatMap((field) => [
      () => decisions.onDecided({ ...DECIDED, [field]: LONG }),
      () => decisions.onAccess({ ...ACCESS, [field]: LONG }),
    ]),
    ...(["path", "script", "cwd", "sha256"] as const).map((field) => {
      return () => decisions.onProgram({ ...PROGRAM, [field]: LONG });
    }),
    () => decisions.onProgram({ ...PROGRAM, parents: [LONG] }),
    () => decisions.onProgram({ ...PROGRAM, parents: Array(1000).fill(Buffer.from("/x")) }),
  ];
  for (const attack of attacks) expect(attack).toThrow(/longer than any can be/);
  expect(recorded).toHaveLength(1);
});
