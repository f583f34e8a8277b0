/**
 * Which questions are the same one: an answer that is remembered is the answer to exactly these facts.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { ApprovalRequest } from "../hooks/approval-types.ts";

/**
 * Names the facts of a question: what is done to what, by which program, and who asks why. Not in it are numbers of
 * processes, their ancestors, queries, headers and bodies.
 *
 * @returns undefined where an answer is about this one time: a response or answer, whose content nobody has named.
 */
export function factsOf(request: ApprovalRequest): string | undefined {
  const facts = subjectOf(request);
  if (facts === undefined) return undefined;
  const { domain, reason, askedBy, ruleId = null } = request;
  const asker = askedBy.kind === "plugin" ? [askedBy.name, askedBy.hook] : [];
  return JSON.stringify([domain, askedBy.kind, ...asker, reason, ruleId, ...facts]);
}

function subjectOf(request: ApprovalRequest): readonly unknown[] | undefined {
  switch (request.domain) {
    case "filesystem": {
      const { operation, pathBytes, target = null, binary } = request.access;
      return [operation, hex(pathBytes), target, binary];
    }
    case "process": {
      const { pathBytes, script = null, argvBytes, cwd, sha256 = null } = request.start;
      return [hex(pathBytes), script, argvBytes.map(hex), cwd, sha256];
    }
    case "network":
      return networkFacts(request);
    case "inference": {
      if (request.call === undefined) return undefined;
      const { endpoint, model, provider, local, binary } = request.call;
      return [endpoint, model, provider, local, binary];
    }
    default:
      return undefined;
  }
}

function networkFacts(request: Extract<ApprovalRequest, { domain: "network" }>): readonly unknown[] | undefined {
  const { connect, request: http, message, response, requested } = request;
  if (response || requested !== undefined) return undefined;
  const { host, port, binary, sha256 = null } = connect;
  const way = [host, port, binary, sha256];
  if (http === undefined) return way;
  const asked = [...way, http.method, http.path, http.websocket, http.calls ?? null];
  if (message === undefined) return asked;
  const digest = createHash("sha256").update(message.data).digest("hex");
  return [...asked, message.direction, message.kind, message.event ?? null, digest];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
