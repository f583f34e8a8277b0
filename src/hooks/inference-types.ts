/**
 * Calls to models and their answers, as hooks see them and change them.
 *
 * @module
 */

/** What hooks know of a call, whatever they see of it. */
export interface InferenceAbout {
  /** One call's own: its pieces and its answer have it too. */
  readonly id: string;
  /** What was called: `chat`, `responses`, `completions`, `embeddings`, `messages` or `count_tokens`. */
  readonly endpoint: string;
  /** As the client calls it. */
  readonly model: string;
  /** The provider, and whether it is local: before the call the one that is asked first, afterwards the one that answers. */
  readonly provider: string;
  readonly local: boolean;
  /** Of the program, in the sandbox. */
  readonly pid: number;
  /** The path of the program; empty where it is not known. */
  readonly binary: string;
  /** What the policy says: `ask` where a rule of privacy wants the approver to be asked. */
  readonly verdict: "allow" | "ask";
  /** The route. */
  readonly ruleId: string;
}

/** A call to a model, before anything of it leaves the host. The policy has a route for it. */
export interface InferenceCall extends InferenceAbout {
  /** Of what it reads: a token for four bytes. */
  readonly estimatedTokens: number;
  /** Whether it wants its answer in pieces. */
  readonly stream: boolean;
  /** The whole call, as the client's API has it. Give another one back, and leave this one as it is. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a hook makes of a call, or of a whole answer. */
export interface InferenceChange {
  /** Sent in the place of the call's own, or passed on in the place of the answer's. The model that a call names is routed anew. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** A piece of a streamed answer, before the client gets it; the same whatever API the provider and the client speak. */
export interface InferenceChunk extends InferenceAbout {
  /** `text`: what the model says, refusals included. `thought`: what it thinks aloud. `tool`: arguments of a call of a tool. */
  readonly kind: "text" | "thought" | "tool";
  /** Names the part of the answer: pieces of one part follow one another. */
  readonly part: string;
  /** The piece: whatever the provider sent at once, so words and JSON are cut anywhere. Empty only where `end` is there. */
  readonly text: string;
  /** The name of the tool that is called. Absent: it is no call of a tool, or the name is not known yet. */
  readonly tool?: string;
  /**
   * Nothing more of this part follows: what a hook has held back of it is said now, as the text that it gives. Only hooks that say
   * `ends: true` hear this. It does not come where an answer breaks off with an error.
   */
  readonly end?: true;
}

/** What a hook makes of a piece. */
export interface InferenceChunkChange {
  /** Passed on in its place; empty: nothing is. */
  readonly text: string;
}

/** An answer in one piece, before the client gets it. */
export interface InferenceAnswer extends InferenceAbout {
  /** The whole answer, as the client's API has it. Give another one back, and leave this one as it is. */
  readonly body: Readonly<Record<string, unknown>>;
}
