/**
 * Hooks that see requests: they decide, change what is sent, or answer in the host's place, and the policy holds for what
 * they make.
 */
import { expect } from "vitest";
import { ask, definePlugin, deny, type NetworkRule, type RequestHandler } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { curl, httpSandbox, requestRecord, standIn } from "../stand-in.ts";

const watching = (request: RequestHandler) =>
  definePlugin(() => ({ name: "watcher", hooks: { network: { request } } }))();

const lastLine = (text: string) => text.split("\n").at(-1);

export const httpHookCases: readonly Case[] = [
  {
    name: "a hook of requests decides, changes and answers, and what it makes is judged again",
    tools: true,
    async run(scene) {
      const api = await standIn(scene, "api.test", (request, response) => {
        let body = "";
        request.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
        });
        request.on("end", () =>
          response.end(`${request.method} ${request.url} ${request.headers["x-added"] ?? "-"} ${body}`),
        );
      });
      const seen: string[] = [];
      const plugin = watching(async (request, { about, connect }) => {
        seen.push(`${connect.host} ${about.method} ${about.path} ${new URL(request.url).search}`);
        switch (about.path) {
          case "/denied":
            return deny("not this one");
          case "/asked":
            return ask("really?");
          case "/answered":
            return new Response("from here", { status: 203, headers: { "X-Here": "1" } });
          case "/added":
            return new Request(request, { headers: { ...Object.fromEntries(request.headers), "X-Added": "yes" } });
          case "/scrubbed":
            return new Request(request.url, {
              method: "POST",
              body: (await request.text()).replaceAll("secret", "***"),
            });
          case "/looked":
            return (await request.clone().text()) === "fine" ? undefined : deny("it does not say fine");
          case "/eaten":
            await request.text();
            return undefined;
          case "/moved":
            return new Request(new URL("/private", request.url), { method: "POST", body: "x" });
          case "/elsewhere":
            return new Request("https://evil.test/", { method: "POST", body: "x" });
          case "/thrown":
            throw new Error("oops");
          case "/queried":
          case "/mutated": {
            const query = about.path === "/queried" ? "{ other }" : "mutation { other }";
            return new Request(request, { body: JSON.stringify({ query }) });
          }
          case "/nonsense":
            return "yes" as never;
          default:
            return undefined;
        }
      });
      const network = {
        allow: [
          {
            id: "it",
            host: api.host,
            ports: [api.port],
            addresses: ["127.0.0.1"],
            http: { access: "read-write" } as const,
          },
        ],
        deny: [{ id: "private", host: api.host, http: { rules: [{ paths: ["/private"] }] } }],
      };
      const sandbox = await httpSandbox(scene, network, { plugins: [plugin] });
      const post = (path: string, body = "a secret") =>
        curl(sandbox, "-H", "Content-Type: text/plain", "-d", body, api.url + path);

      expect(await post("/plain?q=1")).toBe("POST /plain?q=1 - a secret\n200");
      expect(await post("/added")).toBe("POST /added yes a secret\n200");
      expect(await post("/scrubbed")).toBe("POST /scrubbed - a ***\n200");
      expect(await post("/looked", "fine")).toBe("POST /looked - fine\n200");
      expect(await post("/answered")).toBe("from here\n203");
      const reached = api.requests.length;
      for (const path of ["/denied", "/asked", "/looked", "/eaten", "/moved", "/elsewhere", "/thrown", "/nonsense"]) {
        expect([path, lastLine(await post(path))]).toEqual([path, "403"]);
      }
      expect(api.requests.length).toBe(reached);
      expect(seen[0]).toBe("api.test POST /plain ?q=1");
      const by = async (path: string) => (await requestRecord(sandbox, `POST ${api.url}${path}`, "deny")).decidedBy;
      for (const path of ["/denied", "/eaten", "/moved", "/elsewhere", "/thrown", "/nonsense"]) {
        expect([path, await by(path)]).toEqual([path, { kind: "plugin", name: "watcher", hook: "network.request" }]);
      }
      expect((await requestRecord(sandbox, `POST ${api.url}/moved`, "deny")).reason).toMatch(/rule private denies/);

      // What it says is judged as what the program had said.
      await sandbox.setPolicy({
        version: 1,
        filesystem: { write: ["."] },
        network: {
          ...network,
          allow: [
            {
              ...network.allow[0],
              http: { rules: [{ graphql: { operations: ["query"] } }, { methods: ["DELETE"] }] },
            } as NetworkRule,
          ],
        },
      });
      const send = async (path: string, query: string) => {
        const body = JSON.stringify({ query });
        return lastLine(await curl(sandbox, "-H", "Content-Type: application/json", "-d", body, api.url + path));
      };
      expect(await send("/plain", "{ a }")).toBe("200");
      expect(await send("/added", "{ a }")).toBe("200");
      expect(await send("/queried", "{ a }")).toBe("200");
      expect(await send("/mutated", "{ a }")).toBe("403");
      expect(await send("/plain", "mutation { a }")).toBe("403");
      await sandbox.setPolicy({ version: 1, filesystem: { write: ["."] }, network });

      // What the policy denies no hook sees.
      seen.length = 0;
      expect(lastLine(await curl(sandbox, "-X", "DELETE", api.url))).toBe("403");
      expect(seen).toEqual([]);
    },
  },
];
