/**
 * Calls to models, as hooks see them and change them.
 *
 * @module
 */
/** A call to a model, before anything of it leaves the host. The policy has a route for it. */
export interface InferenceCall {
  /** What was called: `chat`, `responses`, `completions`, `embeddings`, `messages` or `count_tokens`. */
  readonly endpoint: string;
  /** As the client calls it. */
  readonly model: string;
  /** The provider that is asked first, and whether it is local. */
  readonly provider: string;
  readonly local: boolean;
  /** Of what it reads: a token for four bytes. */
  readonly estimatedTokens: number;
  /** Whether it wants its answer in pieces. */
  readonly stream: boolean;
  /** The whole call, as the client's API has it. Give another one back, and leave this one as it is. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Of the program, in the sandbox. */
  readonly pid: number;
  /** The path of the program; empty where it is not known. */
  readonly binary: string;
  readonly verdict: "allow";
  /** The route. */
  readonly ruleId: string;
}

/** What a hook makes of a call. */
export interface InferenceChange {
  /** Sent in the place of the call's own. The model that it names is routed anew. */
  readonly body: Readonly<Record<string, unknown>>;
}
