/**
 * Who hears what comes over a link.
 *
 * @module
 */
import type { SandboxError } from "../errors.ts";
import type { MessageValues } from "./protocol.ts";

/** What a stream does with what comes for it. */
export interface StreamHandler {
  onStarted(values: MessageValues<"started">): void;
  onConnected(): void;
  onExited(values: MessageValues<"exited">): void;
  onFailed(values: MessageValues<"failed">): void;
  onGone(): void;
  onGranted(bytes: number): void;
  onData(channel: number, data: Buffer): void;
  onEnd(channel: number): void;
  /** The link has ended, and the stream with it. */
  onLost(error: SandboxError): void;
}

/** Who answers what the warden asks, and hears what it decided. */
export interface DecisionHandler {
  onAccess(question: MessageValues<"access">): void;
  onProgram(question: MessageValues<"program">): void;
  onExpired(values: MessageValues<"expired">): void;
  onDecided(values: MessageValues<"decided">): void;
}

/** Who is told of connections that programs of the sandbox ask for. */
export interface FlowHandler {
  /** A stream was opened by the warden: what comes for it goes to what this returns. */
  onFlow(stream: number, values: MessageValues<"flow">): StreamHandler;
}

/** Who hears what the warden says. */
export interface LinkHandlers {
  readonly decisions: DecisionHandler;
  /** Without one, a warden that opens a stream is not ours. */
  readonly flows?: FlowHandler;
}
