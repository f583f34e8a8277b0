/**
 * Docker's errors as errors of Cofferdam.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";

/** The HTTP status that an engine answered with; undefined where there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && "statusCode" in error && typeof error.statusCode === "number"
    ? error.statusCode
    : undefined;
}

/** What the engine said, or what was said instead of it. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The engine's own words, without dockerode's frame around them.
  if ("json" in error && typeof error.json === "object" && error.json !== null && "message" in error.json) {
    return String(error.json.message);
  }
  return error.message;
}

/** A failed step of a start as the error of that start. */
export function failureOf(stage: string, error: unknown, output?: string): SandboxError {
  if (SandboxError.is(error)) return error;
  if (statusOf(error) === undefined && isConnectionError(error)) return unreachable(error);
  const message = messageOf(error);
  if (/unknown or invalid runtime name|unknown runtime/i.test(message)) {
    return new SandboxError("RUNTIME_UNAVAILABLE", `The Docker engine does not know the OCI runtime: ${message}`, {
      details: { runtime: "docker", reason: message },
      hint: "Register it in the engine's daemon.json, or leave `ociRuntime` out.",
      cause: error,
    });
  }
  const said = [message, output ?? ""].filter((part) => part !== "").join("\n");
  return new SandboxError("START_FAILED", `The sandbox could not be started (${stage}): ${message}`, {
    details: { stage, output: said },
    cause: error,
  });
}

/** The engine does not answer. */
export function unreachable(error: unknown): SandboxError {
  const reason = messageOf(error);
  const denied = /EACCES|permission denied/i.test(reason);
  return new SandboxError("RUNTIME_UNAVAILABLE", `No Docker engine answers: ${reason}`, {
    details: { runtime: "docker", reason },
    hint: denied
      ? "This user may not use the engine's socket: add it to the group `docker`, or set DOCKER_HOST to an engine that it may use."
      : "Start Docker (or install it), or set DOCKER_HOST to the address of an engine that runs.",
    cause: error,
  });
}

/** How long an engine may take for its first answer, in milliseconds. */
const ANSWER_MS = 10_000;

/** An engine's first answer: something that takes connections and never says a word is no engine. */
export async function answered<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it said nothing for ${ANSWER_MS} ms`)), ANSWER_MS);
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** The image is not where the engine looks. */
export function imageMissing(image: string, cause: unknown): SandboxError {
  return new SandboxError("IMAGE_MISSING", `The Docker engine has no image ${image}`, {
    details: { image },
    hint: `Run \`docker pull ${image}\`, or build it, on the engine that DOCKER_HOST names.`,
    cause,
  });
}

/** A start that its caller gave up. */
export function aborted(cause: unknown): SandboxError {
  return new SandboxError("ABORTED", "The start of the sandbox was aborted", {
    details: { operation: "start" },
    cause,
  });
}

/** Whether the other end was not reached or went away. Every JavaScript runtime has its own words for that. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return /^(ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|EHOST|ENET|EAI_)/.test(code) || /socket|connect/i.test(error.message);
}
