/**
 * The policy as the memory warden decides by it: the frames that a real warden gets, for the evaluator of `policy/`.
 *
 * @module
 */
import { decodeMessage, violation } from "../../link/codec.ts";
import { CODES, FLAGS, MESSAGES, type MessageValues } from "../../link/protocol.ts";
import {
  compileGlob,
  evaluatePath,
  evaluateProgram,
  globCovers,
  type PathAction,
  type PathRule,
  type ProgramRule,
  type ProgramStart,
  type Ruling,
  type Verdict,
} from "../../policy/core.ts";

/** What the policy says to one question, and whether a hook wants to see it. */
export interface HookedRuling extends Ruling {
  readonly hooked: boolean;
}

type Subscription = MessageValues<"subscription">;

/** The tables of one policy. */
export class Tables {
  readonly policy: MessageValues<"policy">;
  /** What must be there, or may be missing. */
  readonly floor: MessageValues<"rule">[] = [];
  readonly #paths: PathRule[] = [];
  readonly #programs: ProgramRule[] = [];
  readonly #subscriptions: Subscription[] = [];

  constructor(policy: MessageValues<"policy">) {
    this.policy = policy;
  }

  get hasProgramRules(): boolean {
    return this.#programs.length > 0;
  }

  get search(): string[] {
    return this.policy.search.map((directory) => Buffer.from(directory).toString());
  }

  /** Whether something is decided about starts. */
  get decidesStarts(): boolean {
    return this.policy.mode !== CODES.mode.floor || this.has("decidePrograms");
  }

  has(flag: keyof typeof FLAGS.policy): boolean {
    return (this.policy.flags & FLAGS.policy[flag]) !== 0;
  }

  /** Takes a frame of the policy. Whether it is one that is understood. */
  take(type: number, payload: Buffer): boolean {
    if (type === MESSAGES.rule.id) this.floor.push(decodeMessage("rule", payload));
    else if (type === MESSAGES.pathRule.id) this.#paths.push(pathRule(decodeMessage("pathRule", payload)));
    else if (type === MESSAGES.programRule.id) this.#programs.push(programRule(decodeMessage("programRule", payload)));
    else if (type === MESSAGES.subscription.id) this.#subscriptions.push(decodeMessage("subscription", payload));
    else return false;
    return true;
  }

  path(path: string, action: PathAction, binary: string): HookedRuling {
    const unmatched = this.has("unmatchedPathAsk") ? "ask" : "deny";
    const ruling = evaluatePath({ rules: this.#paths, unmatched }, path, action);
    return { ...ruling, hooked: ruling.verdict !== "deny" && this.hookedPath(path, action, binary) };
  }

  program(start: ProgramStart): HookedRuling {
    const unmatched = this.has("unmatchedProgramAsk") ? "ask" : "deny";
    const table = { rules: this.#programs, allowList: this.has("allowList"), unmatched } as const;
    const ruling = evaluateProgram(table, start, this.search);
    return { ...ruling, hooked: ruling.verdict !== "deny" && this.#hookedStart(start) };
  }

  hookedPath(path: string, action: PathAction, binary: string): boolean {
    return this.#subscriptions.some(({ domain, actions, paths, binaries }) => {
      const isMeant = domain === CODES.domain.filesystem && (actions === 0 || (actions & bitOf(action)) !== 0);
      return isMeant && covers(paths, path) && matches(binaries, binary);
    });
  }

  /** Whether another name would rid a file of a rule or hook that is about its first one, and not asked about the renaming. */
  losesRule(from: string, to: string, action: PathAction): boolean {
    const lost = this.#paths.some(({ verdict, access, pattern }) => {
      return verdict !== "allow" && access === "read" && globCovers(pattern, from) && !globCovers(pattern, to);
    });
    const ends = bitOf("create") | bitOf("list");
    return (
      lost ||
      this.#subscriptions.some(({ domain, actions, paths }) => {
        const isAboutContent = domain === CODES.domain.filesystem && paths.length > 0 && (actions & ~ends) !== 0;
        return isAboutContent && (actions & bitOf(action)) === 0 && covers(paths, from) && !covers(paths, to);
      })
    );
  }

  #hookedStart({ path, argv: [name = ""] }: ProgramStart): boolean {
    const called = name.startsWith("/") ? name : `/${name.replace(/^-/, "")}`;
    return this.#subscriptions.some(({ domain, binaries }) => {
      return domain === CODES.domain.process && (matches(binaries, path) || matches(binaries, called));
    });
  }
}

function pathRule({ verdict, access, rule, pattern }: MessageValues<"pathRule">): PathRule {
  const named = { verdict: verdictOf(verdict), pattern: Buffer.from(pattern).toString(), ruleId: String(rule) };
  const known = Object.entries(CODES.access).find(([, code]) => code === access)?.[0];
  return access === 0 ? named : { ...named, access: known as keyof typeof CODES.access };
}

function programRule(values: MessageValues<"programRule">): ProgramRule {
  if (values.sha256.length > 0) throw violation("programs of the memory runtime have no hash");
  const { anyArguments, name } = FLAGS.programRule;
  return {
    verdict: verdictOf(values.verdict),
    pattern: Buffer.from(values.pattern).toString(),
    ruleId: String(values.rule),
    name: (values.flags & name) !== 0,
    ...(values.flags & anyArguments ? {} : { args: values.arguments.map((each) => Buffer.from(each).toString()) }),
  };
}

function verdictOf(code: number): Verdict {
  return code === CODES.verdict.allow ? "allow" : code === CODES.verdict.ask ? "ask" : "deny";
}

function bitOf(action: PathAction): number {
  return 1 << CODES.action[action];
}

function covers(patterns: readonly Uint8Array[], path: string): boolean {
  return patterns.length === 0 || patterns.some((pattern) => globCovers(Buffer.from(pattern).toString(), path));
}

function matches(patterns: readonly Uint8Array[], binary: string): boolean {
  if (patterns.length === 0) return true;
  return patterns.some((pattern) => compileGlob(Buffer.from(pattern).toString())(binary));
}
