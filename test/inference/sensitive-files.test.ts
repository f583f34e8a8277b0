import { expect, onTestFinished, test } from "vitest";
import {
  createSandbox,
  definePlugin,
  type GuestProgram,
  type Policy,
  type Sandbox,
  substitute,
} from "../../src/mod.ts";
import { CHAT_WHOLE } from "./fixtures.ts";
import { json, type ModelServer } from "./model-server.ts";
import { CHAT, serve } from "./support.ts";

const ROW = "Ada Lovelace, 12 St James's Square, London, account 77-1815";
const OTHER = "Charles Babbage, 1 Dorset Street, Marylebone, account 22-1791";

/** Does what its arguments say, then asks a model about the last of them. */
const agent: GuestProgram = async (self) => {
  const [, verb = "", path = "", more = ""] = self.argv;
  let text = more;
  if (verb === "read") text = await self.readText(path);
  if (verb === "write") await self.write(path, "of its own");
  if (verb === "remove") await self.remove(path);
  if (verb === "rename") await self.rename(path, "/workspace/customers/moved.csv");
  const body = JSON.stringify({ ...CHAT, messages: [{ role: "user", content: `about:\n${text}` }] });
  const answer = await self.fetch("http://inference.local/v1/chat/completions", { method: "POST", body });
  await self.print(`${answer.status} ${await answer.text()}`);
  return 0;
};

function policyFor({ url }: ModelServer, sensitive: readonly string[] = ["./customers"]): Policy {
  return {
    version: 1,
    filesystem: { write: ["."] },
    inference: {
      routes: [{ models: ["**"], provider: "far" }],
      providers: { far: { kind: "openai", baseUrl: `${url}/v1`, local: false } },
      privacy: [{ id: "customers", sensitive, action: "deny" }],
    },
  };
}

async function sandboxed(files: Readonly<Record<string, string>>, plugins: Parameters<typeof createSandbox>[1] = {}) {
  const far = await serve(json(CHAT_WHOLE));
  const sandbox: Sandbox = await createSandbox(policyFor(far), {
    runtime: "memory",
    guest: { files, programs: { agent } },
    proxy: false,
    ...plugins,
  });
  onTestFinished(() => sandbox.stop());
  const run = async (...argv: readonly string[]) => {
    const { exitCode, stdout } = await sandbox.exec(["agent", ...argv]);
    return exitCode === 0 ? Number(String(stdout).split(" ")[0]) : "failed";
  };
  return { sandbox, run, far };
}

test("what the sandbox has opened is known again, and what it has not is not", async () => {
  const { run, sandbox, far } = await sandboxed({ "customers/a.csv": `${ROW}\n`, "notes.txt": `${OTHER}\n` });
  expect(sandbox.enforcement.mode).toBe("emulated");
  expect(await run("say", "", ROW)).toBe(200);
  expect(await run("read", "notes.txt")).toBe(200);
  expect(await run("read", "customers/a.csv")).toBe(403);
  expect(await run("say", "", ROW)).toBe(403);
  expect(await run("say", "", OTHER)).toBe(200);
  expect(far.requests).toHaveLength(3);
  const calls = sandbox.decisions().filter(({ domain }) => domain === "inference");
  expect(calls.map(({ verdict, inference }) => [verdict, inference?.privacy ?? []])).toEqual([
    ["allow", []],
    ["allow", []],
    ["deny", [{ rule: "customers", action: "deny", count: 1 }]],
    ["deny", [{ rule: "customers", action: "deny", count: 1 }]],
    ["allow", []],
  ]);
  expect(JSON.stringify(sandbox.decisions())).not.toContain("Lovelace");
  // The host's own look at it is no decision of its own.
  const reads = sandbox.decisions().filter(({ object }) => object === "/workspace/customers/a.csv");
  expect(reads.map(({ verdict }) => verdict)).toEqual(["allow"]);
});

test.each([["write"], ["remove"], ["rename"]])("%s: what was there is kept before it is gone", async (verb) => {
  const { run } = await sandboxed({ "customers/a.csv": `${ROW}\n` });
  expect(await run(verb, "customers/a.csv")).toBe(200);
  expect(await run("say", "", ROW)).toBe(403);
});

test("what a hook gives in a file's place is what is kept", async () => {
  const mask = definePlugin(() => ({
    name: "mask",
    hooks: {
      filesystem: { access: { paths: ["./customers"], operations: ["read"], handler: () => substitute(OTHER) } },
    },
  }));
  const { run } = await sandboxed({ "customers/a.csv": `${ROW}\n` }, { plugins: [mask()] });
  expect([await run("read", "customers/a.csv"), await run("say", "", ROW)]).toEqual([403, 200]);
});

test("a file that is too long to be kept is not opened, and the record says why", async () => {
  const { run, sandbox } = await sandboxed({ "customers/long.csv": "x".repeat(8 * 1024 * 1024 + 1) });
  expect(await run("read", "customers/long.csv")).toBe("failed");
  expect(sandbox.decisions().find(({ verdict }) => verdict === "deny")?.reason).toMatch(
    /customers marks it.*8388608 bytes/,
  );
});

test("another policy marks other files, for programs that start later", async () => {
  const { run, sandbox, far } = await sandboxed({ "customers/a.csv": `${ROW}\n`, "notes.txt": `${OTHER}\n` });
  await run("read", "notes.txt");
  await sandbox.setPolicy(policyFor(far, ["./notes.txt"]));
  expect([await run("say", "", OTHER), await run("read", "customers/a.csv")]).toEqual([200, 200]);
  expect([await run("read", "notes.txt"), await run("say", "", OTHER)]).toEqual([403, 403]);
});

test.each([
  [{ regex: "(a)\\1" }, /patterns\[0\].*cannot be used/],
  [{ function: "nobody" }, /there is no function "nobody"/],
])("%j: a policy whose patterns cannot be used is none", async (pattern, words) => {
  const { inference, ...rest } = policyFor({ url: "http://127.0.0.1:1" } as ModelServer);
  const policy = { ...rest, inference: { ...inference, privacy: [{ patterns: [pattern], action: "deny" as const }] } };
  const error = await createSandbox(policy, { runtime: "memory", guest: {} }).catch((e) => e);
  expect(error).toMatchObject({ code: "POLICY_INVALID", message: expect.stringMatching(words) });
});

test("a secret that the sandbox holds is in no record, though a program calls a model by it", async () => {
  const far = await serve(json(CHAT_WHOLE));
  const secret = `sk-${"aB3".repeat(10)}`;
  const leak: GuestProgram = async (self) => {
    const body = JSON.stringify({ ...CHAT, model: self.env.TOKEN });
    await self.fetch("http://inference.local/v1/chat/completions", { method: "POST", body });
    return 0;
  };
  const { inference = {} } = policyFor(far);
  const sandbox = await createSandbox(
    { version: 1, inference: { ...inference, privacy: [] }, credentials: [{ name: "TOKEN", expose: "env" }] },
    { runtime: "memory", guest: { programs: { leak } }, credentials: { TOKEN: () => secret }, proxy: false },
  );
  onTestFinished(() => sandbox.stop());
  await sandbox.exec(["leak"], { check: true });
  expect(far.requests[0]?.body.model).toBe(secret);
  const call = sandbox.decisions().find(({ domain }) => domain === "inference");
  expect([call?.object, call?.inference?.model]).toEqual(["[redacted:TOKEN]", "[redacted:TOKEN]"]);
  expect(JSON.stringify(sandbox.decisions())).not.toContain(secret);
});
