/**
 * A question in words: what is shown to a person, on a terminal, in a chat or in a web page.
 *
 * @module
 */
import type { ApprovalRequest } from "../hooks/approval-types.ts";

/** A question in words. Everything in it may come from a sandbox: escape it for where it is shown (`displaySafe` for terminals). */
export interface ApprovalDescription {
  /** What is about to happen, in one line. */
  readonly title: string;
  /** Names and values, the most important first. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** What is to be read before anybody answers, for instance a diff. */
  readonly text?: string;
}

/** How much of a message or an argument list is shown, in UTF-16 code units. */
const SHOWN_MAX = 2000;

/**
 * Puts a question into words.
 *
 * @example
 * ```ts
 * import { type Approver, describeRequest, displaySafe } from "cofferdam";
 *
 * export const approve: Approver = (request) => {
 *   console.error(displaySafe(describeRequest(request).title));
 *   return false;
 * };
 * ```
 */
export function describeRequest(request: ApprovalRequest): ApprovalDescription {
  const { title, facts, text } = subject(request);
  const { reason, askedBy, ruleId } = request;
  const asker = askedBy.kind === "plugin" ? [["asked by", `${askedBy.name} (${askedBy.hook})`] as const] : [];
  return {
    title: clip(title),
    facts: [
      ...facts.filter(([, value]) => value !== ""),
      ["because", reason],
      ...asker,
      ...(ruleId === undefined ? [] : [["rule", ruleId] as const]),
    ].map(([name, value]) => [name, clip(value)]),
    ...(text === undefined ? {} : { text }),
  };
}

function subject(request: ApprovalRequest): ApprovalDescription {
  switch (request.domain) {
    case "filesystem": {
      const { operation, path, target, binary } = request.access;
      const facts = [
        ["path", path],
        ["new name", target ?? ""],
        ["program", binary],
      ] as const;
      return { title: `${operation} ${path}${target === undefined ? "" : ` -> ${target}`}`, facts };
    }
    case "process": {
      const { path, script = "", argv, cwd, parents, sha256 = "" } = request.start;
      return {
        title: `start ${argv.map(quoted).join(" ")}`,
        facts: [
          ["program", path],
          ["script", script],
          ["in", cwd],
          ["started by", parents[0] ?? ""],
          ["sha256", sha256],
        ],
      };
    }
    case "network":
      return networkSubject(request);
    case "inference":
      return modelSubject(request);
    default: {
      const { name, facts, text } = request.gate;
      return { title: name, facts, ...(text === undefined ? {} : { text }) };
    }
  }
}

function networkSubject(request: Extract<ApprovalRequest, { domain: "network" }>): ApprovalDescription {
  const { connect, request: http, message, response, requested } = request;
  const host = `${connect.host.includes(":") ? `[${connect.host}]` : connect.host}:${connect.port}`;
  const what = http === undefined ? `connect to ${host}` : `${http.method} ${http.url}`;
  const about = response
    ? `the response to ${what}`
    : message === undefined
      ? what
      : `a message ${way(message.direction)}: ${what}`;
  return {
    title: requested === undefined ? about : `from now on: ${about}`,
    facts: [
      ["the program says", requested ?? ""],
      ["host", host],
      ["calls", (http?.calls ?? []).join(", ")],
      ["program", connect.binary],
      ["started by", connect.ancestors[0] ?? ""],
    ],
    ...(message === undefined
      ? {}
      : { text: clip(typeof message.data === "string" ? message.data : `${message.data.length} bytes`) }),
  };
}

function modelSubject(request: Extract<ApprovalRequest, { domain: "inference" }>): ApprovalDescription {
  const about = request.call ?? ("chunk" in request ? request.chunk : request.answer);
  const { model, provider, local, endpoint, binary } = about;
  const facts = [
    ["provider", `${provider}${local ? " (local)" : ""}`],
    ["endpoint", endpoint],
    ["program", binary],
  ] as const;
  if (request.call !== undefined) {
    const tokens = ["tokens, about", String(request.call.estimatedTokens)] as const;
    return { title: `call the model ${model}`, facts: [...facts, tokens] };
  }
  if (!("chunk" in request)) return { title: `the answer of the model ${model}`, facts };
  const { kind, tool = "", text } = request.chunk;
  return { title: `a piece of the answer of ${model}: ${kind}`, facts: [...facts, ["tool", tool]], text: clip(text) };
}

function way(direction: "to-host" | "from-host"): string {
  return direction === "to-host" ? "to the host" : "from the host";
}

/** So that one argument with a space does not look like two. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : JSON.stringify(argument);
}

function clip(text: string): string {
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}… (${text.length - SHOWN_MAX} more)`;
}
