/**
 * Traces, metrics and logs of a sandbox by OpenTelemetry: into whatever SDK your process has set up.
 *
 * @module
 */
import type { Attributes, MeterProvider, Span, TracerProvider } from "@opentelemetry/api";
import type { LoggerProvider } from "@opentelemetry/api-logs";
import { type DecisionRecord, definePlugin, type LifecycleEvent, type Plugin } from "../src/mod.ts";

// The types are not those of the packages: these are optional, and whoever does not have them compiles this file, too.
/** The options of `otel`. What is not given is the global provider of `@opentelemetry/api` and `@opentelemetry/api-logs`. */
export interface OtelOptions {
  readonly tracerProvider?: { getTracer(name: string): object };
  readonly meterProvider?: { getMeter(name: string): object };
  readonly loggerProvider?: { getLogger(name: string): object };
  /** Whether paths, arguments and hosts are told, and not only counts. @default true */
  readonly objects?: boolean;
}

const SCOPE = "cofferdam";
const ERROR = 2;
const WARN = 13;
const INFO = 9;

/**
 * Makes the plugin: a span for the sandbox, one for each command in it, and one for each decision that somebody waited for; counters of
 * decisions and tokens, a histogram of latencies; a log record for each denial and each event. It needs the API packages, which are optional
 * dependencies: without them the sandbox does not start.
 */
export const otel: (options?: OtelOptions) => Plugin = definePlugin((options: OtelOptions = {}): Plugin => {
  let telemetry: Telemetry | undefined;
  return {
    name: "otel",
    hooks: {
      decision: (record) => telemetry?.decision(record),
      lifecycle: (event) => telemetry?.lifecycle(event),
    },
    setup: async ({ sandbox }) => {
      telemetry = await open(options, sandbox);
      return () => telemetry?.end();
    },
  };
});

interface Telemetry {
  decision(record: DecisionRecord): void;
  lifecycle(event: LifecycleEvent): void;
  end(): void;
}

async function open(options: OtelOptions, sandbox: string): Promise<Telemetry> {
  const { metrics, trace } = await import("@opentelemetry/api");
  const { logs } = await import("@opentelemetry/api-logs");
  const tracer = ((options.tracerProvider as TracerProvider | undefined) ?? trace.getTracerProvider()).getTracer(SCOPE);
  const meter = ((options.meterProvider as MeterProvider | undefined) ?? metrics.getMeterProvider()).getMeter(SCOPE);
  const logger = ((options.loggerProvider as LoggerProvider | undefined) ?? logs.getLoggerProvider()).getLogger(SCOPE);
  const { objects = true } = options;
  const { ROOT_CONTEXT } = await import("@opentelemetry/api");
  const root = tracer.startSpan("sandbox", { attributes: { "cofferdam.sandbox": sandbox } }, ROOT_CONTEXT);
  const inside = trace.setSpan(ROOT_CONTEXT, root);
  const decisions = meter.createCounter("cofferdam.decisions", { description: "Decisions by domain and verdict" });
  const latency = meter.createHistogram("cofferdam.decision.duration", { unit: "ms" });
  const tokens = meter.createCounter("cofferdam.inference.tokens", { unit: "{token}" });
  const usd = meter.createCounter("cofferdam.inference.cost", { unit: "USD" });
  /** By their arguments, the oldest first: the record of an end has no number of a process. */
  const commands = new Map<string, Span[]>();
  return {
    decision(record) {
      const { domain, operation, verdict, decidedBy, latencyMs, ruleId, object, reason, count = 1, inference } = record;
      const kind: Attributes = {
        "cofferdam.domain": domain,
        "cofferdam.verdict": verdict,
        "cofferdam.decided_by": decidedBy.kind,
      };
      decisions.add(count, kind);
      if (inference !== undefined) {
        const model = { "gen_ai.request.model": object };
        tokens.add(inference.inputTokens, { ...model, "gen_ai.token.type": "input" });
        tokens.add(inference.outputTokens, { ...model, "gen_ai.token.type": "output" });
        if (inference.usd !== undefined) usd.add(inference.usd, model);
      }
      const attributes: Attributes = {
        ...kind,
        "cofferdam.sandbox": sandbox,
        "cofferdam.operation": operation,
        ...(ruleId === undefined ? {} : { "cofferdam.rule": ruleId }),
        ...(objects ? { "cofferdam.object": object, "cofferdam.reason": reason } : {}),
      };
      const endTime = Date.parse(record.time);
      if (latencyMs !== undefined) {
        latency.record(latencyMs, kind);
        const span = tracer.startSpan(`${domain}.${operation}`, { attributes, startTime: endTime - latencyMs }, inside);
        if (verdict === "deny") span.setStatus({ code: ERROR, ...(objects ? { message: reason } : {}) });
        span.end(endTime);
      }
      if (verdict !== "deny") return;
      const body = objects ? `denied ${operation} ${object}` : `denied ${operation}`;
      logger.emit({
        severityNumber: WARN,
        severityText: "WARN",
        timestamp: endTime,
        body,
        attributes,
        context: inside,
      });
    },
    lifecycle(event) {
      const at = Date.parse(event.time);
      if (event.kind === "command.start") {
        const key = JSON.stringify(event.argv);
        const [program = ""] = event.argv;
        const attributes = objects ? { "process.command_args": [...event.argv] } : {};
        const name = objects ? `command ${program}` : "command";
        const span = tracer.startSpan(name, { attributes, startTime: at }, inside);
        commands.set(key, [...(commands.get(key) ?? []), span]);
      }
      if (event.kind === "command.end") {
        const key = JSON.stringify(event.argv);
        const [span, ...rest] = commands.get(key) ?? [];
        if (rest.length > 0) commands.set(key, rest);
        else commands.delete(key);
        span?.setAttribute("process.exit.code", event.exitCode ?? -1);
        if (event.exitCode !== 0) span?.setStatus({ code: ERROR });
        span?.end(at);
      }
      const attributes = { "cofferdam.sandbox": sandbox, "cofferdam.event": event.kind };
      logger.emit({
        severityNumber: INFO,
        severityText: "INFO",
        timestamp: at,
        body: event.kind,
        attributes,
        context: inside,
      });
    },
    end() {
      for (const span of [...commands.values()].flat()) span.end();
      commands.clear();
      root.end();
    },
  };
}
