/**
 * Logins of subscriptions: what the sandbox gets of them, and how the host keeps them good.
 */
import { chmodSync, existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { claimsOf } from "../../src/credentials/login/jwt.ts";
import { CredentialStore, loginsAt, type PostRenewal, tokenEndpoint } from "../../src/credentials/mod.ts";
import type { LoginProvider } from "../../src/policy/mod.ts";
import { normalizePolicy } from "../../src/policy/mod.ts";
import { claudeLogin, codexLogin, contentOf, jwt, loginFile, renewer, token } from "./login-support.ts";
import { normalized } from "./support.ts";

const HOUR = 3_600_000;

async function storeOf(provider: LoginProvider, path: string, post?: PostRenewal, onProblem?: () => void) {
  const problems: string[] = [];
  const store = new CredentialStore({
    sources: { [provider]: { login: path } },
    environment: {},
    problem: ({ message }) => {
      problems.push(message);
      onProblem?.();
    },
    ...(post === undefined ? {} : { post }),
  });
  store.use(await store.prepare(normalized({ provider, login: true })));
  const [login] = store.logins;
  if (login === undefined) throw new Error("no login");
  return { store, login, problems, sealed: JSON.parse(login.file.text) };
}

describe("the file of a login", () => {
  test("of Claude Code has the same shape, and nothing else of the host's", async () => {
    const real = claudeLogin(Date.now() + HOUR);
    const { store, login, sealed } = await storeOf("claude", loginFile(".claude/.credentials.json", real.content));
    expect(login.file.path).toBe(".claude/.credentials.json");
    expect(sealed).toEqual({
      claudeAiOauth: {
        accessToken: expect.stringMatching(/^sk-ant-oat01-[A-Za-z0-9]{60,}$/),
        refreshToken: expect.stringMatching(/^sk-ant-ort01-[A-Za-z0-9]{60,}$/),
        expiresAt: expect.any(Number),
        scopes: ["user:inference", "user:profile"],
        subscriptionType: "max",
      },
    });
    for (const secret of [real.access, real.refresh, real.other]) expect(login.file.text).not.toContain(secret);
    expect(await store.value("claude")).toBe(real.access);
    // Both are kept out of records and answers, as are their placeholders.
    expect(store.secrets()[0]?.values).toEqual(expect.arrayContaining([real.access, real.refresh]));
    expect(store.sealedValues().map(([value]) => value)).toEqual([real.access, real.refresh]);
    expect(store.nameIn(`x ${sealed.claudeAiOauth.refreshToken}`)).toBe("claude");
    expect(store.variables).toEqual({});
  });

  test("of Codex has tokens that it can look into: the account, and no address", async () => {
    const real = codexLogin(Date.now() + HOUR);
    const { login, sealed } = await storeOf("codex", loginFile(".codex/auth.json", real.content));
    const { tokens } = sealed;
    const about = { chatgpt_account_id: "acc-1", chatgpt_plan_type: "plus", chatgpt_user_id: "user-1" };
    for (const held of [tokens.id_token, tokens.access_token]) {
      expect(claimsOf(held)).toEqual({
        iat: expect.any(Number),
        exp: expect.any(Number),
        "https://api.openai.com/auth": about,
      });
    }
    expect(tokens.account_id).toBe("acc-1");
    for (const secret of [real.access, real.refresh, real.identity, "me@acme.example"]) {
      expect(login.file.text).not.toContain(secret);
      expect(login.file.text).not.toContain(secret.split(".").at(-1));
    }
  });

  test("of Gemini and of Copilot", async () => {
    const google = {
      access_token: token("ya29."),
      refresh_token: token("1//"),
      id_token: jwt({ email: "me@acme.example" }),
      scope: "openid",
      token_type: "Bearer",
      expiry_date: Date.now() + HOUR,
    };
    const gemini = await storeOf("gemini", loginFile(".gemini/oauth_creds.json", google));
    expect(gemini.sealed).toMatchObject({ access_token: expect.stringMatching(/^ya29\./), scope: "openid" });
    expect(gemini.login.file.text).not.toContain(google.id_token.split(".")[1]);

    const entry = { user: "me", oauth_token: token("ghu_"), githubAppId: "Iv1.x" };
    const apps = { "github.com:Iv1.x": entry, "ghe.acme.example": { oauth_token: token("ghu_") } };
    const copilot = await storeOf("copilot", loginFile(".config/github-copilot/apps.json", apps));
    expect(copilot.sealed).toEqual({
      "github.com:Iv1.x": { user: "me", oauth_token: expect.stringMatching(/^ghu_/), githubAppId: "Iv1.x" },
    });
    expect(await copilot.store.value("copilot")).toBe(entry.oauth_token);
  });

  test("must be there, be readable, and be one", async () => {
    const fails = (path: string) => expect(storeOf("claude", path)).rejects;
    await fails("/nowhere/.credentials.json").toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    await fails(loginFile("x.json", [])).toThrow(/holds no JSON object/);
    await fails(loginFile("x.json", { mcpOAuth: {} })).toThrow(/no login of claude/);
    await fails(dirname(loginFile("x.json", {}))).toThrow(/no regular file/);
    const rule = (rest: object) => normalizePolicy({ version: 1, credentials: [{ login: true, ...rest } as never] });
    expect(() => rule({ provider: "github" })).toThrow(/logins of the providers/);
    expect(() => rule({ provider: "claude", variable: "X" })).toThrow(/in no variable/);
    expect(() => rule({ provider: "claude", expose: "env" })).toThrow(/login/);
  });
});

describe("the host", () => {
  test("renews tokens before they end, once for all who ask, and writes them back for its owner alone", async () => {
    const real = claudeLogin(Date.now() + 30_000);
    const path = loginFile(".credentials.json", real.content);
    chmodSync(path, 0o644);
    const { post, asked, given } = renewer();
    const stores = await Promise.all([storeOf("claude", path, post), storeOf("claude", path, post)]);
    expect(asked).toEqual([
      {
        url: "https://platform.claude.com/v1/oauth/token",
        type: "application/json",
        body: { grant_type: "refresh_token", refresh_token: real.refresh, client_id: expect.any(String) },
      },
    ]);
    expect(await Promise.all(stores.map(({ store }) => store.value("claude")))).toEqual([given[0], given[0]]);
    const saved = contentOf(path);
    expect(saved.claudeAiOauth).toMatchObject({
      accessToken: given[0],
      refreshToken: given[1],
      subscriptionType: "max",
    });
    expect(saved.mcpOAuth.server.accessToken).toBe(real.other);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(`${path}.cofferdam-lock`)).toBe(false);
    const [first] = stores;
    expect(first?.store.secrets()[0]?.values).toEqual(expect.arrayContaining([...given]));
  });

  test("takes what another program has renewed meanwhile", async () => {
    const path = loginFile("auth.json", codexLogin(Date.now() + HOUR).content);
    const { store } = await storeOf("codex", path);
    const next = codexLogin(Date.now() + 2 * HOUR);
    writeFileSync(path, JSON.stringify(next.content));
    // Until a host says that the old one is good no more, it is kept.
    store.refused("codex");
    expect(await store.value("codex")).toBe(next.access);
  });

  test.each([
    ["says no", async () => ({ status: 400, text: '{"error":"invalid_grant"}' }), /answered 400/],
    ["says nothing", async () => ({ status: 200, text: "<html>" }), /answered 200/],
    ["is not there", () => Promise.reject(new Error("sk-ant-oat01-in-an-error")), /is not reached/],
  ])("fails with its reason where the token endpoint %s", async (_, post, reason) => {
    const real = claudeLogin(Date.now() - 1000);
    const path = loginFile(".credentials.json", real.content);
    const failed = await storeOf("claude", path, post).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failed?.message).toMatch(reason);
    expect(failed?.message).not.toContain("sk-ant");
    expect(contentOf(path)).toEqual(real.content);
  });

  test("uses what is still good where it cannot be renewed, and says so", async () => {
    const real = claudeLogin(Date.now() + 60_000);
    const post = () => Promise.reject(new Error("no way there"));
    const { store, problems } = await storeOf("claude", loginFile(".credentials.json", real.content), post);
    expect(await store.value("claude")).toBe(real.access);
    expect(problems).toEqual([expect.stringMatching(/is not reached/)]);
  });

  test("keeps what cannot be written back, until somebody logs in", async () => {
    const real = claudeLogin(Date.now() - 1000);
    const path = loginFile(".credentials.json", real.content);
    const { post, asked, given } = renewer();
    // The file goes away while it is renewed, and comes back as it was.
    const renew: PostRenewal = async (...how) => {
      rmSync(path);
      return post(...how);
    };
    const restore = () => writeFileSync(path, JSON.stringify(real.content));
    const { store, problems } = await storeOf("claude", path, renew, restore);
    expect(problems).toEqual([expect.stringMatching(/cannot be written/)]);
    store.refused("claude");
    expect([await store.value("claude"), asked.length]).toEqual([given[0], 1]);
  });

  test("uses Google's tokens until they end where it may not renew them", async () => {
    const login = (expiry_date: number) => ({
      access_token: token("ya29."),
      refresh_token: token("1//"),
      expiry_date,
    });
    const { store } = await storeOf("gemini", loginFile("a.json", login(Date.now() + 60_000)));
    expect(await store.value("gemini")).toMatch(/^ya29/);
    const ended = storeOf("gemini", loginFile("a.json", login(Date.now() - 1)));
    await expect(ended).rejects.toThrow(/client_id and client_secret/);
  });
});

describe("an agent that renews by itself", () => {
  test("gets the placeholders that it has, for the one that it sends", async () => {
    const real = claudeLogin(Date.now() + HOUR);
    const { store, sealed } = await storeOf("claude", loginFile(".credentials.json", real.content));
    expect(loginsAt(store.logins, "platform.claude.com", 443)).toHaveLength(1);
    expect(loginsAt(store.logins, "platform.claude.com", 80)).toEqual([]);
    expect(loginsAt(store.logins, "console.anthropic.com", 443)).toEqual([]);
    const app = tokenEndpoint(() => store.logins);
    const ask = (path: string, body: string, type = "application/json") => {
      const init = { method: "POST", body, headers: { "content-type": type } };
      return app.fetch(new Request(`https://platform.claude.com${path}`, init));
    };
    const { accessToken: access_token, refreshToken: refresh_token } = sealed.claudeAiOauth;
    const body = { grant_type: "refresh_token", refresh_token };
    const answer = await ask("/v1/oauth/token", JSON.stringify(body));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      token_type: "Bearer",
      access_token,
      refresh_token,
      expires_in: expect.any(Number),
    });
    const form = new URLSearchParams(body).toString();
    expect((await ask("/v1/oauth/token", form, "application/x-www-form-urlencoded")).status).toBe(200);
    expect((await ask("/v1/oauth/authorize", JSON.stringify(body))).status).toBe(404);
    for (const wrong of [real.refresh, access_token, 7, undefined]) {
      const refused = await ask("/v1/oauth/token", JSON.stringify({ refresh_token: wrong }));
      expect([refused.status, await refused.json()]).toMatchObject([400, { error: "invalid_grant" }]);
    }
    expect((await ask("/v1/oauth/token", `{"refresh_token":"${"x".repeat(70_000)}"}`)).status).toBe(400);
    expect((await ask("/v1/oauth/token", "[")).status).toBe(400);
  });
});
