/**
 * What the HTTP engine knows of a connection, and what it asks about requests.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { MessageDirection } from "../../policy/core.ts";
import type { ContentNeeds, HttpFacts, Message } from "../../policy/http/mod.ts";
import type { HeaderLines } from "./headers.ts";
import type { Origin } from "./host.ts";
import type { Upstream } from "./upstream.ts";

/** The program that made a connection. */
export interface HttpSubject {
  readonly pid: number;
  readonly binary: string;
  readonly sha256?: string;
  readonly ancestors: readonly string[];
}

/** A connection that HTTP is expected on. */
export interface HttpConnection {
  /** Lower case without a final dot, or an address. */
  readonly host: string;
  readonly port: number;
  readonly subject: HttpSubject;
  /** Judges and records a request. It never rejects. */
  decide(request: HttpQuestion): Promise<HttpDecision>;
  /** Records what the engine itself refused, or what failed. */
  refused(refusal: HttpRefusal): void;
  /** What its host may be dialed at. Kept connections to a host are shared only where this is the same. */
  readonly route: string;
  /** Connects to the host that was judged, to speak so with it. */
  dial(scheme: Origin["scheme"]): Promise<Duplex>;
  /** What stands between a request as it was judged and its host. Absent: nothing. */
  through?(upstream: Upstream, origin: Origin): Upstream;
  /** Answers in the host's place: nothing is dialed. */
  readonly app?: LocalApp;
  /** The languages that a request's content is read in before {@link decide}. Absent: none. */
  needs?(facts: HttpFacts): ContentNeeds | undefined;
  /** Who judges what follows a request that was allowed. Absent: nobody, and bytes are relayed. */
  messages?(question: HttpQuestion): MessageJudge | undefined;
  /** Who sees the response to a request. Absent: nobody. */
  answers?(question: HttpQuestion): AnswerWatch | undefined;
  /** A request that was allowed is about to be forwarded. It is cut off when another policy would not. The result ends that. */
  forwarded?(question: HttpQuestion, cut: () => void): () => void;
  /** Something that nobody judges begins. It is cut off when it would have to be. The result ends that. */
  unjudged?(question: HttpQuestion, cut: () => void): () => void;
}

/** Shows a response, and says what becomes of it. It never rejects. */
export type AnswerWatch = (make: () => Response) => Promise<AnswerDecision>;

/** What becomes of a response. */
export type AnswerDecision =
  | {
      readonly allowed: true;
      /** What hooks have seen last, and whether one of them gave it. Absent: none looked. */
      readonly answer?: { readonly response: Response; readonly isChanged: boolean };
    }
  | { readonly allowed: false; readonly reason: string; readonly ruleId?: string };

/** Judges messages on a WebSocket, events, and what a host says in JSON-RPC. */
export interface MessageJudge {
  /** Whether rules are about JSON-RPC in answers. */
  readonly speaksRpc: boolean;
  /** What rules look at, and what hooks see, if there is something for them. It never rejects. */
  judge(said: readonly Message[], raw: RawMessage): MessageDecision | Promise<MessageDecision>;
  /** Whether a tool could be called. */
  knowsTool(name: string): boolean;
  /** A side said what cannot be judged. */
  broken(direction: MessageDirection, reason: string): void;
}

/** A message as it came. */
export interface RawMessage {
  readonly direction: MessageDirection;
  readonly kind: "text" | "binary" | "event";
  readonly data: string | Uint8Array;
  /** The type of an event. */
  readonly event?: string;
}

/** What becomes of one. */
export type MessageDecision =
  | { readonly allowed: true; readonly replacement?: string | Uint8Array }
  | { readonly allowed: false; readonly reason: string; readonly ruleId?: string };

/** Something that answers requests itself. */
export interface LocalApp {
  fetch(request: Request): Response | Promise<Response>;
}

/** A request that is about to be forwarded. */
export interface HttpQuestion {
  readonly scheme: "http" | "https";
  readonly facts: HttpFacts;
  readonly headers: HeaderLines;
  readonly origin: Origin;
  /** Makes what hooks see. Absent: a WebSocket, which has nothing to change. */
  readonly make?: () => Request;
  /** Aborted when the program does not wait any more. */
  readonly signal: AbortSignal;
}

/** What became of it. */
export interface HttpDecision {
  readonly allowed: boolean;
  readonly reason: string;
  /** Absent: no rule matched. */
  readonly ruleId?: string;
  /** The smallest change that would allow it, as a sentence. */
  readonly hint?: string;
  /** What hooks made of it: sent in its place, judged already. */
  readonly request?: { readonly request: Request; readonly facts: HttpFacts };
  /** What hooks answer in the host's place. */
  readonly response?: Response;
}

/** What the engine does not let through, whatever the policy says. */
export interface HttpRefusal {
  /** `GET /path`, or what is known of it. */
  readonly object: string;
  readonly reason: string;
}
