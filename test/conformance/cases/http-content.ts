/**
 * Rules on what requests say: GraphQL, JSON-RPC and the Model Context Protocol, with what is hidden in them.
 */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { HttpRule, NetworkSection, Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import type { Scene } from "../scene.ts";
import { curl, httpSandbox, requestRecord, ruleFor, type StandIn, standIn } from "../stand-in.ts";

/** A host that says what came. */
const echo = (scene: Scene) =>
  standIn(scene, "api.test", (request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => response.end(`${request.method} ${body}`));
  });

const rules = (...all: HttpRule[]) => ({ rules: all });

const post = (sandbox: Sandbox, url: string, body: unknown, ...more: string[]) => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return curl(sandbox, "-H", "Content-Type: application/json", "-d", text, ...more, url);
};

const status = (answer: string) => answer.split("\n").at(-1);

/** Each is denied, and the host hears of none. */
async function deniesAll(sandbox: Sandbox, api: StandIn, requests: Readonly<Record<string, () => Promise<string>>>) {
  const reached = api.requests.length;
  for (const [name, send] of Object.entries(requests)) expect([name, status(await send())]).toEqual([name, "403"]);
  expect(api.requests.length).toBe(reached);
  // The newest of a request: a client that has waited long may connect by its other address meanwhile.
  const last = sandbox.decisions().findLast(({ operation }) => operation === "request");
  expect(last).toMatchObject({ verdict: "deny" });
}

const call = (method: string, params?: unknown) => ({ jsonrpc: "2.0", id: 1, method, params });

export const httpContentCases: readonly Case[] = [
  {
    name: "a rule on GraphQL allows the operations and fields that it names, and nothing that is hidden in a request",
    tools: true,
    async run(scene) {
      const api = await echo(scene);
      const hash = createHash("sha256").update("{ anything }").digest("hex");
      const network: NetworkSection = {
        allow: [
          ruleFor(
            api,
            rules(
              { graphql: { operations: ["query"], fields: ["viewer", "repo*"] } },
              { graphql: { persisted: [hash] } },
            ),
          ),
        ],
      };
      const sandbox = await httpSandbox(scene, network);
      const send =
        (body: unknown, ...more: string[]) =>
        () =>
          post(sandbox, `${api.url}/graphql`, body, ...more);
      const query = { query: "query Q { me: viewer ...f } fragment f on Query { repository }" };
      expect(await send(query)()).toBe(`POST ${JSON.stringify(query)}\n200`);
      expect(await send(query, "-H", "Transfer-Encoding: chunked")()).toBe(`POST ${JSON.stringify(query)}\n200`);
      const get = `${api.url}/graphql?query=${encodeURIComponent("{ viewer }")}`;
      expect(await curl(sandbox, get)).toBe("GET \n200");
      const persisted = { extensions: { persistedQuery: { version: 1, sha256Hash: hash } } };
      expect(status(await send(persisted)())).toBe("200");
      expect(
        await requestRecord(sandbox, `POST ${api.url}/graphql (query viewer, query repository)`, "allow"),
      ).toMatchObject({
        ruleId: "it",
        decidedBy: { kind: "policy" },
      });
      await requestRecord(sandbox, `POST ${api.url}/graphql (persisted ${hash})`, "allow");

      await deniesAll(sandbox, api, {
        mutation: send({ query: "mutation { viewer }" }),
        "another field as an alias": send({ query: "{ viewer: deleteRepo }" }),
        "another field in fragments": send({ query: "{ ...a } fragment a on Q { ... on Q { deleteRepo } }" }),
        "a batch that hides a mutation": send([{ query: "{ viewer }" }, { query: "mutation { viewer }" }]),
        "names twice": send('{"query":"{ viewer }","query":"mutation { viewer }"}'),
        "another type": () => curl(sandbox, "-H", "Content-Type: text/plain", "-d", '{"query":"{viewer}"}', api.url),
        "a form": () => curl(sandbox, "-d", "query={viewer}", api.url),
        "a compressed body": send({ query: "{ viewer }" }, "-H", "Content-Encoding: gzip"),
        "a mutation by GET": () => curl(sandbox, `${api.url}/?query=mutation%7Bviewer%7D`),
        "two queries by GET": () => curl(sandbox, "-g", `${api.url}/?query={viewer}&query=mutation{x}`),
        "a query in the URL beside": () => post(sandbox, `${api.url}/?query=mutation%7Bx%7D`, { query: "{ viewer }" }),
        "an unknown hash": send({
          extensions: { persistedQuery: { version: 1, sha256Hash: hash.replaceAll("a", "b") } },
        }),
      });
      const body = JSON.parse((await send({ query: "mutation { viewer }" })()).split("\n")[0] ?? "");
      expect(body).toMatchObject({ error: "denied", rule: null, hint: expect.stringContaining("mutation viewer") });
      const record = await requestRecord(sandbox, `POST ${api.url}/graphql (mutation viewer)`, "deny");
      expect(record.reason).toMatch(/no rule/);
    },
  },
  {
    name: "a body that is longer than what is judged is denied, and says so, where a rule needs it",
    tools: true,
    async run(scene) {
      const api = await echo(scene);
      const sandbox = await httpSandbox(scene, { allow: [ruleFor(api, rules({ graphql: {} }))] });
      const big =
        'printf \'{"query":"{viewer}","variables":"\' > big; head -c 2000000 /dev/zero | tr "\\0" x >> big; printf \'"}\' >> big';
      expect((await sandbox.exec(["sh", "-c", big])).exitCode).toBe(0);
      for (const framing of ["Content-Type: application/json", "Transfer-Encoding: chunked"]) {
        const args = ["-H", "Content-Type: application/json", "-H", framing, "-H", "Expect:", "--data-binary", "@big"];
        const answer = await curl(sandbox, ...args, api.url);
        expect([framing, status(answer)]).toEqual([framing, "403"]);
        expect(answer).toContain("1048576 bytes");
      }
      expect(api.requests).toEqual([]);
    },
  },
  {
    name: "a denial of mutations beats what allows all, also of a body that cannot be read, and an ask is asked",
    tools: true,
    async run(scene) {
      const api = await echo(scene);
      const asked: unknown[] = [];
      const about = (operations: ("query" | "mutation" | "subscription")[]) =>
        rules({ paths: ["/graphql"], graphql: { operations } });
      const sandbox = await httpSandbox(
        scene,
        {
          allow: [ruleFor(api, { access: "full" })],
          deny: [{ id: "no-subscriptions", host: api.host, http: about(["subscription"]) }],
          ask: [{ ...ruleFor(api, about(["mutation"])), id: "writes" }],
        },
        {
          approve: (request) => {
            if (request.domain === "network") asked.push(request.request?.calls);
            return request.domain === "network" && request.request?.calls?.includes("mutation addStar") === true;
          },
        },
      );
      const send = (body: unknown) => post(sandbox, `${api.url}/graphql`, body);
      expect(status(await send({ query: "{ anything }" }))).toBe("200");
      expect(status(await send({ query: "mutation { addStar }" }))).toBe("200");
      expect(status(await send({ query: "mutation { deleteRepo }" }))).toBe("403");
      expect(status(await send({ query: "{ a }\nsubscription S { b }" }))).toBe("403");
      expect(status(await send("no JSON"))).toBe("403");
      expect(status(await post(sandbox, `${api.url}/other`, "no JSON"))).toBe("200");
      expect(asked).toEqual([["mutation addStar"], ["mutation deleteRepo"]]);
      const denied = await requestRecord(sandbox, `POST ${api.url}/graphql (query a, subscription b)`, "deny");
      expect(denied.ruleId).toBe("no-subscriptions");
      expect((await requestRecord(sandbox, `POST ${api.url}/graphql`, "deny")).reason).toMatch(
        /rule no-subscriptions denies.*it is not JSON/,
      );
      const allowed = await requestRecord(sandbox, `POST ${api.url}/graphql (mutation addStar)`, "allow");
      expect(allowed).toMatchObject({ ruleId: "writes", decidedBy: { kind: "approver" } });
    },
  },
  {
    name: "a rule on JSON-RPC or MCP holds for methods, tools and arguments, in every message of a batch",
    tools: true,
    async run(scene) {
      const api = await echo(scene);
      const sandbox = await httpSandbox(scene, {
        allow: [
          ruleFor(
            api,
            rules(
              { paths: ["/rpc"], jsonrpc: { methods: ["get*"], params: { "0": { in: ["a", "b"] } } } },
              { paths: ["/mcp"], mcp: { tools: ["read", "search"], arguments: { path: "/workspace/**" } } },
            ),
          ),
        ],
        deny: [
          {
            id: "no-keys",
            host: api.host,
            http: rules({ paths: ["/mcp"], mcp: { arguments: { path: "/**/*.pem" } } }),
          },
        ],
      });
      const rpc = (body: unknown) => () => post(sandbox, `${api.url}/rpc`, body);
      const mcp = (body: unknown) => () => post(sandbox, `${api.url}/mcp`, body);
      const tool = (name: string, args: unknown) => mcp(call("tools/call", { name, arguments: args }));
      expect(status(await rpc(call("getIt", ["a"]))())).toBe("200");
      expect(status(await rpc([call("getIt", ["a"]), call("getMore", ["b"])])())).toBe("200");
      expect(status(await tool("read", { path: "/workspace/x.md" })())).toBe("200");
      expect(status(await mcp(call("initialize", {}))())).toBe("200");
      expect((await requestRecord(sandbox, `POST ${api.url}/mcp (tools/call read)`, "allow")).ruleId).toBe("it");
      await requestRecord(sandbox, `POST ${api.url}/rpc (getIt, getMore)`, "allow");
      await deniesAll(sandbox, api, {
        "another method": rpc(call("setIt", ["a"])),
        "another parameter": rpc(call("getIt", ["c"])),
        "a batch that hides one": rpc([call("getIt", ["a"]), call("setIt", ["a"])]),
        "two methods": rpc('{"jsonrpc":"2.0","id":1,"method":"getIt","method":"setIt","params":["a"]}'),
        "two methods in two cases": rpc('{"jsonrpc":"2.0","id":1,"method":"getIt","Method":"setIt","params":["a"]}'),
        "another tool": tool("delete", { path: "/workspace/x" }),
        "a path that climbs": tool("read", { path: "/workspace/../etc/passwd" }),
        "no path": tool("read", {}),
        "a list of paths": tool("read", { path: ["/workspace/x", "/etc/passwd"] }),
        "another method of MCP": mcp(call("resources/read", { uri: "file:///etc/passwd" })),
        "a key": tool("read", { path: "/workspace/id.pem" }),
        "a call by GET": () => curl(sandbox, `${api.url}/rpc?method=getIt&params=%5B%22a%22%5D`),
      });
      expect((await requestRecord(sandbox, `POST ${api.url}/mcp (tools/call delete)`, "deny")).ruleId).toBeUndefined();
      const denied = sandbox.decisions().filter(({ ruleId }) => ruleId === "no-keys");
      expect(denied).toMatchObject([{ object: `POST ${api.url}/mcp (tools/call read)`, verdict: "deny" }]);
    },
  },
];
