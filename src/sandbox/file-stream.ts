/**
 * One file operation in the sandbox, as a stream of the link.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { encodeMessage } from "../link/codec.ts";
import { errnoName } from "../link/errno.ts";
import { LinkProcess } from "../link/process.ts";
import { CHANNELS, CODES, type MessageValues } from "../link/protocol.ts";
import type { SandboxContext } from "./context.ts";
import { OutputQueue } from "./output-queue.ts";
import { promised } from "./promised.ts";

/** The operations. */
export type FileOperation = keyof typeof CODES.operation;

/** What an operation is asked with; what is absent is 0 or empty. */
export interface FileRequest {
  readonly operation: FileOperation;
  readonly path: Uint8Array;
  readonly target?: Uint8Array;
  readonly flags?: number;
  readonly mode?: number;
  readonly offset?: number;
  readonly length?: number;
}

/** An operation that runs. */
export interface FileStream {
  readonly process: LinkProcess;
  readonly output: OutputQueue<Buffer>;
  /** Settles when it has succeeded. */
  readonly done: Promise<void>;
}

const DENIED = new Set(["EACCES", "EPERM", "EROFS"]);

/** Starts an operation. Failures come through `done` and through the output. */
export async function openFileStream(
  context: SandboxContext,
  request: FileRequest,
  signal?: AbortSignal,
): Promise<FileStream> {
  signal?.throwIfAborted();
  const output = new OutputQueue<Buffer>();
  const done = promised<void>();
  done.promise.catch(() => undefined);
  const fail = (error: unknown) => {
    done.reject(error);
    output.end(error);
  };
  const message: MessageValues<"file"> = {
    operation: CODES.operation[request.operation],
    flags: request.flags ?? 0,
    mode: request.mode ?? 0,
    offset: request.offset ?? 0,
    length: request.length ?? 0,
    path: request.path,
    target: request.target ?? new Uint8Array(0),
  };
  const process = await LinkProcess.open(
    context.link,
    {
      stdout: { onData: (data) => output.push(data), onEnd: () => undefined },
      stderr: { onData: () => undefined, onEnd: () => undefined },
      onStarted: () => undefined,
      onExited: ({ code, signal: number }) => {
        if (code !== 0 || number !== 0) fail(signal?.aborted ? signal.reason : operationFailed(request, "EINTR"));
      },
      onFailed: ({ errno }) => {
        const error = operationFailed(request, errnoName(errno));
        if (error.code === "FILE_DENIED") context.audit.fileRefused(request.operation, request.path, error);
        fail(error);
      },
      onGone: () => {
        output.end();
        done.resolve();
      },
      onLost: fail,
    },
    (stream) => encodeMessage("file", message, stream),
  );
  const abort = () => process.kill();
  signal?.addEventListener("abort", abort, { once: true });
  void done.promise.catch(() => undefined).then(() => signal?.removeEventListener("abort", abort));
  return { process, output, done: done.promise };
}

/** Takes from an operation's output, and lets more come. */
export async function takeOutput({ output, process }: FileStream): Promise<Buffer | undefined> {
  const data = await output.next();
  if (data !== undefined) process.taken(CHANNELS.stdout, data.length);
  return data;
}

function operationFailed({ operation, path }: FileRequest, errno: string): SandboxError {
  const name = Buffer.from(path).toString();
  const message = `Cannot ${operation} ${JSON.stringify(name)} in the sandbox: ${errno}`;
  const details = { operation, path: name, errno };
  if (DENIED.has(errno)) {
    const verb = operation === "read" || operation === "list" || operation === "stat" ? "read" : "write";
    return new SandboxError("FILE_DENIED", message, {
      details,
      hint: `Grant it in filesystem.${verb}, if the agent may have it too: files.* obeys the agent's policy`,
    });
  }
  if (errno === "ENOENT") {
    return new SandboxError("FILE_MISSING", message, { details, hint: "Relative paths are below /workspace" });
  }
  return new SandboxError("FILE_FAILED", message, { details, hint: "See errno(3) for what the error means" });
}
