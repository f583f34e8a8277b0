/**
 * What an agent reads decides where its calls go: what customers' files say is told to a model of this machine only, an address of
 * e-mail leaves as a blank, and a call with a key in it goes nowhere.
 * Two servers of this process stand in for models: one for somebody else's, one for that of this machine.
 *
 * Run it with `npx tsx examples/private-models.ts`.
 */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSandbox, type Policy } from "../src/mod.ts";

/** What each model was told. */
const told = { far: [] as string[], near: [] as string[] };

async function model(name: keyof typeof told): Promise<{ readonly server: Server; readonly baseUrl: string }> {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const piece of request.setEncoding("utf8")) text += piece;
    told[name].push(JSON.parse(text).messages[0].content);
    const message = { role: "assistant", content: `I am ${name}.` };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

const far = await model("far");
const near = await model("near");
const workspace = await mkdtemp(join(tmpdir(), "cofferdam-example-"));
await mkdir(join(workspace, "customers"));
await writeFile(join(workspace, "customers/list.csv"), "Ada Lovelace,12 St James's Square,London,77-1815\n");
await writeFile(join(workspace, "notes.txt"), "Write to ada@example.com about the engine.\n");

const policy: Policy = {
  version: 1,
  filesystem: { write: ["."] },
  inference: {
    routes: [{ id: "all", models: ["**"], provider: "far" }],
    providers: {
      // It is on loopback only because it stands in for another.
      far: { kind: "openai", baseUrl: far.baseUrl, local: false },
      near: { kind: "vllm", baseUrl: near.baseUrl },
    },
    privacy: [
      { id: "customers", sensitive: ["./customers"], action: "route", provider: "near" },
      { id: "addresses", patterns: ["emails"], action: "redact" },
      { id: "keys", patterns: ["keys"], action: "deny" },
    ],
  },
};

try {
  await using sandbox = await createSandbox(policy, { runtime: "local", workspace });
  const ask = async (command: string): Promise<string> => {
    const call = `'{"model":"big","messages":[{"role":"user","content":"%s"}]}'`;
    const post = "curl -sS --max-time 20 -d @- https://inference.local/v1/chat/completions";
    return (await sandbox.exec(["bash", "-c", `printf ${call} "$(${command})" | ${post}`], { check: true })).stdout;
  };

  assert.match(await ask("cat notes.txt"), /I am far/);
  assert.match(await ask("tr , ' ' < customers/list.csv"), /I am near/);
  assert.match(await ask("echo token ghp_$(printf 'aB3%.0s' 1 2 3 4 5 6 7 8 9 10 11 12)"), /the rule keys keeps here/);

  assert.deepEqual(told.far, ["Write to [redacted: addresses] about the engine."]);
  assert.deepEqual(told.near, ["Ada Lovelace 12 St James's Square London 77-1815"]);
  const calls = sandbox.decisions().filter(({ domain }) => domain === "inference");
  assert.deepEqual(
    calls.map(({ inference }) => inference?.privacy?.map(({ rule, action }) => `${rule}: ${action}`)),
    [["addresses: redact"], ["customers: route"], ["keys: deny"]],
  );
  for (const { object, verdict, reason, inference } of calls) {
    console.log(verdict.padEnd(5), object, "->", inference?.provider ?? "nobody", "-", reason);
  }
} finally {
  for (const { server } of [far, near]) {
    server.closeAllConnections();
    server.close();
  }
  await rm(workspace, { recursive: true });
}
