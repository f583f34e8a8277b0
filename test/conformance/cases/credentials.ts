/**
 * Credentials that the sandbox uses and never sees: real ones reach the hosts that they are bound to, and nothing else.
 */
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { credentialSandbox, logIn, openRule, policyWith, secret, traces, witness } from "../credential-scene.ts";
import { refused } from "../help.ts";
import { curl, requestRecord } from "../stand-in.ts";

const asked = (name: string) => ["sh", "-c", `printf %s "$${name}"`];

export const credentialCases: readonly Case[] = [
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
      const options = { credentials: { github: () => real }, audit: { file: log } };
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
