/**
 * An analyst of logs and metrics whose words stay in the house.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, type NetworkRule, param, type Recipe } from "../../src/mod.ts";
import { type ModelParams, modelParams, onlyThis, routed } from "../shared.ts";

/** Where metrics and logs are. */
export interface OpsAnalystLocalParams extends ModelParams {
  /** @default "./logs" */
  readonly logs?: string;
  /** @default "./runbooks" */
  readonly runbooks?: string;
  /** @default "./reports" */
  readonly reports?: string;
  /** The host of Prometheus. */
  readonly prometheus?: string;
  /** The host of Loki. */
  readonly loki?: string;
  /** The addresses that those hosts may have: `10.0.5.0/24`. */
  readonly addresses?: string;
}

const PROMETHEUS = ["query", "query_range", "series", "labels", "metadata"].map((call) => `/api/v1/${call}`);
const LOKI = ["query", "query_range", "labels"].map((call) => `/loki/api/v1/${call}`);

function queried(id: string, host: string | undefined, paths: readonly string[], range?: string): NetworkRule[] {
  if (host === undefined) return [];
  const addresses = range === undefined ? {} : { addresses: [range] };
  const http = { rules: [{ methods: ["GET"], paths }] };
  return [{ id, host, binaries: ["curl", "python3", "python3.*"], http, ...addresses }];
}

/** Reads logs, runbooks and metrics, writes reports, and calls local models only. */
export const opsAnalystLocal: Recipe<OpsAnalystLocalParams> = defineRecipe({
  name: "ops-analyst-local",
  version: "1.0.0",
  description: "Reads logs, runbooks and metrics, writes reports, and calls local models only.",
  params: z.object({
    logs: param.path().default("./logs").describe("what is read"),
    runbooks: param.path().default("./runbooks").describe("what is read"),
    reports: param.path().default("./reports").describe("what is written"),
    prometheus: param.host().optional().describe("the host of Prometheus"),
    loki: param.host().optional().describe("the host of Loki"),
    addresses: param.range().optional().describe("the private addresses that those hosts may have"),
    ...modelParams("ollama", ["*"]),
  }),
  build: ({ logs, runbooks, reports, prometheus, loki, addresses, ...models }) => ({
    policy: {
      version: 1,
      filesystem: { read: [logs, runbooks], write: [reports] },
      network: {
        allow: [...queried("prometheus", prometheus, PROMETHEUS, addresses), ...queried("loki", loki, LOKI, addresses)],
      },
      inference: { ...routed(models), localOnly: true },
      locked: ["network", "inference", "credentials"],
    },
  }),
  tests: {
    params: { prometheus: "prometheus.corp.example", loki: "loki.corp.example", addresses: "10.0.5.0/24" },
    claims: (words) => {
      const { allows, denies } = words;
      return [
        allows.read("logs/app.log"),
        allows.write("reports/today.md"),
        denies.write("runbooks/disk.md"),
        denies.http("POST https://prometheus.corp.example/api/v1/admin/tsdb/delete_series"),
        denies.http("POST https://loki.corp.example/loki/api/v1/push"),
        denies.http("POST https://api.openai.com/v1/chat/completions"),
        allows.model("llama3.2"),
        allows.read("runbooks/net.md"),
        denies.read("src/main.ts"),
        ...onlyThis(words, "GET https://prometheus.corp.example/api/v1/query?query=up", "/api/v1/status/config"),
        ...onlyThis(words, "GET https://loki.corp.example/loki/api/v1/query_range?query=x", "/loki/api/v1/tail"),
      ];
    },
  },
});
