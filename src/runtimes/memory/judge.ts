/**
 * Decides what a guest's programs do, as the real warden does: by the tables, and by asking the host.
 *
 * @module
 */
import { encodeMessage } from "../../link/codec.ts";
import { CODES, FLAGS, type MessageValues } from "../../link/protocol.ts";
import type { PathAction, ProgramStart } from "../../policy/core.ts";
import { GuestError } from "./guest.ts";
import type { HookedRuling, Tables } from "./tables.ts";

/** Who asks. */
export interface Caller {
  readonly stream: number;
  readonly pid: number;
  /** The path of its program. */
  readonly binary: string;
  readonly tables: Tables;
  /** The host itself, which keeps its own records. */
  readonly ours: boolean;
  /** The paths of its parents' programs, the nearest first. */
  readonly parents: readonly string[];
}

/** Something that is done to a path, or to two. */
export interface Access {
  readonly action: PathAction;
  readonly path: string;
  /** The name that the object gets. */
  readonly target?: string;
}

type Reason = keyof typeof CODES.reason;
type Answer = { readonly allowed: boolean; readonly content?: Buffer };

interface Question {
  settle(answer: Answer | "late"): void;
  hold(timeoutMs: number): void;
  readonly content: Buffer[];
}

/** Asks, waits and records. */
export class Judge {
  readonly #send: (frame: Buffer) => void;
  readonly #tellAgent: (domain: string, path: string, why: string) => void;
  readonly #questions = new Map<number, Question>();
  #last = 0;

  constructor(send: (frame: Buffer) => void, tellAgent: (domain: string, path: string, why: string) => void) {
    this.#send = send;
    this.#tellAgent = tellAgent;
  }

  /**
   * Settles, with what is read in the file's place if anything, when it may happen.
   *
   * @throws {GuestError} EACCES If it may not.
   */
  async access(caller: Caller, access: Access): Promise<Buffer | undefined> {
    const { action, path, target } = access;
    const since = performance.now();
    const { tables, binary } = caller;
    const emulated = tables.policy.mode === CODES.mode.emulated;
    if (emulated && action === "rename" && target !== undefined && tables.losesRule(path, target, action)) {
      return this.#deny(caller, access, NO_RULING, "aroundRule", since, "EXDEV");
    }
    const first = tables.path(path, action, binary);
    const second = target === undefined ? undefined : this.#secondEnd(tables, target, action, binary);
    const ruling = second === undefined ? first : stricter(first, second);
    if (ruling.verdict === "deny") return this.#deny(caller, access, ruling, reasonOf(ruling), since);
    if (ruling.verdict === "allow" && !ruling.hooked) {
      this.#record(caller, access, ruling, "allow", reasonOf(ruling), since);
      return undefined;
    }
    const content = await this.#ask(caller, access, ruling, since);
    // Whoever speaks for one rule does not for the other.
    const both = first.verdict === "ask" && second?.verdict === "ask" && first.ruleId !== second.ruleId;
    if (both && target !== undefined) await this.#ask(caller, { action: "create", path: target }, second, since);
    return content;
  }

  /**
   * Settles when a program may start.
   *
   * @throws {GuestError} EACCES If it may not.
   */
  async start(caller: Caller, start: ProgramStart, cwd: string): Promise<void> {
    const since = performance.now();
    const { tables } = caller;
    const read = tables.path(start.path, "read", caller.binary);
    if (!tables.decidesStarts) {
      if (read.verdict === "deny") throw new GuestError("EACCES", start.path);
      return;
    }
    const ruling = read.verdict === "deny" ? read : tables.program(start);
    if (ruling.verdict === "deny") return void this.#deny(caller, start, ruling, reasonOf(ruling), since);
    if (ruling.verdict === "allow" && !ruling.hooked) {
      return this.#record(caller, start, ruling, "allow", reasonOf(ruling), since);
    }
    await this.#ask(caller, start, ruling, since, cwd);
  }

  answer({ question, verdict, flags }: MessageValues<"answer">): void {
    const open = this.#questions.get(question);
    const allowed = verdict === CODES.verdict.allow;
    const substitute = (flags & FLAGS.answer.substitute) !== 0;
    open?.settle({ allowed, ...(substitute ? { content: Buffer.concat(open.content) } : {}) });
  }

  content({ question, bytes }: MessageValues<"content">): void {
    this.#questions.get(question)?.content.push(Buffer.from(bytes));
  }

  hold({ question, timeoutMs }: MessageValues<"hold">): void {
    this.#questions.get(question)?.hold(timeoutMs);
  }

  /** Nobody answers any more. */
  close(): void {
    for (const { settle } of this.#questions.values()) settle({ allowed: false });
  }

  #secondEnd(tables: Tables, target: string, action: PathAction, binary: string): HookedRuling {
    const ruling = tables.path(target, "create", binary);
    const hooked = ruling.verdict !== "deny" && tables.hookedPath(target, action, binary);
    return { ...ruling, hooked: ruling.hooked || hooked };
  }

  async #ask(
    caller: Caller,
    about: Access | ProgramStart,
    ruling: HookedRuling,
    since: number,
    cwd = "",
  ): Promise<Buffer | undefined> {
    const question = ++this.#last;
    const answer = await new Promise<Answer | "late">((resolve) => {
      const late = () => settle("late");
      let timer = setTimeout(late, caller.tables.policy.timeoutMs);
      const settle = (outcome: Answer | "late"): void => {
        clearTimeout(timer);
        this.#questions.delete(question);
        resolve(outcome);
      };
      const hold = (timeoutMs: number): void => {
        clearTimeout(timer);
        timer = setTimeout(late, timeoutMs);
      };
      this.#questions.set(question, { settle, hold, content: [] });
      this.#send(questionFrame(question, caller, about, ruling, cwd));
    });
    if (answer === "late") {
      this.#send(encodeMessage("expired", { question, gone: 0 }));
      return this.#deny(caller, about, ruling, "deadline", since);
    }
    // The host has its own record of what it said.
    if (answer.allowed) return answer.content;
    if (caller.tables.has("tellAgent")) this.#tellAgent(domainOf(about), about.path, WHY.answer);
    throw new GuestError("EACCES", about.path);
  }

  #deny(
    caller: Caller,
    about: Access | ProgramStart,
    ruling: HookedRuling,
    reason: Reason,
    since: number,
    errno: "EACCES" | "EXDEV" = "EACCES",
  ): never {
    this.#record(caller, about, ruling, "deny", reason, since);
    throw new GuestError(errno, about.path);
  }

  #record(
    caller: Caller,
    about: Access | ProgramStart,
    ruling: HookedRuling,
    verdict: "allow" | "deny",
    reason: Reason,
    since: number,
  ): void {
    const { tables, ours } = caller;
    const isStart = !("action" in about);
    const wanted = tables.has("recordAllows") || (verdict === "deny" && tables.has("recordDenials"));
    if (ours || !(wanted || (isStart && (verdict === "deny" || tables.hasProgramRules)))) return;
    if (tables.policy.mode === CODES.mode.floor && !isStart) return;
    this.#send(
      encodeMessage("decided", {
        stream: caller.stream,
        pid: caller.pid,
        domain: CODES.domain[isStart ? "process" : "filesystem"],
        action: CODES.action[isStart ? "start" : about.action],
        verdict: CODES.verdict[verdict],
        reason: CODES.reason[reason],
        rule: Number(ruling.ruleId ?? 0),
        count: 1,
        microseconds: Math.round((performance.now() - since) * 1000),
        path: Buffer.from(about.path),
        target: Buffer.from(isStart ? "" : (about.target ?? "")),
        binary: Buffer.from(caller.binary),
        arguments: isStart ? about.argv.map((each) => Buffer.from(each)) : [],
      }),
    );
    const seen = tables.policy.mode === CODES.mode.emulated || isStart;
    if (verdict === "deny" && seen && tables.has("tellAgent")) {
      this.#tellAgent(domainOf(about), about.path, WHY[reason] ?? "the policy does not allow it");
    }
  }
}

const NO_RULING: HookedRuling = { verdict: "deny", hooked: false };

/** What the agent is told: the words of `native/denial_note.c`. */
const WHY: Readonly<Partial<Record<Reason, string>>> & { readonly answer: string } = {
  rule: "a rule of the policy denies it",
  unmatched: "no rule of the policy allows it",
  answer: "it was asked about, and not allowed",
  deadline: "nobody answered in time",
  aroundRule: "it would carry files past a rule; copy them instead",
};

const STRICTNESS = { allow: 1, ask: 2, deny: 3 };

function stricter(a: HookedRuling, b: HookedRuling): HookedRuling {
  const worst = STRICTNESS[b.verdict] > STRICTNESS[a.verdict] ? b : a;
  return { ...worst, hooked: worst.verdict !== "deny" && (a.hooked || b.hooked) };
}

function reasonOf({ ruleId }: HookedRuling): Reason {
  return ruleId === undefined ? "unmatched" : "rule";
}

function domainOf(about: Access | ProgramStart): string {
  return "action" in about ? "file" : "start";
}

function questionFrame(
  question: number,
  { stream, pid, binary, parents }: Caller,
  about: Access | ProgramStart,
  ruling: HookedRuling,
  cwd: string,
): Buffer {
  const asked = {
    question,
    stream,
    pid,
    verdict: CODES.verdict[ruling.verdict],
    rule: Number(ruling.ruleId ?? 0),
    path: Buffer.from(about.path),
  };
  if ("action" in about) {
    const { action, target = "" } = about;
    const ends = { action: CODES.action[action], target: Buffer.from(target), binary: Buffer.from(binary) };
    return encodeMessage("access", { ...asked, ...ends });
  }
  return encodeMessage("program", {
    ...asked,
    script: Buffer.alloc(0),
    sha256: Buffer.alloc(0),
    cwd: Buffer.from(cwd),
    arguments: about.argv.map((each) => Buffer.from(each)),
    parents: parents.map((each) => Buffer.from(each)),
  });
}
