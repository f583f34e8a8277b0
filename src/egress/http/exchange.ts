/**
 * One request and its response, of whatever version of HTTP.
 *
 * @module
 */
import type { Duplex, Readable } from "node:stream";
import type { HeaderLines } from "./headers.ts";

/** The first part of a request, as it came from the program. */
export interface RequestHead {
  readonly version: "1.0" | "1.1" | "2";
  readonly method: string;
  /** The path and query, as they came. */
  readonly target: string;
  /** `Host` or `:authority`. */
  readonly authority: string | undefined;
  readonly headers: HeaderLines;
  /** What is wrong with it already, as the end of a sentence. */
  readonly problem?: string;
}

/** A request as it came from the program. */
export interface Exchange extends RequestHead {
  /** Absent: it has none. */
  readonly body: Readable | undefined;
  /** What came after the body: known when it has ended. */
  trailers(): HeaderLines;
  /** Whether it waits for a `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** Aborted when the program is gone. */
  readonly signal: AbortSignal;
  /** Settles when nothing more comes or goes. */
  readonly over: Promise<void>;
  /** Tells the program to send the body. */
  proceed(): void;
  /** Answers. A body that fails resets the exchange: what is cut short never looks complete. */
  respond(response: ResponseHead, body?: ResponseBody | string): void;
  /** Ends it without an answer, or in the middle of one. */
  reset(): void;
}

/** The first part of a response. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: HeaderLines;
}

/** The rest of a response. */
export interface ResponseBody {
  readonly stream: Readable;
  /** Known when the stream has ended. */
  trailers(): HeaderLines;
}

/** A request as it is sent to the host. */
export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: HeaderLines;
  readonly body: Readable | undefined;
  /** What goes after the body: known when it has ended. */
  trailers(): HeaderLines;
  /** Whether the program said that it takes trailers. gRPC servers want to hear it. */
  readonly takesTrailers: boolean;
  readonly expectsContinue: boolean;
  readonly signal: AbortSignal;
  /** Called when the host wants the body. */
  onContinue(): void;
}

/** What the host answers. */
export interface UpstreamResponse extends ResponseHead {
  readonly body: ResponseBody;
}

/** A request to change the protocol, as it is sent to the host. */
export type UpgradeRequest = Pick<UpstreamRequest, "path" | "headers" | "signal">;

/** A host that agreed to change the protocol. */
export interface UpgradedResponse extends ResponseHead {
  readonly socket: Duplex;
}
