/**
 * Claude Code and Codex with the login of a subscription, which they believe to have: they read a file of placeholders, renew
 * them by themselves, and the real tokens stay on the host, which renews those.
 */
import { describe, expect, test } from "vitest";
import type { Sandbox } from "../../src/mod.ts";
import { claudeLogin, codexLogin, contentOf, loginFile, token } from "../credentials/login-support.ts";
import { json } from "../inference/model-server.ts";
import { messagesModel, responsesModel } from "./model-script.ts";
import { expectNoTrace, runAgent } from "./support.ts";
import { hostRule, world } from "./world.ts";

const HOUR = 3_600_000;

/** Lets the agent believe that its login has ended. */
async function change(sandbox: Sandbox, path: string, by: (file: ReturnType<typeof contentOf>) => void) {
  const file = JSON.parse(await sandbox.files.readText(path));
  by(file);
  await sandbox.files.write(path, JSON.stringify(file), { mode: 0o600 });
}

/** Where the agent's own renewal was answered. */
const renewals = (sandbox: Sandbox) =>
  sandbox.decisions().filter(({ object, operation }) => operation === "request" && /\/token$/.test(object));

describe("with a subscription", { timeout: 180_000 }, () => {
  test("Claude Code renews placeholders, and calls with tokens that the host has renewed", async () => {
    const real = claudeLogin(Date.now() - HOUR);
    const path = loginFile(".claude/.credentials.json", real.content);
    const [access, refresh] = [token("sk-ant-oat01-"), token("sk-ant-ort01-")];
    const hosts = await world({
      "POST api.anthropic.com/v1/messages": messagesModel({ text: "I am who I am." }),
      "POST platform.claude.com/v1/oauth/token": json({
        access_token: access,
        refresh_token: refresh,
        expires_in: 28_800,
      }),
    });
    const ran = await runAgent({
      where: "local",
      argv: ["claude", "-p", "Who are you?"],
      env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
      policy: {
        network: { allow: [hostRule("api.anthropic.com")] },
        credentials: [{ provider: "claude", login: true }],
      },
      credentials: { claude: { login: path } },
      options: hosts.options,
      before: (sandbox) =>
        change(sandbox, "/home/agent/.claude/.credentials.json", ({ claudeAiOauth }) => {
          claudeAiOauth.expiresAt = Date.now() - 1000;
        }),
    });
    expect(ran.result.stdout).toContain("I am who I am.");
    // The host was asked once, by this process, with the real one.
    const [renewed, ...calls] = hosts.requests;
    expect(renewed).toMatchObject({ body: { grant_type: "refresh_token", refresh_token: real.refresh } });
    expect(calls.length).toBeGreaterThan(0);
    expect(new Set(calls.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${access}`]));
    expect(contentOf(path).claudeAiOauth).toMatchObject({ accessToken: access, refreshToken: refresh });
    expect(renewals(ran.sandbox)).toMatchObject([
      { verdict: "allow", object: expect.stringMatching(/platform.claude/) },
    ]);
    await expectNoTrace(ran, "local", real.access, real.refresh, access, refresh);
  });

  test("Codex renews placeholders, and calls ChatGPT with tokens that only the host has", async () => {
    const real = codexLogin(Date.now() + HOUR);
    const path = loginFile(".codex/auth.json", real.content);
    const account = { id: "acc-1", account_user_id: "user-1__acc-1", structure: "personal", plan_type: "plus" };
    const origin = { workspace_backend_origin: "https://chatgpt.com", account_routing_override: "NO_CONSTRAINT" };
    const accounts = [{ ...account, ...origin, is_deactivated: false }];
    const hosts = await world({
      "GET chatgpt.com/backend-api/wham/accounts/check": json({ accounts, default_account_id: "acc-1" }),
      "POST chatgpt.com/backend-api/codex/responses": responsesModel({ text: "I am who I am." }),
    });
    const ran = await runAgent({
      where: "local",
      argv: [
        ...(["codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"] as const),
        ...["-c", "features.enable_request_compression=false", "Who are you?"],
      ],
      policy: { network: { allow: [hostRule("chatgpt.com")] }, credentials: [{ provider: "codex", login: true }] },
      credentials: { codex: { login: path } },
      options: hosts.options,
      before: (sandbox) =>
        change(sandbox, "/home/agent/.codex/auth.json", ({ tokens }) => {
          tokens.access_token = codexLogin(Date.now() - HOUR).access;
        }),
    });
    expect(ran.result.stdout).toContain("I am who I am.");
    const [call] = hosts.requests;
    expect(call?.headers).toMatchObject({ authorization: `Bearer ${real.access}`, "chatgpt-account-id": "acc-1" });
    expect(hosts.asked.filter((each) => each.includes("auth.openai.com"))).toEqual([]);
    expect(renewals(ran.sandbox)[0]).toMatchObject({ verdict: "allow", object: expect.stringMatching(/auth.openai/) });
    await expectNoTrace(ran, "local", real.access, real.refresh, real.identity);
  });
});
