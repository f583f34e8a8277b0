/**
 * An agent that was made for two public APIs, moved to a model server of this machine without knowing it. The policy is
 * `localOnly`: a route that leads anywhere else is an error before anything starts.
 * A server of this process stands in for the model server; it speaks OpenAI's API, as Ollama, vLLM and NIM do.
 *
 * Run it with `npx tsx examples/local-only.ts`.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createSandbox, type Policy, SandboxError } from "../src/mod.ts";

/** What the model server was asked. */
const asked: { readonly path: string; readonly key: string; readonly model: string }[] = [];

const models = createServer(async (request, response) => {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) text += piece;
  const { model } = JSON.parse(text);
  asked.push({ path: request.url ?? "", key: request.headers.authorization ?? "none", model });
  const message = { role: "assistant", content: `I am ${model}, and I am here.` };
  response.setHeader("content-type", "application/json").end(
    JSON.stringify({
      choices: [{ index: 0, message, finish_reason: "stop" }],
      usage: { prompt_tokens: 9, completion_tokens: 8 },
    }),
  );
});
await new Promise<void>((resolve) => models.listen(0, "127.0.0.1", resolve));
const { port } = models.address() as AddressInfo;

/** Everything that an agent calls goes to one local model, whatever it asks for. */
const policy: Policy = {
  version: 1,
  inference: {
    localOnly: true,
    providers: { house: { kind: "vllm", baseUrl: `http://127.0.0.1:${port}/v1` } },
    routes: [{ id: "at-home", models: ["claude-*", "gpt-*"], provider: "house", model: "house-model" }],
    intercept: ["api.anthropic.com", "api.openai.com"],
    budget: { tokens: 40 },
  },
};

try {
  await assert.rejects(
    createSandbox({
      ...policy,
      inference: { ...policy.inference, routes: [{ models: ["claude-*"], provider: "anthropic" }] },
    }),
    (error) => SandboxError.is(error, "POLICY_INVALID") && /localOnly/.test(error.message),
  );

  await using sandbox = await createSandbox(policy, { runtime: "local" });
  const post = async (url: string, body: object): Promise<[number, unknown]> => {
    const { stdout } = await sandbox.exec([
      ...["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", "-d", JSON.stringify(body)],
      ...["-H", "Authorization: Bearer sk-of-the-agent", "-H", "Content-Type: application/json", url],
    ]);
    const at = stdout.lastIndexOf("\n");
    return [Number(stdout.slice(at + 1)), JSON.parse(stdout.slice(0, at))];
  };
  const messages = [{ role: "user", content: "Where are you?" }];

  const [, anthropic] = await post("https://api.anthropic.com/v1/messages", {
    model: "claude-x",
    max_tokens: 64,
    messages,
  });
  assert.match(JSON.stringify(anthropic), /"type":"message".*"model":"claude-x"/);
  assert.match(JSON.stringify(anthropic), /I am house-model, and I am here/);
  const [, openai] = await post("https://api.openai.com/v1/chat/completions", { model: "gpt-x", messages });
  assert.match(JSON.stringify(openai), /I am house-model/);

  const [denied, why] = await post("https://inference.local/v1/chat/completions", { model: "o9", messages });
  assert.equal(denied, 403);
  assert.match(JSON.stringify(why), /no route for the model/);
  // 17 tokens a call: the third is the last.
  await post("https://inference.local/v1/chat/completions", { model: "gpt-x", messages });
  const [spent] = await post("https://inference.local/v1/chat/completions", { model: "gpt-x", messages });
  assert.equal(spent, 402);

  const call = { path: "/v1/chat/completions", key: "none", model: "house-model" };
  assert.deepEqual(asked, [call, call, call]);
  for (const { domain, object, verdict, reason, inference } of sandbox.decisions()) {
    if (domain !== "inference") continue;
    assert.notEqual(inference?.local, false);
    console.log(
      verdict.padEnd(5),
      object,
      "->",
      inference?.provider ?? "nobody",
      `${inference?.inputTokens}+${inference?.outputTokens}`,
      "-",
      reason,
    );
  }
} finally {
  models.closeAllConnections();
  models.close();
}
