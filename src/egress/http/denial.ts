/**
 * Answers of the engine itself: why something was not done, for the program (or the model behind it) to read.
 *
 * @module
 */
import { isGrpcType } from "../../policy/http/mod.ts";
import type { HttpConnection } from "./connection.ts";
import type { Exchange, ResponseHead } from "./exchange.ts";
import { valuesOf } from "./headers.ts";

/** What kind of answer it is. */
export type DenialError =
  | "denied"
  | "misdirected"
  | "malformed"
  | "too_large"
  | "no_websocket"
  | "upstream_unreachable"
  | "upstream_untrusted"
  | "upstream_failed";

const STATUS: Readonly<Record<DenialError, number>> = {
  denied: 403,
  misdirected: 421,
  malformed: 400,
  too_large: 431,
  // Clients that speak both take it for a hint to go on without one; whatever else they read, they try again first.
  no_websocket: 426,
  upstream_unreachable: 502,
  upstream_untrusted: 502,
  upstream_failed: 502,
};

/** Why. */
export interface Denial {
  readonly error: DenialError;
  readonly reason: string;
  readonly ruleId?: string | undefined;
  readonly hint?: string | undefined;
  /** Whether it has been recorded already. */
  readonly judged?: boolean;
}

/** What was asked for. Queries, headers and bodies stay out. */
export type Denied = Pick<HttpConnection, "host" | "port" | "subject"> & {
  readonly method?: string;
  readonly path?: string;
};

/** The answer. Names that only the host knows never enter it: what is shown came from the program or from the policy's ids. */
export function denialResponse(denial: Denial, denied: Denied): { readonly head: ResponseHead; readonly body: string } {
  const { error, reason, ruleId, hint } = denial;
  const { host, port, method, path, subject } = denied;
  const body = `${JSON.stringify({ error, reason, rule: ruleId ?? null, host, port, method, path, binary: subject.binary, hint })}\n`;
  const headers: [string, string][] = [
    ["Content-Type", "application/json; charset=utf-8"],
    ["Content-Length", String(Buffer.byteLength(body))],
    ["Cache-Control", "no-store"],
    ["X-Cofferdam-Rule", ruleId ?? "none"],
    // RFC 9110 §15.5.22 wants to know what would do instead.
    ...(error === "no_websocket" ? [["Upgrade", "HTTP/1.1"] as [string, string]] : []),
  ];
  return { head: { status: STATUS[error], headers }, body };
}

/** Answers an exchange with it. A gRPC client reads a status of its own instead. */
export function deny(exchange: Exchange, denial: Denial, denied: Denied): void {
  if (exchange.version === "2" && isGrpcType(valuesOf(exchange.headers, "content-type"))) {
    const told = [denial.reason, denial.hint].filter((text) => text !== undefined).join(". ");
    const headers: [string, string][] = [
      ["content-type", "application/grpc"],
      ["grpc-status", GRPC_STATUS[denial.error] ?? "14"],
      ["grpc-message", percentEncode(told)],
      ["x-cofferdam-rule", denial.ruleId ?? "none"],
    ];
    exchange.respond({ status: 200, headers });
    return;
  }
  const { head, body } = denialResponse(denial, denied);
  // Git shows what it is told where that is plain text, and nothing else.
  const isGit = valuesOf(exchange.headers, "user-agent").some((agent) => agent.startsWith("git/"));
  if (!isGit) {
    exchange.respond(head, body);
    return;
  }
  const text = `${[`Denied: ${denial.reason}`, denial.hint].filter(Boolean).join("\n")}\n`;
  const headers = head.headers.filter(([name]) => !name.startsWith("Content-"));
  const type = ["Content-Type", "text/plain; charset=utf-8"] as const;
  exchange.respond({ ...head, headers: [type, ["Content-Length", String(Buffer.byteLength(text))], ...headers] }, text);
}

/** As gRPC does it: bytes that are no printable ASCII, and `%` itself. */
function percentEncode(text: string): string {
  const bytes = Buffer.from(text).toString("latin1");
  return bytes.replace(/[^ -$&-~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** PERMISSION_DENIED and INVALID_ARGUMENT; otherwise UNAVAILABLE. */
const GRPC_STATUS: Readonly<Partial<Record<DenialError, string>>> = { denied: "7", misdirected: "7", malformed: "3" };
