import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import * as plugins from "../../plugins/mod.ts";
import { createSandbox, type Guest, type OcsfEvent, type Plugin, type Policy } from "../../src/mod.ts";

const POLICY: Policy = { version: 1, filesystem: { write: ["."], deny: ["./secret"] }, audit: { files: "all" } };
const guest: Guest = {
  files: { secret: "s", "config.ini": "name = x\nAPI_KEY=abc\n" },
  programs: {
    agent: async (self) => {
      await self.print(await self.readText("config.ini"));
      await self.read("secret").catch(() => undefined);
    },
  },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "observers-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function runWith(...used: Plugin[]): Promise<string> {
  await using sandbox = await createSandbox(POLICY, { runtime: "memory", guest, plugins: used });
  return (await sandbox.exec(["agent"])).stdout;
}

describe("otel()", () => {
  test("makes spans, metrics and logs of what happens", async () => {
    const spans = new InMemorySpanExporter();
    const logs = new InMemoryLogRecordExporter();
    const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: metrics });
    const meterProvider = new MeterProvider({ readers: [reader] });
    await runWith(
      plugins.otel({
        tracerProvider: new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
        loggerProvider: new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: logs })] }),
        meterProvider,
      }),
    );
    await reader.forceFlush();
    const finished = spans.getFinishedSpans();
    const root = finished.find(({ name }) => name === "sandbox");
    expect(finished.find(({ name }) => name === "command agent")).toMatchObject({
      attributes: { "process.exit.code": 0 },
      parentSpanContext: { spanId: root?.spanContext().spanId },
    });
    const denied = logs.getFinishedLogRecords().filter(({ severityText }) => severityText === "WARN");
    expect(denied.map(({ body }) => body)).toEqual(["denied read /workspace/secret"]);
    const counters = metrics
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
      .filter(({ descriptor }) => descriptor.name === "cofferdam.decisions");
    const attributes = {
      "cofferdam.domain": "filesystem",
      "cofferdam.verdict": "deny",
      "cofferdam.decided_by": "policy",
    };
    const points = counters[0]?.dataPoints.map(({ attributes: of, value }) => ({ attributes: of, value }));
    expect(points).toContainEqual({ attributes, value: 1 });
    await meterProvider.shutdown();
  });
});

describe("ocsfAudit()", () => {
  test("writes events to a file, one a line, which is nobody else's", async () => {
    const file = join(folder, "events.jsonl");
    const heard: OcsfEvent[] = [];
    await runWith(plugins.ocsfAudit({ file, write: (event) => heard.push(event) }));
    // The end is recorded when plugins have ended: nobody waits for it.
    await vi.waitFor(() => expect(heard.at(-1)?.message).toBe("sandbox.end"), { timeout: 10_000 });
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const events = lines.map((line) => JSON.parse(line) as OcsfEvent);
    expect(events).toEqual(heard);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(events[0]).toMatchObject({ class_uid: 6002, activity_id: 3, type_uid: 600203, message: "sandbox.start" });
    expect(events.find((event) => event.action_id === 2)).toMatchObject({
      class_uid: 1001,
      severity_id: 3,
      disposition: "Blocked",
      file: { path: "/workspace/secret", name: "secret" },
      actor: { process: { file: { name: "agent" } } },
      metadata: { version: "1.3.0", profiles: ["security_control"] },
    });
    expect(events.at(-1)).toMatchObject({ class_uid: 6002, activity_id: 4, message: "sandbox.end" });
  });

  test("follows no symlink, and needs somewhere to write", async () => {
    const link = join(folder, "link.jsonl");
    symlinkSync(join(folder, "victim"), link);
    await expect(runWith(plugins.ocsfAudit({ file: link }))).rejects.toMatchObject({ code: "PLUGIN_INVALID" });
    expect(() => plugins.ocsfAudit({})).toThrow("Name a file");
  });
});

describe("redactPaths()", () => {
  test("gives a program other content, which is no grant", async () => {
    const { redactSettings } = plugins;
    const content = vi.fn((path: string) => redactSettings(String(guest.files?.[path.slice("/workspace/".length)])));
    const redact = plugins.redactPaths({ paths: ["./config.ini", "./secret"], content });
    expect(await runWith(redact)).toBe("name = x\nAPI_KEY=[redacted]\n");
    expect(content.mock.calls).toEqual([["/workspace/config.ini"]]);
  });

  test.each([
    ["PASSWORD=a b", "PASSWORD=[redacted]"],
    ["export GITHUB_TOKEN='x'", "export GITHUB_TOKEN=[redacted]"],
    ['  "apiKey": "x",', '  "apiKey": [redacted]'],
    ["host: db.test", "host: db.test"],
    ["pin: 1234", "pin: [redacted]"],
  ])("redactSettings() makes of %j %j", (line, redacted) => {
    expect(plugins.redactSettings(line, ["pin"])).toBe(redacted);
  });
});

describe("all plugins", () => {
  test("go together in one sandbox", async () => {
    const url = "https://approvals.test/";
    const secret = () => "x".repeat(32);
    const mount = vi.fn();
    await runWith(
      plugins.secretScrubber(),
      plugins.spendBudget({ usd: 1 }),
      plugins.rateLimit({ requests: { max: 10 }, connections: { max: 10 }, starts: { max: 10 }, calls: { max: 10 } }),
      plugins.gitGuard(),
      plugins.packageGuard({ npm: ["npm.test"] }),
      plugins.webhookApprovals({ url, secret, mount }),
      plugins.slackApprovals({ webhook: () => url, signingSecret: secret, approvers: ["U1"], mount }),
      plugins.otel(),
      plugins.ocsfAudit({ write: () => undefined }),
      plugins.redactPaths({ paths: ["./other"] }),
    );
    expect(mount).toHaveBeenCalledTimes(2);
  });
});
