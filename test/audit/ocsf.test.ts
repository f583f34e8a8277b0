import { describe, expect, test } from "vitest";
import { type AuditRecord, type DecisionRecord, type RecordBody, toOcsf } from "../../src/mod.ts";

const base = {
  time: "2026-01-02T03:04:05.678Z",
  sequence: 9,
  sandbox: "5a4db0",
  policy: { digest: "sha256:x", generation: 2 },
};
const decision = (rest: Partial<DecisionRecord>): AuditRecord => ({
  ...base,
  ...{ kind: "decision", domain: "network", operation: "connect", object: "api.test:443", verdict: "allow" },
  ...{ decidedBy: { kind: "policy" }, reason: "rule api allows it" },
  ...rest,
});

describe("toOcsf()", () => {
  test.each<[AuditRecord, object]>([
    [
      decision({
        subject: { pid: 7, binary: "/usr/bin/curl", sha256: "ab", ancestors: ["/bin/sh"] },
        ruleId: "api",
        latencyMs: 1.6,
      }),
      {
        class_uid: 4001,
        category_uid: 4,
        activity_id: 1,
        type_uid: 400101,
        time: Date.parse(base.time),
        severity_id: 1,
        action: "Allowed",
        status_id: 1,
        duration: 2,
        dst_endpoint: { hostname: "api.test", port: 443 },
        policy: { name: "api", uid: "sha256:x" },
        device: { uid: "5a4db0" },
        actor: {
          process: {
            pid: 7,
            file: { path: "/usr/bin/curl", hashes: [{ algorithm_id: 3, value: "ab" }] },
            parent_process: { file: { name: "sh" } },
          },
        },
      },
    ],
    [
      decision({ operation: "request", object: "POST https://api.test:8443/x", verdict: "deny" }),
      {
        type_uid: 400206,
        action_id: 2,
        dst_endpoint: { hostname: "api.test", port: 8443 },
        http_request: { http_method: "POST", url: { url_string: "https://api.test:8443/x" } },
      },
    ],
    [decision({ object: "[2001:db8::1]:443" }), { dst_endpoint: { hostname: "2001:db8::1", port: 443 } }],
    [
      decision({ domain: "filesystem", operation: "rename", object: "/a -> /b" }),
      { type_uid: 100105, file: { path: "/a" }, file_result: { path: "/b" } },
    ],
    [
      decision({ domain: "process", operation: "start", object: "/usr/bin/git", argv: ["git", "push"] }),
      { type_uid: 100701, process: { cmd_line: "git push", file: { name: "git" } } },
    ],
    [
      decision({ domain: "inference", operation: "call", object: "m" }),
      { class_uid: 6003, api: { service: { name: "m" } } },
    ],
    [
      { ...base, ...({ kind: "approval.refused", question: "q", why: "forged" } satisfies RecordBody) },
      { class_uid: 6002, severity_id: 3, status_id: 2, unmapped: { kind: "approval.refused", why: "forged" } },
    ],
  ])("makes an event of %o", (record, event) => {
    const made = toOcsf(record);
    expect(made).toMatchObject(event);
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
    expect(made.type_uid).toBe(made.class_uid * 100 + made.activity_id);
  });
});
