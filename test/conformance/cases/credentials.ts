/**
 * Credentials that the sandbox uses and never sees: real ones reach the hosts that they are bound to, and nothing else.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { readAuthorization, sha256, signatureOf } from "../../../src/credentials/aws/sigv4.ts";
import type { Case } from "../case.ts";
import { credentialSandbox, logIn, openRule, policyWith, secret, traces, witness } from "../credential-scene.ts";
import { refused } from "../help.ts";
import { curl, requestRecord } from "../stand-in.ts";

let sandboxes = 0;

const asked = (name: string) => ["sh", "-c", `printf %s "$${name}"`];

export const credentialCases: readonly Case[] = [
  {
    name: "a login and keys of AWS are used by the host alone: what the sandbox has of them are placeholders",
    tools: true,
    async run(scene) {
      const [access, refresh, key, session] = ["sk-ant-oat01-", "sk-ant-ort01-", "aws", "session"].map(secret);
      const login = join(scene.folder(), ".credentials.json");
      const tokens = { accessToken: access, refreshToken: refresh, expiresAt: Date.now() + 3_600_000 };
      writeFileSync(login, JSON.stringify({ claudeAiOauth: tokens }));
      const keys = { AccessKeyId: "AKIAREALREALREALREAL", SecretAccessKey: key, SessionToken: session };
      const api = await witness(scene);
      const policy = policyWith(
        [openRule(api)],
        [
          { provider: "claude", login: true, hosts: [api.host], ports: [api.port] },
          { provider: "aws", hosts: [api.host], ports: [api.port] },
        ],
      );
      const log = logIn(scene);
      const credentials = { claude: { login }, aws: () => JSON.stringify(keys) };
      const sandbox = await credentialSandbox(scene, policy, { credentials, audit: { file: log } });
      expect(sandbox.enforcement.credentials).toEqual([
        { name: "claude", held: "sealed", as: "login", hosts: [api.host] },
        { name: "aws", held: "sealed", as: "keys", hosts: [api.host] },
      ]);
      const file = JSON.parse(await sandbox.files.readText("/home/agent/.claude/.credentials.json"));
      const bearer = `Authorization: Bearer ${file.claudeAiOauth.accessToken}`;
      expect(await curl(sandbox, "-H", bearer, `${api.url}/v1/messages`)).toBe("/v1/messages\n200");
      const script =
        'curl -sS --max-time 20 --aws-sigv4 aws:amz:eu-central-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -H "X-Amz-Security-Token: $AWS_SESSION_TOKEN" "$1"';
      const put = await sandbox.exec(["sh", "-c", script, "sh", `${api.url}/bucket/a%20b?list-type=2`]);
      expect(put.stdout).toBe("/bucket/a%20b?list-type=2");
      const [called, signed] = api.sent;
      expect(called?.headers.authorization).toBe(`Bearer ${access}`);
      // As the service would find out: by signing it itself.
      const { path = "", headers = {} } = signed ?? {};
      const authorization = readAuthorization(headers.authorization ?? "");
      expect([authorization?.id, headers["x-amz-security-token"]]).toEqual([keys.AccessKeyId, session]);
      const parts = { method: "GET", path, headers: Object.entries(headers), signed: authorization?.signed ?? [] };
      const payload = headers["x-amz-content-sha256"] ?? sha256("");
      const setting = { secret: key ?? "", scope: authorization?.scope ?? "", date: headers["x-amz-date"] ?? "" };
      expect(signatureOf({ ...parts, payload }, setting, "sent")).toBe(authorization?.signature);
      expect(
        await traces(
          scene,
          sandbox,
          [access, refresh, key, session].flatMap((each) => each ?? []),
          [log],
        ),
      ).toEqual([]);
    },
  },
  {
    name: "a sealed credential reaches its host in the header that the program wrote, and is nowhere in the sandbox",
    tools: true,
    async run(scene) {
      const real = secret();
      const api = await witness(scene);
      const policy = policyWith(
        [openRule(api)],
        [{ provider: "github", hosts: [api.host], ports: [api.port], variable: "GITHUB_TOKEN" }],
      );
      const log = logIn(scene);
      // In this process's environment, of which nothing may come along.
      const env = `COFFERDAM_TEST_${sandboxes++}`;
      process.env[env] = real;
      scene.defer(() => delete process.env[env]);
      const options = { credentials: { github: { env } }, audit: { file: log } };
      const sandbox = await credentialSandbox(scene, policy, options);
      const { stdout: placeholder } = await sandbox.exec(asked("GITHUB_TOKEN"));
      expect(placeholder).toMatch(/^ghp_[A-Za-z0-9]{36}$/);
      expect(placeholder).not.toBe(real);
      const script = 'curl -sS --max-time 20 -H "Authorization: Bearer $GITHUB_TOKEN" "$1"';
      const { stdout } = await sandbox.exec(["sh", "-c", script, "sh", `${api.url}/user?a=1`], { timeoutMs: 30_000 });
      expect(stdout).toBe("/user?a=1");
      expect(api.sent.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${real}`]);
      await requestRecord(sandbox, `GET ${api.url}/user`, "allow");
      expect(sandbox.decisions().find(({ operation }) => operation === "credential")).toMatchObject({
        verdict: "allow",
        ruleId: "credentials:github",
        object: `github (${api.url}/user)`,
      });

      // It is not written down either where a program has it as an argument: neither one nor the other.
      await sandbox.exec(["true", real, placeholder]);
      expect(await traces(scene, sandbox, real, [log])).toEqual([]);
      expect(JSON.stringify(sandbox.decisions())).not.toContain(placeholder);
      const missing = await refused(sandbox.exec(["/no/such/program", placeholder]), "EXEC_FAILED");
      expect(`${missing.message} ${missing.hint}`).not.toContain(placeholder);

      // The search finds one that is there.
      const open = policyWith([openRule(api)], [{ name: "GITHUB_TOKEN", expose: "env" }]);
      const exposed = await credentialSandbox(scene, open, { credentials: { GITHUB_TOKEN: () => real } });
      await exposed.files.write("note", real);
      const there = await traces(scene, exposed, real, []);
      expect(there).toContainEqual(expect.stringMatching(/^\/proc\/\d+\/environ$/));
      expect(there).toContainEqual(expect.stringMatching(/note$/));
      expect(exposed.decisions()[0]).toMatchObject({
        operation: "credential.expose",
        object: "GITHUB_TOKEN",
        ruleId: "credentials:GITHUB_TOKEN",
      });
    },
  },
  {
    name: "a placeholder anywhere but where its credential is bound makes the request fail, with why",
    tools: true,
    async run(scene) {
      const real = secret();
      const api = await witness(scene);
      const other = await witness(scene, "other.test");
      const loose = { ...openRule(other), tls: "terminate" } as const;
      const policy = policyWith(
        [openRule(api), loose],
        [{ name: "TOKEN", hosts: [api.host], ports: [api.port], paths: ["/v1/**"] }],
      );
      const sandbox = await credentialSandbox(scene, policy, { credentials: { TOKEN: () => real } });
      const { stdout: token } = await sandbox.exec(asked("TOKEN"));
      const bearer = ["-H", `Authorization: Bearer ${token}`];
      const elsewhere: [string, string[]][] = [
        ["it is for api.test only", [...bearer, `${other.url}/v1/x`]],
        ["it is for the paths", [...bearer, `${api.url}/v2/x`]],
        ["it is for the paths", ["--path-as-is", ...bearer, `${api.url}/v1/..%2fv2`]],
        ["it is not for the header x-token there", ["-H", `X-Token: ${token}`, `${api.url}/v1/x`]],
        ["is in the URL", [`${api.url}/v1/x?token=${token}`]],
        ["is in the URL", [`${api.url}/v1/${token}`]],
        ["is in the body", ["-d", `{"token":"${token}"}`, `${api.url}/v1/x`]],
        ["is in the body", ["-d", "x".repeat(100_000) + token, "-H", "Expect:", `${other.url}/v1/x`]],
        ["it is for api.test only", ["-u", `user:${token}`, `${other.url}/v1/x`]],
      ];
      for (const [why, args] of elsewhere) {
        const [body = "", status] = (await curl(sandbox, ...args)).split("\n");
        expect([args.join(" ").slice(0, 120), status]).toEqual([args.join(" ").slice(0, 120), "403"]);
        expect(JSON.parse(body)).toMatchObject({
          error: "denied",
          rule: "credentials:TOKEN",
          reason: expect.stringContaining(why),
          hint: expect.stringContaining("TOKEN"),
        });
      }
      expect([...api.sent, ...other.sent]).toEqual([]);
      const denied = sandbox.decisions().filter((each) => each.operation === "credential" && each.verdict === "deny");
      expect(denied).toHaveLength(elsewhere.length);
      expect(JSON.stringify(sandbox.decisions())).not.toContain(token);

      // Where it is bound, and what is no placeholder of this sandbox, passes.
      expect(await curl(sandbox, ...bearer, `${api.url}/v1/x`)).toBe("/v1/x\n200");
      const foreign = token.split("").reverse().join("");
      expect(await curl(sandbox, "-d", foreign, `${other.url}/v1/x`)).toBe("/v1/x\n200");
      expect(api.sent[0]?.headers.authorization).toBe(`Bearer ${real}`);
    },
  },
  {
    name: "a credential is missing at the start or not at all: without it there is no sandbox, unless it is optional",
    async run(scene) {
      const policy = policyWith([], [{ provider: "openai" }]);
      const error = await refused(
        scene.create(policy, { credentials: { openai: () => undefined } }),
        "CREDENTIAL_UNAVAILABLE",
      );
      expect(error.details).toEqual({ credential: "openai", reason: "its source has no value" });
      const failing = {
        openai: () => {
          throw new Error("a secret reason");
        },
      };
      const failed = await refused(scene.create(policy, { credentials: failing }), "CREDENTIAL_UNAVAILABLE");
      expect(failed.message).not.toContain("secret reason");
      const optional = policyWith([], [{ provider: "openai", optional: true }]);
      const sandbox = await scene.create(optional, { credentials: { openai: () => undefined } });
      const { stdout } = await sandbox.exec(["sh", "-c", 'test -z "$OPENAI_API_KEY" && echo none']);
      expect(stdout).toBe("none\n");
    },
  },
];
