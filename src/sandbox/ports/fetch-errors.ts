/**
 * The errors of `sandbox.fetch`.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";

/** How much of a hostile text goes into a message. */
const TEXT_MAX = 200;

/** The error of an exchange that is no good. */
export function fetchFailed(port: number, reason: string, cause?: unknown): SandboxError<"FETCH_FAILED"> {
  return new SandboxError("FETCH_FAILED", `Cannot fetch from port ${port} in the sandbox: ${reason}`, {
    details: { port, reason },
    hint: "Look at what the server in the sandbox says of it",
    cause,
  });
}

/** The error of a call whose signal was aborted. */
export function fetchAborted(signal: AbortSignal): SandboxError<"ABORTED"> {
  return new SandboxError("ABORTED", "Cannot finish the request: its signal was aborted", {
    details: { operation: "fetch" },
    hint: "The connection to the server was reset",
    cause: signal.reason,
  });
}

/** A text of the server's, for a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text);
}

/** What an error of the connection or of the platform's HTTP parser comes to. */
export function explainFailure(port: number, connection: { readonly errored: Error | null }, error: unknown): unknown {
  // The end of the sandbox and an abort have names of their own.
  if (SandboxError.is(connection.errored)) return connection.errored;
  if (SandboxError.is(error)) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "HPE_HEADER_OVERFLOW") return fetchFailed(port, "the headers of its answer are too long", error);
  if (code.startsWith("HPE_")) return fetchFailed(port, `its answer is not HTTP (${code})`, error);
  const reason = error instanceof Error ? error.message : String(error);
  return fetchFailed(port, code === "" ? reason : `the connection ended with ${code}`, error);
}
