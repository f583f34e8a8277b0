/** What the tests of approvals share: questions of every domain, and a context that keeps what was refused. */
import type {
  ApprovalContext,
  ApprovalRequest,
  ApprovalScope,
  FilesystemAccess,
  NetworkConnect,
  NetworkRequest,
  ProcessStart,
  RefusedAnswer,
} from "../../src/mod.ts";
import { access, start } from "../hooks/support.ts";

const POLICY = { kind: "policy" } as const;

export function fileQuestion(path: string, change: Partial<FilesystemAccess> = {}, rule?: string): ApprovalRequest {
  const ruleId = rule === undefined ? {} : { ruleId: rule };
  return { domain: "filesystem", access: access(path, change), reason: "it asks", askedBy: POLICY, ...ruleId };
}

export function startQuestion(argv: readonly string[], change: Partial<ProcessStart> = {}): ApprovalRequest {
  return { domain: "process", start: start(argv, change), reason: "it asks", askedBy: POLICY };
}

export function connectOf(change: Partial<NetworkConnect> = {}): NetworkConnect {
  const { host = "api.test", port = 443, pid = 7, binary = "/usr/bin/curl" } = change;
  return { host, port, pid, binary, ancestors: ["/bin/sh"], verdict: "ask", ...change };
}

export function webOf(method: string, path: string): NetworkRequest {
  return { method, url: `https://api.test${path}`, path, websocket: false, verdict: "ask" };
}

export function hostQuestion(request?: NetworkRequest, change: Partial<NetworkConnect> = {}): ApprovalRequest {
  const http = request === undefined ? {} : { request };
  return { domain: "network", connect: connectOf(change), ...http, reason: "it asks", askedBy: POLICY };
}

export interface Asked {
  readonly context: ApprovalContext;
  readonly refused: RefusedAnswer[];
  end(): void;
}

let count = 0;

export function asked(
  options: { sandbox?: string; scopes?: readonly ApprovalScope[]; timeoutMs?: number } = {},
): Asked {
  const { sandbox = "5a4db0", scopes = ["once", "session"], timeoutMs = 60_000 } = options;
  const controller = new AbortController();
  const refused: RefusedAnswer[] = [];
  const id = `question-${++count}`;
  const expiresAt = new Date(Date.now() + timeoutMs).toISOString();
  return {
    context: {
      ...{ id, sandbox, timeoutMs, expiresAt, scopes, signal: controller.signal },
      refused: (answer) => void refused.push(answer),
    },
    refused,
    end: () => controller.abort(new Error("nobody waits")),
  };
}
