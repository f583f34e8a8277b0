/**
 * One file operation in the sandbox, as a stream of the link.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { assertNotInHook } from "../hooks/mod.ts";
import { encodeMessage, violation } from "../link/codec.ts";
import { errnoName } from "../link/errno.ts";
import { LinkProcess, type ProcessEvents } from "../link/process.ts";
import { CHANNELS, CODES, type MessageValues } from "../link/protocol.ts";
import { ByteChannel } from "./byte-channel.ts";
import type { SandboxContext } from "./context.ts";
import { RECORD_BYTES_MAX } from "./file-records.ts";
import { type Promised, promised } from "./promised.ts";

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
  readonly output: ByteChannel;
  /** Settles when it has succeeded. */
  readonly done: Promise<void>;
}

const READING: ReadonlySet<FileOperation> = new Set(["read", "list", "stat", "pack", "watch"]);
const DENIED = new Set(["EACCES", "EPERM", "EROFS"]);

/**
 * Starts an operation. Failures come through `done` and through the output. `onStream` hears of its number before the sandbox does.
 *
 * @throws {SandboxError} ABORTED If `signal` says so before it has a place in the sandbox.
 */
export async function openFileStream(
  context: SandboxContext,
  request: FileRequest,
  signal?: AbortSignal,
  onStream?: (stream: number) => void,
): Promise<FileStream> {
  if (signal?.aborted) throw abortedOperation(request, signal);
  assertNotInHook(context.id, `files.${request.operation}`);
  const output = new ByteChannel();
  const done = promised<void>();
  done.promise.catch(() => undefined);
  const events = operationEvents(context, request, signal, output, done);
  let number: number | undefined;
  const numbered = (stream: number): void => {
    number = stream;
    context.fileStreams.add(stream);
    onStream?.(stream);
  };
  const forget = (): void => {
    if (number !== undefined) context.fileStreams.delete(number);
  };
  done.promise.then(forget, forget);
  const opening = LinkProcess.open(context.link, () => events, encodeRequest(request, numbered), signal);
  const process = await opening.catch((error: unknown) => {
    forget();
    throw signal?.aborted && !SandboxError.is(error) ? abortedOperation(request, signal) : error;
  });
  const abort = () => process.kill();
  const detach = () => signal?.removeEventListener("abort", abort);
  signal?.addEventListener("abort", abort, { once: true });
  // An abort while the stream opened was not heard yet.
  if (signal?.aborted) abort();
  done.promise.then(detach, detach);
  return { process, output, done: done.promise };
}

/** Takes from an operation's output, and lets more come. */
export async function takeOutput({ output, process }: FileStream): Promise<Uint8Array | undefined> {
  const data = await output.next();
  if (data !== undefined) process.taken(CHANNELS.stdout, data.length);
  return data;
}

function encodeRequest(request: FileRequest, onStream: (stream: number) => void): (stream: number) => Buffer {
  const message: MessageValues<"file"> = {
    operation: CODES.operation[request.operation],
    flags: request.flags ?? 0,
    mode: request.mode ?? 0,
    offset: request.offset ?? 0,
    length: request.length ?? 0,
    path: request.path,
    target: request.target ?? new Uint8Array(0),
  };
  return (stream) => {
    onStream(stream);
    return encodeMessage("file", message, stream);
  };
}

function operationEvents(
  context: SandboxContext,
  request: FileRequest,
  signal: AbortSignal | undefined,
  output: ByteChannel,
  done: Promised<void>,
): ProcessEvents {
  let left = bytesExpected(request);
  const fail = (error: SandboxError) => {
    done.reject(error);
    output.end(error);
  };
  return {
    stdout: {
      onData: (data) => {
        left -= data.length;
        if (left < 0) throw violation(`${request.operation} answered with more than was asked for`);
        output.push(data);
      },
      onEnd: () => undefined,
    },
    stderr: { onData: () => undefined, onEnd: () => undefined },
    onStarted: () => undefined,
    onExited: ({ code, signal: number }) => {
      if (code === 0 && number === 0) return;
      fail(signal?.aborted ? abortedOperation(request, signal) : operationFailed(request, "EINTR"));
    },
    onFailed: ({ errno }) => fail(refuseOperation(context, request, errnoName(errno))),
    onGone: () => {
      output.end();
      done.resolve();
    },
    onLost: fail,
  };
}

/** The error of an operation that was refused. One that the policy refused is recorded. */
export function refuseOperation(context: SandboxContext, request: FileRequest, errno: string): SandboxError {
  const error = operationFailed(request, errno);
  if (error.code === "FILE_DENIED") context.audit.fileRefused(nameOf(request), request.path, error);
  return error;
}

/** What callers know an operation as. */
function nameOf({ operation }: FileRequest): string {
  return operation === "pack" ? "download" : operation === "unpack" ? "upload" : operation;
}

/** The most that an operation may answer: the warden is not trusted to keep to what it was asked. */
function bytesExpected({ operation, length }: FileRequest): number {
  if (operation === "read") return length === undefined || length === 0 ? Infinity : length;
  if (operation === "list" || operation === "scan" || operation === "pack" || operation === "watch") return Infinity;
  return operation === "stat" || operation === "unpack" ? RECORD_BYTES_MAX : 0;
}

function abortedOperation(request: FileRequest, signal: AbortSignal): SandboxError<"ABORTED"> {
  const operation = nameOf(request);
  const name = JSON.stringify(Buffer.from(request.path).toString());
  return new SandboxError("ABORTED", `Cannot ${operation} ${name} in the sandbox: its signal was aborted`, {
    details: { operation: `files.${operation}` },
    hint: "What it had done until then is done",
    cause: signal.reason,
  });
}

function operationFailed(request: FileRequest, errno: string): SandboxError {
  const operation = nameOf(request);
  const name = Buffer.from(request.path).toString();
  const message = `Cannot ${operation} ${JSON.stringify(name)} in the sandbox: ${errno}`;
  const details = { operation, path: name, errno };
  if (DENIED.has(errno)) {
    const verb = READING.has(request.operation) ? "read" : "write";
    return new SandboxError("FILE_DENIED", message, {
      details,
      hint: `Grant it in filesystem.${verb}, if the agent may have it too: files.* obeys the agent's policy`,
    });
  }
  if (errno === "ENOENT") {
    return new SandboxError("FILE_MISSING", message, {
      details,
      hint: "Relative paths are below /workspace; what the policy does not grant can look as if it were not there",
    });
  }
  return new SandboxError("FILE_FAILED", message, { details, hint: "See errno(3) for what the error means" });
}
