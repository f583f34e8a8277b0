/**
 * The Model Context Protocol as its own SDK speaks it: a client of it in the sandbox, a server of it outside.
 */
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { CreateMessageRequest } from "@modelcontextprotocol/sdk/types.js";
import { expect } from "vitest";
import { z } from "zod";
import type { HttpRule, Sandbox } from "../../../src/mod.ts";
import { bundle } from "../bundle.ts";
import type { Case } from "../case.ts";
import { makeFiles } from "../mediation.ts";
import type { Scene } from "../scene.ts";
import { httpSandbox, messageRecord, requestRecord, ruleFor, type StandIn, standIn } from "../stand-in.ts";

/** Lists the tools, calls those that it is told to call, and prints what comes of it. */
const CLIENT = `
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CreateMessageRequestSchema, LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
const [kind, url, ...calls] = process.argv.slice(2);
const client = new Client({ name: "client", version: "1" }, { capabilities: { sampling: {} } });
client.setRequestHandler(CreateMessageRequestSchema, () => {
  console.log("sampled");
  return { model: "m", role: "assistant", content: { type: "text", text: "forty-two" } };
});
client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => console.log("log", params.data));
const transport = kind === "sse" ? new SSEClientTransport(new URL(url)) : new StreamableHTTPClientTransport(new URL(url));
const short = (error) => String(error.message).replaceAll("\\n", " ").slice(0, 400);
(async () => {
  await client.connect(transport);
  console.log("tools", (await client.listTools()).tools.map(({ name }) => name).join());
  for (const call of calls) {
    const [name, path] = call.split(":");
    await client.callTool({ name, arguments: { path } }).then(
      ({ content }) => console.log(name, content[0].text),
      (error) => console.log(name, "failed", short(error)),
    );
  }
  if (kind !== "sse") await transport.terminateSession();
  await client.close();
})().catch((error) => console.log("failed", short(error))).then(() => process.exit());
`;

function toolServer(): McpServer {
  const server = new McpServer({ name: "server", version: "1" }, { capabilities: { logging: {} } });
  const inputSchema = { path: z.string() };
  for (const name of ["read", "delete"]) {
    server.registerTool(name, { inputSchema }, ({ path }) => ({
      content: [{ type: "text", text: `${name} ${path}` }],
    }));
  }
  server.registerTool("think", { inputSchema }, async (_, { sendRequest, sendNotification }) => {
    await sendNotification({ method: "notifications/message", params: { level: "info", data: "thinking" } });
    const request: CreateMessageRequest = {
      method: "sampling/createMessage",
      params: { maxTokens: 5, messages: [{ role: "user", content: { type: "text", text: "?" } }] },
    };
    const thought = await sendRequest(request, z.looseObject({ content: z.looseObject({ text: z.string() }) }), {
      timeout: 700,
    }).then(
      ({ content }) => content.text,
      () => "nobody answered",
    );
    return { content: [{ type: "text", text: thought }] };
  });
  return server;
}

/** Serves both transports: `/mcp` is Streamable HTTP, `/sse` and `/messages` the older one. */
async function mcpHost(scene: Scene, json = false): Promise<StandIn> {
  const streamable = new Map<string, StreamableHTTPServerTransport>();
  const older = new Map<string, SSEServerTransport>();
  return standIn(scene, "mcp.test", async (request, response) => {
    const url = new URL(request.url ?? "", "https://mcp.test");
    if (url.pathname === "/sse") {
      const transport = new SSEServerTransport("/messages", response);
      older.set(transport.sessionId, transport);
      await toolServer().connect(transport);
      return;
    }
    if (url.pathname === "/messages") {
      await older.get(url.searchParams.get("sessionId") ?? "")?.handlePostMessage(request, response);
      return;
    }
    const session = request.headers["mcp-session-id"];
    let transport = typeof session === "string" ? streamable.get(session) : undefined;
    if (transport === undefined) {
      const made: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => `session-${streamable.size}`,
        enableJsonResponse: json,
        onsessioninitialized: (id) => {
          streamable.set(id, made);
        },
      });
      transport = made;
      await toolServer().connect(transport as Transport);
    }
    await transport.handleRequest(request, response);
  });
}

async function mcpSandbox(
  scene: Scene,
  api: StandIn,
  allow: readonly HttpRule[],
  deny: readonly HttpRule[] = [],
): Promise<Sandbox> {
  const workspace = scene.folder();
  makeFiles(workspace, { "client.cjs": bundle(CLIENT) });
  const network = {
    allow: [ruleFor(api, { rules: allow })],
    ...(deny.length > 0 ? { deny: [{ id: "no", host: api.host, http: { rules: deny } }] } : {}),
  };
  return httpSandbox(scene, network, { workspace });
}

async function run(sandbox: Sandbox, api: StandIn, kind: "http" | "sse", ...calls: string[]): Promise<string[]> {
  const url = `${api.url}/${kind === "sse" ? "sse" : "mcp"}`;
  const { stdout, stderr } = await sandbox.exec(["node", "client.cjs", kind, url, ...calls], { timeoutMs: 40_000 });
  return `${stdout}${stderr}`.trim().split("\n");
}

const TOOLS: HttpRule = { mcp: { tools: ["read", "think"], arguments: { path: "/workspace/**" } } };
const SAMPLING: HttpRule = { mcp: { direction: "from-host", methods: ["sampling/*"] } };

export const mcpCases: readonly Case[] = [
  {
    name: "MCP's own client and server work through rules, over Streamable HTTP: tools, arguments, and what the server asks",
    tools: true,
    async run(scene) {
      const api = await mcpHost(scene);
      const calls = ["read:/workspace/a", "read:/etc/passwd", "delete:/workspace/a", "think:/workspace/x"];
      const sandbox = await mcpSandbox(scene, api, [TOOLS]);
      const said = await run(sandbox, api, "http", ...calls);
      expect(said).toEqual([
        "tools read,think",
        "read read /workspace/a",
        expect.stringMatching(/^read failed .*no rule of the policy allows the request/),
        expect.stringMatching(/^delete failed .*no rule of the policy allows the request/),
        "log thinking",
        "think nobody answered",
      ]);
      const url = `${api.url}/mcp`;
      expect(await requestRecord(sandbox, `POST ${url} (tools/call read)`, "allow")).toMatchObject({ ruleId: "it" });
      await requestRecord(sandbox, `POST ${url} (tools/call read)`, "deny");
      await requestRecord(sandbox, `POST ${url} (tools/call delete)`, "deny");
      expect(await messageRecord(sandbox, `from-host sampling/createMessage (${url})`, "deny")).toMatchObject({
        decidedBy: { kind: "policy" },
        reason: "no rule of the policy allows the message",
      });
      expect(await messageRecord(sandbox, `from-host notifications/message (${url})`, "allow")).toMatchObject({
        ruleId: "it",
      });

      const asking = await mcpSandbox(scene, api, [TOOLS, SAMPLING]);
      expect((await run(asking, api, "http", "think:/workspace/x")).slice(1)).toEqual([
        "log thinking",
        "sampled",
        "think forty-two",
      ]);
      await messageRecord(asking, `from-host sampling/createMessage (${url})`, "allow");

      const quiet = await mcpSandbox(scene, api, [{}], [SAMPLING, { mcp: { tools: ["delete"] } }]);
      const answers = await run(quiet, api, "http", "think:/x", "delete:/x", "read:/etc/passwd");
      expect(answers).toEqual([
        "tools read,think",
        "log thinking",
        "think nobody answered",
        expect.stringMatching(/^delete failed .*rule no denies/),
        "read read /etc/passwd",
      ]);
      expect((await messageRecord(quiet, `from-host sampling/createMessage (${url})`, "deny")).ruleId).toBe("no");
    },
  },
  {
    name: "MCP's own client and server work through rules where the server answers in JSON, and over the older transport",
    tools: true,
    async run(scene) {
      const json = await mcpHost(scene, true);
      const inJson = await mcpSandbox(scene, json, [TOOLS]);
      expect(await run(inJson, json, "http", "read:/workspace/a", "delete:/workspace/a")).toEqual([
        "tools read,think",
        "read read /workspace/a",
        expect.stringMatching(/^delete failed .*no rule of the policy/),
      ]);
      const api = await mcpHost(scene);
      const older = await mcpSandbox(scene, api, [{ ...TOOLS, paths: ["/sse", "/messages"] }]);
      expect(await run(older, api, "sse", "read:/workspace/a", "delete:/workspace/a", "think:/workspace/x")).toEqual([
        "tools read,think",
        "read read /workspace/a",
        expect.stringMatching(/^delete failed .*no rule of the policy/),
        "log thinking",
        "think nobody answered",
      ]);
      await messageRecord(older, `from-host sampling/createMessage (${api.url}/sse)`, "deny");
    },
  },
];
