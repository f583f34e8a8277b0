import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  createApprovalBroker,
  defineRecipe,
  type GateApprover,
  type GateRequest,
  gateByApprover,
  type PipelineResult,
  quorum,
  SandboxError,
  type Stage,
  webhookApprover,
} from "../../src/mod.ts";
import { filesOf, folderWith, run, sh, stageOf } from "./support.ts";

/** Writes a page and wants to release it. */
const page = (name: string, gate: Stage["gate"], script = `echo new > pages/${name}/page`): Stage => ({
  command: sh(script),
  outputs: { pages: { path: `pages/${name}`, release: true } },
  ...(gate === undefined ? {} : { gate }),
});

const nonsense =
  (answer: unknown): GateApprover =>
  () =>
    answer as boolean;

describe("a gate", () => {
  /** What each approver does, and where that leads. */
  const GATES: Readonly<Record<string, readonly [gate: NonNullable<Stage["gate"]>, status: string, reason?: RegExp]>> =
    {
      yes: [{ approve: () => true }, "passed"],
      named: [{ approve: () => ({ approved: true, by: "alice" }) }, "passed"],
      no: [{ approve: () => false }, "denied", /denied by approver$/],
      because: [
        { approve: () => ({ approved: false, by: "bob\u001b[2J", reason: "too\nlong" }) },
        "denied",
        /denied by bob\\u\{1b\}\[2J: too\\nlong/,
      ],
      throws: [{ approve: () => Promise.reject(new Error("no network")) }, "denied", /it failed: no network/],
      nonsense: [{ approve: nonsense("yes") }, "denied", /its answer was no answer/],
      truthy: [{ approve: nonsense({ approved: 1 }) }, "denied", /its answer was no answer/],
      nothing: [{ approve: nonsense(undefined) }, "denied", /its answer was no answer/],
      silent: [
        { approve: () => new Promise(() => undefined), timeoutMs: 30 },
        "denied",
        /denied by deadline: nobody answered in time/,
      ],
      waits: [{ approve: () => "wait" }, "waiting"],
      nobody: [{}, "waiting"],
    };
  let result: PipelineResult;
  let project: string;
  beforeAll(async () => {
    project = folderWith();
    const stages = Object.fromEntries(Object.entries(GATES).map(([name, [gate]]) => [name, page(name, gate)]));
    const behind = (other: string): Stage => ({ command: sh("true"), inputs: [{ stage: other, output: "pages" }] });
    result = await run(
      {
        ...stages,
        "after-no": behind("no"),
        "after-waits": behind("waits"),
        "after-after": { command: sh("true"), needs: ["after-no"] },
      },
      project,
    );
  });

  test.each(Object.keys(GATES))("%s", (name) => {
    const [, status, reason] = GATES[name] ?? [];
    const stage = stageOf(result, name);
    expect([stage.status, stage.reason]).toEqual([
      status,
      reason === undefined ? undefined : expect.stringMatching(reason),
    ]);
    expect(stage.gate?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test("lets nothing through but what it was said yes to", () => {
    expect(filesOf(project)).toEqual({ "pages/yes/page": "new\n", "pages/named/page": "new\n" });
    expect(result.status).toBe("waiting");
    expect(result.stages.slice(-3).map(({ name, status }) => `${name} ${status}`)).toEqual([
      "after-no skipped",
      "after-waits pending",
      "after-after skipped",
    ]);
  });
});

test("a gate shows what would leave, fit for a terminal, and nothing in part", async () => {
  const requests = new Map<string, GateRequest>();
  const approve: GateApprover = (request) => {
    requests.set(request.stage, request);
    return true;
  };
  const result = await run(
    {
      report: {
        command: sh("printf 'all \\033[2Jgood'"),
        outputs: { said: { stdout: true } },
        gate: { on: "report", report: "said", approve },
      },
      plan: page("plan", { on: "plan", approve }),
      long: page("long", { approve }, "head -c 2000000 /dev/zero | tr '\\0' x > pages/long/page"),
      "long-plan": page(
        "long-plan",
        { on: "plan", approve },
        "head -c 2000000 /dev/zero | tr '\\0' x > pages/long-plan/page",
      ),
    },
    folderWith(),
  );
  expect(result.stages.map(({ status }) => status)).toEqual(["passed", "passed", "failed", "passed"]);
  expect(stageOf(result, "long").reason).toMatch(/what its gate would show is longer than 1048576 bytes/);
  expect(requests.get("report")?.text).toMatch(/^all \\u\{1b\}\[2Jgood\n\+ said \(stdout\)/);
  const sha256 = "7aa7a5359173d05b63cfd682e3c38487f3cb4f7f1d60659fe59fab1505977d4c";
  expect(requests.get("plan")?.text).toBe(`A pages/plan/page  644 4 bytes sha256:${sha256}\n`);
  expect(requests.get("plan")?.changes).toEqual([
    { kind: "added", path: "pages/plan/page", mode: 0o644, size: 4, sha256 },
  ]);
});

test("what changes in the project between the question and the answer stops the release, whole", async () => {
  const project = folderWith({ "docs/a.md": "old\n", "docs/b.md": "old\n" });
  const result = await run(
    {
      write: {
        command: sh("echo new > docs/a.md; echo new > docs/b.md"),
        inputs: ["docs"],
        outputs: { docs: { path: "docs", release: true } },
        gate: {
          approve: () => {
            writeFileSync(join(project, "docs/b.md"), "mine\n");
            return true;
          },
        },
      },
    },
    project,
  );
  expect(stageOf(result, "write")).toMatchObject({
    status: "failed",
    failure: "release",
    reason: expect.stringContaining('"docs/b.md": the project has changed there'),
  });
  expect(filesOf(project)).toEqual({ "docs/a.md": "old\n", "docs/b.md": "mine\n" });
});

test("retries begin in a new sandbox, for the failures that they are for, and no more often", async () => {
  let looked = 0;
  const again: Stage["checks"] = [{ name: "third time", run: () => (++looked < 3 ? `try ${looked}` : undefined) }];
  const result = await run(
    {
      checked: {
        command: sh("test ! -e out/x && echo x > out/x"),
        outputs: { out: { path: "out" } },
        checks: again,
        retries: { count: 3, on: ["check"] },
      },
      exits: { command: sh("echo broken >&2; exit 7"), retries: { count: 1 } },
      slow: { command: sh("sleep 60"), timeoutMs: 200, retries: { count: 1, on: ["exit"] } },
      smuggles: { command: sh("ln -s /etc out/x"), outputs: { out: { path: "out" } }, retries: { count: 3 } },
      missing: { command: ["no-such-program"] },
    },
    folderWith(),
  );
  const ends = result.stages.map(
    ({ name, status, failure, attempts }) => `${name} ${status} ${failure} ${attempts.length}`,
  );
  expect(ends).toEqual([
    "checked passed undefined 3",
    "exits failed exit 2",
    "slow failed timeout 1",
    "smuggles failed smuggled 1",
    "missing failed sandbox 1",
  ]);
  expect(stageOf(result, "checked").attempts[1]?.failure).toEqual({ code: "check", reason: "third time: try 2" });
  expect(stageOf(result, "exits").attempts[0]).toMatchObject({ exitCode: 7, stderrTail: "broken\n" });
});

test("functions drive sandboxes, so many at a time, and a policy adds to what a stage may do", async () => {
  let [running, most] = [0, 0];
  const stage = (more: Partial<Stage> = {}): Stage => ({
    command: async ({ sandbox, stage }) => {
      most = Math.max(most, ++running);
      const { stdout } = await sandbox.exec(["cat", "in/a"], { check: true });
      running--;
      return `${stage}: ${stdout}`;
    },
    inputs: [{ project: "a", to: "in/a" }],
    outputs: { said: { stdout: true } },
    ...more,
  });
  const throws = stage({
    command: () => {
      throw new Error("not \u202eme");
    },
  });
  const denied = stage({ policy: "version: 1\nprocess: { deny: [cat] }" });
  const stages = {
    a: stage(),
    b: stage(),
    c: stage(),
    throws,
    denied,
    hangs: stage({ command: () => new Promise<string>(() => undefined), timeoutMs: 50 }),
  };
  const result = await run(stages, folderWith({ a: "text\n" }));
  expect(result.stages.map(({ status, failure }) => `${status} ${failure}`)).toEqual([
    "passed undefined",
    "passed undefined",
    "passed undefined",
    "failed function",
    "failed function",
    "failed timeout",
  ]);
  expect(most).toBeLessThanOrEqual(2);
  expect(stageOf(result, "throws").reason).toBe("not \\u{202e}me");
  expect(stageOf(result, "denied").attempts[0]?.denials[0]).toMatchObject({
    domain: "process",
    operation: "start",
    program: expect.any(String),
  });
  const [file] = stageOf(result, "a").outputs[0]?.files ?? [];
  expect(
    readFileSync(join(result.folder, "objects", file?.sha256.slice(0, 2) ?? "", file?.sha256.slice(2) ?? ""), "utf8"),
  ).toBe("a: text\n");
});

test("a pipeline whose policies or inputs cannot be used does not begin", async () => {
  const locked = { version: 1, locked: ["filesystem"] } as const;
  const outputs = { out: { path: "out" } };
  await expect(run({ s: { command: sh("true"), outputs, policy: locked } }, folderWith())).rejects.toMatchObject({
    code: "POLICY_LOCKED",
  });
  await expect(run({ s: { command: sh("true"), inputs: ["nowhere"] } }, folderWith())).rejects.toMatchObject({
    code: "WORKSPACE_UNUSABLE",
  });
  const project = folderWith({ "a/b": "" });
  const runs = { runs: `${project}/a/runs` };
  await expect(run({ s: { command: sh("true"), inputs: ["a"] } }, project, runs)).rejects.toThrow(
    'it lies in the input "a"',
  );
  await expect(run({ s: { command: sh("true"), policy: "version: 2" } }, folderWith())).rejects.toSatisfy((error) =>
    SandboxError.is(error, "POLICY_INVALID"),
  );
});

test("a gate is answered by whoever answers for sandboxes, and a stage takes what a recipe has built", async () => {
  const greeting = defineRecipe({
    name: "greeting",
    version: "1.0.0",
    description: "Greets.",
    params: z.object({ word: z.string() }),
    build: ({ word }) => ({ policy: { version: 1, process: { deny: ["cat"] } }, env: { GREETING: word } }),
  });
  const broker = createApprovalBroker();
  const titles: string[] = [];
  broker.watch((event) => {
    if (event.kind !== "pending") return;
    titles.push(event.question.title);
    const verdict = event.question.text?.includes("pages/no/") ? "deny" : "allow";
    broker.answer(event.question.id, { verdict, by: "ada" });
  });
  const approve = gateByApprover(broker.approve);
  const both = gateByApprover(quorum(2, broker.approve, () => ({ verdict: "allow", by: "grace" })));
  const result = await run(
    {
      yes: page("yes", { approve }),
      no: page("no", { approve }),
      both: page("both", { approve: both }),
      recipe: {
        recipe: greeting.build({ word: "hello" }),
        command: sh("echo $GREETING $NAME; cat /dev/null || exit 3"),
        sandbox: { env: { NAME: "you" } },
        outputs: { said: { stdout: true } },
      },
    },
    folderWith(),
  );
  const facts = result.stages.map(({ status, gate, attempts }) => [status, gate?.by, attempts[0]?.stdoutTail]);
  expect(facts).toEqual([
    ["passed", "ada", ""],
    ["denied", "ada", ""],
    ["passed", expect.any(String), ""],
    ["failed", undefined, "hello you\n"],
  ]);
  expect(titles.sort()).toEqual(["both: the diff", "no: the diff", "yes: the diff"]);
});

test("a gate is answered over a signed webhook, which is told all that it shows", async () => {
  const secret = "a secret of thirty-two characters";
  const questions: { title: string; text: string; facts: [string, string][] }[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const piece of request) text += piece;
    const { question } = JSON.parse(text);
    questions.push(question);
    const verdict = question.title.startsWith("no:") ? "deny" : "allow";
    const body = JSON.stringify({ type: "approval.answered", question: question.id, verdict, by: "ada" });
    const [id, timestamp] = [`msg-${questions.length}`, String(Math.floor(Date.now() / 1000))];
    const key = question.title.startsWith("forged:") ? "another one of that very length.." : secret;
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
    const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
    response.writeHead(200, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const webhook = webhookApprover({ url: `http://127.0.0.1:${port}/gates`, secret: () => secret });
    const gate = { approve: gateByApprover(webhook.approve) };
    const project = folderWith();
    const result = await run({ yes: page("yes", gate), no: page("no", gate), forged: page("forged", gate) }, project);
    expect(result.stages.map(({ status, gate }) => [status, gate?.by])).toEqual([
      ["passed", "ada"],
      ["denied", "ada"],
      ["denied", "approver"],
    ]);
    expect(filesOf(project)).toEqual({ "pages/yes/page": "new\n" });
    const asked = questions.find(({ title }) => title === "yes: the diff");
    expect(asked?.text).toContain("+new");
    expect(asked?.facts).toContainEqual(["digest", stageOf(result, "yes").gate?.digest]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
