/**
 * Credentials while a sandbox runs: new values, other policies, and programs that have ways of their own to send them.
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { CredentialRule } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { credentialSandbox, openRule, policyWith, secret, traces, witness } from "../credential-scene.ts";
import { makeRepository, serveGit } from "../git-server.ts";
import { refused, shell } from "../help.ts";
import { curl, standIn } from "../stand-in.ts";

export const credentialLiveCases: readonly Case[] = [
  {
    name: "what a host says back of a secret reaches no program, in headers, in a body, or in pieces of one",
    tools: true,
    async run(scene) {
      const real = secret();
      const host = await standIn(scene, "api.test", (request, response) => {
        request.resume();
        const sent = request.headers.authorization ?? "";
        response.setHeader("X-Echo", sent);
        if (request.url === "/plain") return void response.end(sent);
        // Byte by byte, in JSON and in base64.
        const text = JSON.stringify({ sent, coded: Buffer.from(sent).toString("base64") });
        void (async () => {
          for (const char of text) if (!response.write(char)) await once(response, "drain");
          response.end();
        })();
      });
      const bound: CredentialRule = { name: "TOKEN", hosts: [host.host], ports: [host.port] };
      const policy = policyWith([openRule(host)], [bound]);
      const sandbox = await credentialSandbox(scene, policy, { credentials: { TOKEN: () => real } });
      const script = 'curl -sS -i --max-time 20 -H "Authorization: Bearer $TOKEN" "$1"; printf " %s" "$TOKEN"';
      for (const path of ["/plain", "/pieces"]) {
        const { stdout } = await shell(sandbox, script, host.url + path);
        const token = stdout.split(" ").at(-1) ?? "";
        expect(stdout).toMatch(new RegExp(`x-echo: Bearer ${token}\r\n`, "i"));
        for (const form of [real.slice(6), Buffer.from(`Bearer ${real}`).toString("base64").slice(20, 60)]) {
          expect(stdout).not.toContain(form);
        }
      }
      // The host does say it: whoever sends it in clear gets it back.
      expect(await curl(sandbox, "-H", "Authorization: Bearer not-a-secret", `${host.url}/plain`)).toBe(
        "Bearer not-a-secret\n200",
      );
      expect(await traces(scene, sandbox, real, [])).toEqual([]);
    },
  },
  {
    name: "a new value is used by the next request, and another policy by the next request and the next command",
    tools: true,
    async run(scene) {
      const api = await witness(scene);
      const bound: CredentialRule = { name: "TOKEN", hosts: [api.host], ports: [api.port] };
      let real = secret();
      const policy = policyWith([openRule(api)], [bound]);
      const login = join(scene.folder(), "login.json");
      const tokens = { access_token: secret("ya29."), claudeAiOauth: { accessToken: secret("sk-ant-oat01-") } };
      writeFileSync(login, JSON.stringify(tokens));
      const sources = { TOKEN: () => real, OTHER: () => real, gemini: { login }, claude: { login } };
      const sandbox = await credentialSandbox(scene, policy, { credentials: sources });
      // One that runs all the time: it keeps what it got.
      const loop =
        'while read -r url; do curl -sS --max-time 20 -H "Authorization: $TOKEN" "$url" | tr -d "\\n"; echo; done';
      const command = await sandbox.spawn(["sh", "-c", loop], { stdin: "pipe" });
      const lines = command[Symbol.asyncIterator]();
      const send = async () => {
        await command.stdin.write(`${api.url}/\n`);
        let text = "";
        while (!text.endsWith("\n")) text += Buffer.from((await lines.next()).value.bytes).toString();
        return text.trim();
      };
      await send();
      const first = real;
      real = secret();
      await send();
      expect(api.sent.map(({ headers }) => headers.authorization)).toEqual([first, real]);

      await sandbox.setPolicy(policyWith([openRule(api)], [{ ...bound, paths: ["/v1/**"] }]));
      expect(JSON.parse(await send()).reason).toMatch(/it is for the paths/);
      await sandbox.setPolicy(policyWith([{ ...openRule(api), tls: "terminate" }], [{ ...bound, name: "OTHER" }]));
      expect(JSON.parse(await send()).reason).toMatch(/the policy in force has no such credential/);
      const { stdout } = await shell(sandbox, 'printf %s "$TOKEN" | wc -c; printf %s "$OTHER" | wc -c');
      expect(stdout).toBe("0\n40\n");
      expect(api.sent).toHaveLength(2);

      // What cannot be had changes nothing.
      const missing = policyWith([openRule(api)], [{ name: "NOBODY_HAS_IT", hosts: [api.host] }]);
      await refused(sandbox.setPolicy(missing), "CREDENTIAL_UNAVAILABLE");
      // Neither does a login whose file cannot be written there, though that of another one could.
      await shell(sandbox, "mkdir -p ~/.claude/.credentials.json");
      const logins = [
        { provider: "gemini", login: true },
        { provider: "claude", login: true },
      ] as const;
      await refused(sandbox.setPolicy(policyWith([openRule(api)], logins)), "CREDENTIAL_UNAVAILABLE");
      expect((await shell(sandbox, "ls ~/.gemini")).stdout).toBe("");
      expect(JSON.parse(await send()).reason).toMatch(/the policy in force has no such credential/);
      expect(sandbox.enforcement.credentials.map(({ name }) => name)).toEqual(["OTHER"]);
      expect(sandbox.policy.generation).toBe(3);
      await command.kill();
      expect(await traces(scene, sandbox, first, [])).toEqual([]);
    },
  },
  {
    name: "git sends a sealed credential by Basic, and curl one in a query",
    tools: true,
    async run(scene) {
      const real = secret();
      const folder = scene.folder();
      makeRepository(folder);
      const serve = serveGit(folder);
      const logins: string[] = [];
      const host = await standIn(scene, "git.test", (request, response) => {
        const login = Buffer.from((request.headers.authorization ?? "").replace(/^Basic /, ""), "base64").toString();
        if (login === "") {
          request.resume();
          response.writeHead(401, { "WWW-Authenticate": 'Basic realm="git"' }).end();
          return;
        }
        logins.push(login);
        serve(request, response);
      });
      const api = await witness(scene);
      const policy = policyWith(
        [openRule(host), openRule(api)],
        [
          { provider: "github", variable: "GITHUB_TOKEN", hosts: [host.host], ports: [host.port] },
          { name: "KEY", hosts: [api.host], ports: [api.port], places: { query: ["key"] } },
        ],
      );
      const sandbox = await credentialSandbox(scene, policy, { credentials: { github: () => real, KEY: () => real } });
      const clone = await shell(sandbox, 'git clone -q "$1" it', `${host.url}/it.git`);
      expect([clone.exitCode, clone.stderr]).toEqual([0, ""]);
      expect(new Set(logins)).toEqual(new Set([`x-access-token:${real}`]));
      const asked = await shell(sandbox, 'curl -sS --max-time 20 "$1?key=$KEY&a=1"', `${api.url}/q`);
      expect(asked.stdout).toMatch(/^\/q\?key=[^&]{40}&a=1$/);
      expect(asked.stdout).not.toContain(real.slice(6));
      expect(api.sent[0]?.path).toBe(`/q?key=${real}&a=1`);
      expect(await traces(scene, sandbox, real, [])).toEqual([]);
    },
  },
  {
    name: "npm and pip send sealed credentials as their configuration has them, and git asks for none at another host",
    tools: true,
    async run(scene) {
      const real = secret("npm_");
      const seen: string[] = [];
      const registry = await witness(scene, "registry.test", ({ path, headers }) => {
        seen.push(`${path} ${headers.authorization}`);
        return JSON.stringify({ username: "me" });
      });
      const hosts = { hosts: [registry.host], ports: [registry.port] };
      const policy = policyWith(
        [openRule(registry)],
        [
          { provider: "npm", ...hosts },
          { provider: "pypi", ...hosts },
          { provider: "github", ...hosts },
        ],
      );
      const source = () => real;
      const sandbox = await credentialSandbox(scene, policy, {
        credentials: { npm: source, pypi: source, github: source },
      });
      const authority = `${registry.host}:${registry.port}`;
      const line = ["registry=https://", authority, "/\n//", authority, "/:_authToken=$", "{NPM_TOKEN}\n"].join("");
      await sandbox.files.write(".npmrc", line);
      const npm = await shell(sandbox, "npm whoami --no-update-notifier");
      expect([npm.stdout.trim(), npm.stderr]).toEqual(["me", ""]);
      expect(seen).toEqual([`/-/whoami Bearer ${real}`]);
      const pip = `export PYTHONPATH=$(echo /usr/share/python-wheels/pip-*.whl)
        PIP_INDEX_URL="https://__token__:$PYPI_TOKEN@$1/simple" python3 -m pip download -q --retries 0 --no-deps none 2>&1`;
      expect((await shell(sandbox, pip, authority)).stdout).not.toContain(real);
      expect(seen.at(-1)).toBe(`/simple/none/ Basic ${Buffer.from(`__token__:${real}`).toString("base64")}`);
      const fill = async (host: string) => {
        const asked = 'printf "protocol=https\\nhost=%s\\n\\n" "$1" | GIT_TERMINAL_PROMPT=0 git credential fill 2>&1';
        return (await shell(sandbox, asked, host)).stdout;
      };
      expect(await fill(authority)).toMatch(/username=x-access-token\npassword=npm_/);
      expect(await fill("other.test")).not.toContain("password=");
    },
  },
  {
    name: "a connection that begins to carry a secret is looked into from then on",
    tools: true,
    async run(scene) {
      const real = secret();
      const api = await witness(scene);
      const rules = [
        { ...openRule(api) },
        { ...openRule(await witness(scene, "other.test")), tls: "terminate" } as const,
      ];
      const options = { credentials: { TOKEN: () => real } };
      const sandbox = await credentialSandbox(scene, policyWith(rules, []), options);
      expect(await curl(sandbox, `${api.url}/`)).toBe("/\n200");
      expect(sandbox.decisions().some(({ operation }) => operation === "request")).toBe(false);
      await sandbox.setPolicy(policyWith(rules, [{ name: "TOKEN", hosts: [api.host], ports: [api.port] }]));
      const { stdout } = await shell(sandbox, 'curl -sS --max-time 20 -u "me:$TOKEN" "$1"', `${api.url}/x`);
      expect(stdout).toBe("/x");
      expect(api.sent.at(-1)?.headers.authorization).toBe(`Basic ${Buffer.from(`me:${real}`).toString("base64")}`);
    },
  },
];
