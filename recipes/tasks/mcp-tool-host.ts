/**
 * A server of tools (MCP) that nobody trusts.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";

/** Which server, and what it reaches. */
export interface McpToolHostParams {
  /** The server's code. @default "./server" */
  readonly server?: string;
  /** What it keeps. @default "./state" */
  readonly state?: string;
  /** The host of the upstream. */
  readonly upstream: string;
  /** The tools of the upstream that may be called; a star may end a name. */
  readonly tools: readonly string[];
  /** The program that connects. @default "node" */
  readonly program?: string;
}

const JSON_HEADERS = { "content-type": "application/json" };

function call(name: string): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {} } });
}

/** Runs a server of tools, which keeps its state and reaches one upstream with some of its tools. */
export const mcpToolHost: Recipe<McpToolHostParams> = defineRecipe({
  name: "mcp-tool-host",
  version: "1.0.0",
  description: "Runs a server of tools, which keeps its state and reaches one upstream with some of its tools.",
  params: z.object({
    server: param.path().default("./server").describe("the code of the server"),
    state: param.path().default("./state").describe("what it keeps"),
    upstream: param.host().describe("the host that it reaches"),
    tools: param.list(param.model()).describe("the tools that it may call there"),
    program: param.name().default("node").describe("the program that connects"),
  }),
  build: ({ server, state, upstream, tools, program }) => ({
    policy: {
      version: 1,
      filesystem: { read: [server], write: [state] },
      network: {
        allow: [
          {
            ...{ id: "upstream", host: upstream, binaries: [program] },
            http: { rules: [{ paths: ["/mcp"], mcp: { tools } }] },
          },
        ],
      },
      locked: ["filesystem", "network", "inference", "credentials"],
    },
  }),
  tests: {
    params: { upstream: "mcp.example.com", tools: ["search", "read*"] },
    claims: ({ allows, denies }) => [
      allows.read("server/index.js"),
      allows.write("state/cache.json"),
      denies.write("server/index.js"),
      allows.http("POST https://mcp.example.com/mcp", { headers: JSON_HEADERS, body: call("search") }),
      allows.http("POST https://mcp.example.com/mcp", { headers: JSON_HEADERS, body: call("read_file") }),
      denies.http("POST https://mcp.example.com/mcp", { headers: JSON_HEADERS, body: call("delete") }),
      denies.http("POST https://mcp.example.com/admin", { headers: JSON_HEADERS, body: call("search") }),
      denies.http("POST https://mcp.example.com/mcp", { headers: JSON_HEADERS, body: call("search"), by: "wget" }),
      denies.read("src/main.ts"),
      denies.http("GET https://example.com/"),
      denies.model("claude-sonnet-5"),
    ],
  },
});
