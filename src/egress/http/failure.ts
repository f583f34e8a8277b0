/**
 * What went wrong on the way to a host, in words for the program that waits.
 *
 * @module
 */
import type { Denial } from "./denial.ts";

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the host refused the connection",
  ECONNRESET: "the host closed the connection",
  EPIPE: "the host closed the connection",
  EHOSTUNREACH: "there is no way to the host",
  ENETUNREACH: "there is no way to the host",
  ETIMEDOUT: "the host did not answer in time",
  ENOTFOUND: "the host's name has no address",
  EAI_AGAIN: "the host's name could not be looked up",
  EPROXY_LOGIN: "the proxy on the way wants a login",
  EPROXY_REFUSED: "the proxy on the way refuses to connect to it",
  EPROXY_FAILED: "the proxy on the way does not answer as one",
};

/** A host that may not be reached after all. To a program that speaks no HTTP it is one that refuses connections. */
export class RequestDenied extends Error {
  readonly code = "ECONNREFUSED";
  readonly denial: Denial;

  constructor(denial: Denial) {
    super(denial.reason);
    this.denial = denial;
  }
}

/** An error of the upstream side as an answer. Messages of errors may name addresses, and stay out. */
export function failureOf(error: unknown): Denial {
  if (error instanceof RequestDenied) return error.denial;
  const code = codeOf(error);
  const unreachable = UNREACHABLE[code];
  if (unreachable !== undefined) return { error: "upstream_unreachable", reason: unreachable };
  if (/CERT|SELF_SIGNED|ERR_TLS|UNABLE_TO/.test(code)) {
    return { error: "upstream_untrusted", reason: `the host's certificate is not trusted (${code})` };
  }
  return { error: "upstream_failed", reason: code === "" ? "the request failed" : `the request failed (${code})` };
}

function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[A-Z0-9_]{1,64}$/.test(code) ? code : "";
}
