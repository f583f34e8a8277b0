/**
 * Records as events of the Open Cybersecurity Schema Framework (OCSF), for what collects security events.
 *
 * @module
 * @see {@link https://schema.ocsf.io/1.3.0/ | OCSF 1.3.0}
 */
import type { AuditRecord, DecisionRecord, JsonValue, Subject } from "../record.ts";

/** The version of the schema that events are of. */
export const OCSF_VERSION = "1.3.0" as const;

/** An event of OCSF: what every class has, and what its own class adds. */
export interface OcsfEvent {
  readonly class_uid: number;
  readonly category_uid: number;
  readonly activity_id: number;
  /** `class_uid * 100 + activity_id`. */
  readonly type_uid: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly severity_id: number;
  readonly metadata: { readonly [key: string]: JsonValue };
  readonly [key: string]: JsonValue;
}

interface Shape {
  readonly classUid: number;
  readonly activity: number;
  readonly extra: { readonly [key: string]: JsonValue };
}

const OTHER = 99;
const FILE_ACTIVITIES: Readonly<Record<string, number>> = {
  create: 1,
  read: 2,
  list: 2,
  write: 3,
  delete: 4,
  rename: 5,
  metadata: 6,
};
const HTTP_ACTIVITIES: Readonly<Record<string, number>> = {
  CONNECT: 1,
  DELETE: 2,
  GET: 3,
  HEAD: 4,
  OPTIONS: 5,
  POST: 6,
  PUT: 7,
  TRACE: 8,
  PATCH: 9,
};

/**
 * Makes an event of a record: File System, Process, Network, HTTP and API Activity of decisions, Application Lifecycle of all
 * else.
 *
 * Shape: plain JSON. Decisions have the profile `security_control` (`action_id`, `disposition_id`); what OCSF has no place for is in
 * `unmapped`.
 *
 * @see {@link https://schema.ocsf.io/1.3.0/ | OCSF 1.3.0}
 *
 * @example
 * ```ts
 * import { createSandbox, toOcsf } from "cofferdam";
 *
 * await using sandbox = await createSandbox({ version: 1 });
 * sandbox.events.on("record", (record) => console.log(JSON.stringify(toOcsf(record))));
 * ```
 */
export function toOcsf(record: AuditRecord): OcsfEvent {
  return record.kind === "decision" ? decisionEvent(record) : lifecycleEvent(record);
}

function decisionEvent(record: DecisionRecord): OcsfEvent {
  const { verdict, reason, subject, ruleId, decidedBy, latencyMs, count, operation, domain } = record;
  const { classUid, activity, extra } = shapeOf(record);
  const isAllowed = verdict === "allow";
  return {
    ...base(record, classUid, activity, isAllowed ? 1 : 3, ["security_control"]),
    action_id: isAllowed ? 1 : 2,
    action: isAllowed ? "Allowed" : "Denied",
    disposition_id: isAllowed ? 1 : 2,
    disposition: isAllowed ? "Allowed" : "Blocked",
    status_id: isAllowed ? 1 : 2,
    message: reason,
    ...(latencyMs === undefined ? {} : { duration: Math.round(latencyMs) }),
    ...(count === undefined ? {} : { count }),
    ...(ruleId === undefined ? {} : { policy: { name: ruleId, uid: record.policy.digest } }),
    ...(subject === undefined ? {} : { actor: { process: processOf(subject) } }),
    ...extra,
    unmapped: { domain, operation, decided_by: { ...decidedBy } },
  };
}

function shapeOf({ domain, operation, object, argv }: DecisionRecord): Shape {
  switch (domain) {
    case "filesystem": {
      const [path = object, target] = object.split(" -> ");
      const result = target === undefined ? {} : { file_result: fileOf(target) };
      return {
        classUid: 1001,
        activity: FILE_ACTIVITIES[operation] ?? OTHER,
        extra: { file: fileOf(path), ...result },
      };
    }
    case "process":
      return {
        classUid: 1007,
        activity: operation === "start" ? 1 : OTHER,
        extra: { process: { file: fileOf(object), ...(argv === undefined ? {} : { cmd_line: argv.join(" ") }) } },
      };
    case "network":
      return networkShape(operation, object);
    default:
      return {
        classUid: 6003,
        activity: OTHER,
        extra: { api: { operation, service: { name: object } } },
      };
  }
}

function networkShape(operation: string, object: string): Shape {
  const [, method = "", where = object] = /^([A-Z][A-Z-]*) (\S+)/.exec(object) ?? [];
  const url = /^[a-z]+:\/\//.test(where) ? where : undefined;
  const [, host = where, port] = /^(?:[a-z]+:\/\/)?(\[[^\]]*\]|[^/:]*)(?::(\d+))?/.exec(where) ?? [];
  const endpoint = { hostname: host.replace(/^\[|\]$/g, ""), ...(port === undefined ? {} : { port: Number(port) }) };
  if (method === "")
    return { classUid: 4001, activity: operation === "connect" ? 1 : OTHER, extra: { dst_endpoint: endpoint } };
  const request = { http_method: method, ...(url === undefined ? {} : { url: { url_string: url } }) };
  return {
    classUid: 4002,
    activity: HTTP_ACTIVITIES[method] ?? OTHER,
    extra: { dst_endpoint: endpoint, http_request: request },
  };
}

function lifecycleEvent(record: Exclude<AuditRecord, DecisionRecord>): OcsfEvent {
  const { kind, time: _, sequence: __, sandbox: ___, policy: ____, ...facts } = record;
  const activity = kind.endsWith(".start") ? 3 : kind.endsWith(".end") ? 4 : OTHER;
  const failed = kind.endsWith(".failed") || kind === "approval.refused";
  return {
    ...base(record, 6002, activity, failed ? 3 : 1, []),
    status_id: failed ? 2 : 1,
    app: { name: "cofferdam", vendor_name: "Cofferdam", uid: record.sandbox },
    message: kind,
    // What JSON cannot hold is not in it either.
    unmapped: JSON.parse(JSON.stringify({ kind, ...facts })) as JsonValue,
  };
}

function base(
  { time, sequence, sandbox, policy }: AuditRecord,
  classUid: number,
  activity: number,
  severity: number,
  profiles: readonly string[],
) {
  return {
    class_uid: classUid,
    category_uid: Math.floor(classUid / 1000),
    activity_id: activity,
    type_uid: classUid * 100 + activity,
    time: Date.parse(time),
    severity_id: severity,
    metadata: {
      version: OCSF_VERSION,
      product: { name: "cofferdam", vendor_name: "Cofferdam" },
      uid: `${sandbox}/${sequence}`,
      sequence,
      profiles,
      labels: [`policy:${policy.digest}`, `generation:${policy.generation}`],
    },
    device: { type_id: OTHER, type: "Sandbox", uid: sandbox },
  };
}

function processOf({ pid, binary, sha256, ancestors }: Subject): { readonly [key: string]: JsonValue } {
  const file = binary === undefined ? undefined : fileOf(binary, sha256);
  const [parent] = ancestors ?? [];
  return {
    ...(pid === undefined ? {} : { pid }),
    ...(file === undefined ? {} : { file }),
    ...(parent === undefined ? {} : { parent_process: { file: fileOf(parent) } }),
  };
}

function fileOf(path: string, sha256?: string): { readonly [key: string]: JsonValue } {
  const hashes = sha256 === undefined ? {} : { hashes: [{ algorithm_id: 3, algorithm: "SHA-256", value: sha256 }] };
  return { name: path.slice(path.lastIndexOf("/") + 1), path, type_id: 0, ...hashes };
}
