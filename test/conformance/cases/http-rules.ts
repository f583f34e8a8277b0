/**
 * HTTP that is judged request by request: what rules allow arrives, and everything else is answered with why.
 */
import { expect } from "vitest";
import type { HttpRule, NetworkRule } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { shell } from "../help.ts";
import { curl, httpSandbox, requestRecord, type StandIn, standIn } from "../stand-in.ts";

const LOOPBACK = ["127.0.0.1"];

const echo = (scene: Parameters<typeof standIn>[0], host = "api.test") =>
  standIn(scene, host, (request, response) => {
    request.resume();
    request.once("end", () => response.end(`${request.method} ${request.url}`));
  });

const rule = ({ host, port }: StandIn, http: NetworkRule["http"], rest: Partial<NetworkRule> = {}): NetworkRule => ({
  id: "it",
  host,
  ports: [port],
  addresses: LOOPBACK,
  ...(http === undefined ? {} : { http }),
  ...rest,
});

const rules = (...all: HttpRule[]) => ({ rules: all });

export const httpRuleCases: readonly Case[] = [
  {
    name: "a request that a rule means is relayed over TLS that both sides trust, and any other is answered with why",
    tools: true,
    async run(scene) {
      const api = await echo(scene);
      const sandbox = await httpSandbox(scene, { allow: [rule(api, { access: "read-only" })] });
      expect(await curl(sandbox, `${api.url}/a?token=hidden`)).toBe("GET /a?token=hidden\n200");
      const [body = "", status] = (await curl(sandbox, "-d", "x", `${api.url}/a?token=hidden`)).split("\n");
      expect(status).toBe("403");
      expect(JSON.parse(body)).toEqual({
        error: "denied",
        reason: "no rule of the policy allows the request",
        rule: null,
        host: "api.test",
        port: api.port,
        method: "POST",
        path: "/a",
        binary: expect.stringMatching(/curl$/),
        hint: expect.stringContaining("POST"),
      });
      expect(api.requests).toEqual(["GET /a?token=hidden"]);
      expect(await requestRecord(sandbox, `GET ${api.url}/a`, "allow")).toMatchObject({
        domain: "network",
        ruleId: "it",
        decidedBy: { kind: "policy" },
        subject: { binary: expect.stringMatching(/curl$/) },
      });
      await requestRecord(sandbox, `POST ${api.url}/a`, "deny");
      expect(JSON.stringify(sandbox.decisions())).not.toContain("hidden");
    },
  },
  {
    name: "rules on methods, paths and queries hold for every way to spell a path, and denials come first",
    tools: true,
    async run(scene) {
      const api = await echo(scene);
      const sandbox = await httpSandbox(scene, {
        allow: [rule(api, rules({ methods: ["GET"], paths: ["/pub/**"] }, { paths: ["/q"], query: { ref: "main" } }))],
        deny: [{ id: "no", host: api.host, http: rules({ paths: ["/pub/secret/**"] }) }],
      });
      const status = async (...args: string[]) =>
        (await curl(sandbox, "--path-as-is", "-o", "/dev/null", ...args)).trim();
      for (const path of ["/pub/a", "/pub/x/../b", "/%70ub/c", "/q?ref=main"]) {
        expect([path, await status(api.url + path)]).toEqual([path, "200"]);
      }
      for (const path of [
        "/",
        "/pub/..%2fadmin",
        "/pub/%2e%2e/admin",
        "/pub/..;/x",
        "/q?ref=dev",
        "/q?ref=main&ref=dev",
        "/pub/secret/a",
        "/pub//secret/a",
      ]) {
        expect([path, await status(api.url + path)]).toEqual([path, "403"]);
      }
      expect(await status(`${api.url}/..%2f..`)).toBe("400");
      expect(await status("-X", "DELETE", `${api.url}/pub/a`)).toBe("403");
      expect(api.requests).toEqual(["GET /pub/a", "GET /pub/b", "GET /pub/c", "GET /q?ref=main"]);
      expect((await requestRecord(sandbox, `GET ${api.url}/pub/secret/a`, "deny")).ruleId).toBe("no");
    },
  },
  {
    name: "no other host is reached through one that is allowed: neither by its Host nor by the name of the handshake",
    tools: true,
    async run(scene) {
      const api = await echo(scene);
      const sandbox = await httpSandbox(scene, { allow: [rule(api, { access: "full" })] });
      expect((await curl(sandbox, "-H", "Host: evil.test", api.url)).split("\n").at(-1)).toBe("421");
      const fronting = ["--connect-to", `evil.test:443:api.test:${api.port}`, "https://evil.test/"];
      expect((await curl(sandbox, ...fronting)).split("\n").at(-1)).toBe("421");
      expect(await curl(sandbox, "-k", "https://192.0.2.1/")).toMatch(/^curl 7:/);
      expect(api.requests).toEqual([]);
    },
  },
  {
    name: "what is not HTTP does not pass where rules are about requests",
    tools: true,
    async run(scene) {
      const api = await echo(scene);
      const sandbox = await httpSandbox(scene, { allow: [rule(api, { access: "full" })] });
      const script = 'exec 3<>"/dev/tcp/api.test/$1"; printf "SSH-2.0-x\\r\\n" >&3; cat <&3 | wc -c';
      const { stdout } = await sandbox.exec(["bash", "-c", script, "bash", String(api.port)], { timeoutMs: 30_000 });
      expect(stdout.trim()).toBe("0");
      expect(sandbox.decisions().some(({ reason }) => /does not speak HTTP/.test(reason))).toBe(true);
    },
  },
  {
    name: "a request that a rule asks about goes to the approver, and a rule that only audits lets pass and records",
    tools: true,
    async run(scene) {
      const api = await echo(scene);
      const asked: unknown[] = [];
      const sandbox = await httpSandbox(
        scene,
        {
          allow: [rule(api, { access: "read-only" }, { enforcement: "audit" })],
          ask: [{ ...rule(api, rules({ methods: ["POST"] })), id: "writes" }],
        },
        {
          approve: (request) => {
            asked.push(request);
            return request.domain === "network" && request.request?.path === "/yes";
          },
        },
      );
      expect(await curl(sandbox, "-d", "x", `${api.url}/yes`)).toBe("POST /yes\n200");
      expect((await curl(sandbox, "-d", "x", `${api.url}/no`)).split("\n").at(-1)).toBe("403");
      expect(await curl(sandbox, "-X", "DELETE", `${api.url}/z`)).toBe("DELETE /z\n200");
      expect(asked).toMatchObject([
        {
          domain: "network",
          ruleId: "writes",
          connect: { host: "api.test" },
          request: { method: "POST", url: `${api.url}/yes` },
        },
        { domain: "network", request: { path: "/no" } },
      ]);
      expect((await requestRecord(sandbox, `POST ${api.url}/yes`, "allow")).decidedBy).toMatchObject({
        kind: "approver",
        name: "approve",
      });
      expect((await requestRecord(sandbox, `DELETE ${api.url}/z`, "allow")).reason).toMatch(/only audits/);
    },
  },
  {
    name: "a denied host on a port of HTTP says so in HTTP, and nothing is dialed or resolved",
    tools: true,
    async run(scene) {
      const resolved: string[] = [];
      const sandbox = await httpSandbox(
        scene,
        { allow: [{ host: "api.test", http: { access: "full" } }] },
        {
          resolver: (host) => {
            resolved.push(host);
            return ["127.0.0.1"];
          },
        },
      );
      for (const url of ["https://other.test/x", "http://other.test/x"]) {
        const [body = "", status] = (await curl(sandbox, url)).split("\n");
        expect([url, status, JSON.parse(body).hint]).toEqual([url, "403", expect.stringContaining("other.test")]);
      }
      expect(resolved).toEqual([]);
    },
  },
  {
    name: "a change of the policy holds for the next request on a connection that is open",
    tools: true,
    async run(scene) {
      const api = await echo(scene);
      const network = (access: "full" | "read-only") => ({ allow: [rule(api, { access })] });
      const sandbox = await httpSandbox(scene, network("full"));
      const script = `
        const http = require("node:https");
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const post = () => new Promise((done) => {
          const sent = http.request("${api.url}/x", { method: "POST", agent }, (answer) => {
            answer.resume().on("end", () => done(answer.statusCode + (sent.reusedSocket ? " again" : "")));
          });
          sent.end("x");
        });
        post().then((first) => {
          console.log(first);
          process.stdin.once("data", async () => { console.log(await post()); process.exit(); });
        });`;
      const command = await sandbox.spawn(["node", "-e", script], { stdin: "pipe" });
      const lines: string[] = [];
      for await (const chunk of command) {
        lines.push(Buffer.from(chunk.bytes).toString().trim());
        if (lines.length > 1) continue;
        await sandbox.setPolicy({ version: 1, filesystem: { write: ["."] }, network: network("read-only") });
        await command.stdin.write("go\n");
      }
      expect(lines).toEqual(["200", "403 again"]);
    },
  },
  {
    name: "the sandbox's certificate authority is there to read, without its key, and nobody can change it",
    async run(scene) {
      const sandbox = await httpSandbox(scene, { allow: [{ host: "api.test", http: { access: "full" } }] });
      const { stdout } = await shell(sandbox, 'cat "$NODE_EXTRA_CA_CERTS" "$SSL_CERT_FILE"');
      expect(stdout).toContain("BEGIN CERTIFICATE");
      expect(stdout).not.toContain("PRIVATE");
      const tries = await shell(
        sandbox,
        'for f in "$SSL_CERT_FILE" "$NODE_EXTRA_CA_CERTS"; do (echo x >"$f") 2>/dev/null && echo written; rm -f "$f" 2>/dev/null && echo gone; chmod 777 "$f" 2>/dev/null && echo opened; mv "$f" "$f.x" 2>/dev/null && echo moved; done; echo over',
      );
      expect(tries.stdout).toBe("over\n");
    },
  },
];
