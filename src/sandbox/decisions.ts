/**
 * The host's half of decisions: answers what the warden asks, and records what it decided.
 *
 * @module
 */
import type { DecidedBy, Decision } from "../audit/mod.ts";
import type {
  Decided,
  DecideOptions,
  FilesystemAccess,
  FilesystemOperation,
  PluginRegistry,
  ProcessStart,
} from "../hooks/mod.ts";
import { encodeMessage, violation } from "../link/codec.ts";
import type { DecisionHandler } from "../link/handlers.ts";
import type { Link } from "../link/link.ts";
import { CODES, FLAGS, MAX_DATA_BYTES, type MessageValues } from "../link/protocol.ts";
import { REASONS } from "./decision-reasons.ts";
import type { SensitiveFiles } from "./inference/sensitive-files.ts";
import type { NamedRule } from "./policy-frames.ts";

/** Who writes decisions down. */
export interface DecisionRecords {
  decision(decision: Omit<Decision, "kind">): void;
  problem(error: Error): void;
}

/** The most that a hook may give a program to read in place of a file, in bytes. */
export const SUBSTITUTE_BYTES_MAX: number = 64 * 1024 * 1024;

const VERDICTS = nameByCode(CODES.verdict);
const ACTIONS = nameByCode(CODES.action);
const DOMAINS = nameByCode(CODES.domain);
const REASON_NAMES = nameByCode(CODES.reason);

/** What a question is about, as it is recorded. */
type About = Pick<Decision, "domain" | "operation" | "subject" | "object" | "argv" | "ruleId">;

/** A question's number, and the command that it is of. */
type Asked = Pick<MessageValues<"access">, "question" | "stream">;

type Decide = (options: DecideOptions) => Promise<Decided> | Decided;

/** A question that waits for its answer. */
interface Open {
  readonly controller: AbortController;
  expired: "deadline" | "gone" | undefined;
}

/** Answers questions through the hooks and the approver. */
export class Decisions implements DecisionHandler {
  /** Set before the first frame can come. */
  link: Link | undefined;
  readonly #registry: PluginRegistry;
  readonly #records: DecisionRecords;
  readonly #open = new Map<number, Open>();
  readonly #rules: NamedRule[] = [];
  readonly #sensitive: SensitiveFiles;

  constructor(registry: PluginRegistry, records: DecisionRecords, sensitive: SensitiveFiles) {
    this.#registry = registry;
    this.#records = records;
    this.#sensitive = sensitive;
  }

  /** How many rules have a number. */
  get ruleCount(): number {
    return this.#rules.length;
  }

  /** Rules that the warden names by number from now on; earlier ones keep theirs. */
  addRules(rules: readonly NamedRule[]): void {
    this.#rules.push(...rules);
  }

  onAccess(question: MessageValues<"access">): void {
    checkPaths([question.path, question.target, question.binary]);
    const sensitive = this.#sensitive;
    // What this process reads to know it again was asked about before.
    if (sensitive.isOwn(question.stream)) {
      this.#send(question.question, OWN);
      return;
    }
    const rule = this.#rule(question.rule);
    const path = Buffer.from(question.path);
    const access: FilesystemAccess = {
      operation: operationOf(question.action),
      path: path.toString(),
      pathBytes: path,
      ...(question.target.length > 0 ? { target: Buffer.from(question.target).toString() } : {}),
      pid: question.pid,
      binary: Buffer.from(question.binary).toString(),
      verdict: policyVerdict(question.verdict),
      ...(rule === undefined ? {} : { ruleId: rule.id }),
    };
    const about: About = {
      domain: "filesystem",
      operation: access.operation,
      subject: { pid: access.pid, binary: access.binary },
      object: access.target === undefined ? access.path : `${access.path} -> ${access.target}`,
      ...(rule === undefined ? {} : { ruleId: rule.id }),
    };
    const decide: Decide = (options) =>
      this.#registry.decideAccess(access, { verdict: access.verdict, ...ruleParts(rule) }, options);
    const keep: Decide = async (options) => sensitive.keep(access, await decide(options), options.signal);
    void this.#answer(question, about, sensitive.isAbout(access, question.stream) ? keep : decide);
  }

  onProgram(question: MessageValues<"program">): void {
    const { path: program, script: given, cwd, sha256, parents } = question;
    checkPaths([program, given, cwd, sha256, ...parents]);
    const rule = this.#rule(question.rule);
    const argvBytes = question.arguments.map((argument) => Buffer.from(argument));
    const script = Buffer.from(question.script).toString();
    const start: ProcessStart = {
      path: Buffer.from(question.path).toString(),
      pathBytes: Buffer.from(question.path),
      ...(script === "" ? {} : { script }),
      argv: argvBytes.map((argument) => argument.toString()),
      argvBytes,
      cwd: Buffer.from(question.cwd).toString(),
      ...(question.sha256.length > 0 ? { sha256: Buffer.from(question.sha256).toString("hex") } : {}),
      parents: question.parents.map((path) => Buffer.from(path).toString()),
      pid: question.pid,
      verdict: policyVerdict(question.verdict),
      ...(rule === undefined ? {} : { ruleId: rule.id }),
    };
    const subject = {
      pid: start.pid,
      ...(start.parents[0] === undefined ? {} : { ancestors: start.parents }),
      ...(start.sha256 === undefined ? {} : { sha256: start.sha256 }),
      binary: start.path,
    };
    const about: About = {
      domain: "process",
      operation: "start",
      subject,
      object: start.script === undefined ? start.path : `${start.path} -> ${start.script}`,
      argv: start.argv,
      ...(rule === undefined ? {} : { ruleId: rule.id }),
    };
    void this.#answer(question, about, (options) =>
      this.#registry.decideStart(start, { verdict: start.verdict, ...ruleParts(rule) }, options),
    );
  }

  onExpired({ question, gone }: MessageValues<"expired">): void {
    const open = this.#open.get(question);
    if (open === undefined) return;
    open.expired = gone ? "gone" : "deadline";
    open.controller.abort(new Error(gone ? "who asked is gone" : "the warden's deadline passed"));
    if (!gone) {
      this.#records.problem(new Error("A decision took longer than its hooks may: it was denied"));
    }
  }

  onDecided(values: MessageValues<"decided">): void {
    checkPaths([values.path, values.target, values.binary]);
    const reason = REASON_NAMES[values.reason] as keyof typeof CODES.reason | undefined;
    const rule = this.#rule(values.rule);
    const verdict = VERDICTS[values.verdict] ?? "deny";
    const path = Buffer.from(values.path).toString();
    const target = Buffer.from(values.target).toString();
    const decidedBy: DecidedBy = { kind: reason === "floor" ? "floor" : "policy" };
    this.#records.decision({
      domain: DOMAINS[values.domain] ?? "filesystem",
      operation: ACTIONS[values.action] ?? "unknown",
      subject: { pid: values.pid, binary: Buffer.from(values.binary).toString() },
      object: target === "" ? path : `${path} -> ${target}`,
      verdict,
      ...(rule === undefined ? {} : { ruleId: rule.id }),
      decidedBy,
      latencyMs: values.microseconds / 1000,
      reason: verdict === "allow" ? allowReason(rule) : REASONS[reason ?? "rule"],
      ...(values.count > 1 ? { count: values.count } : {}),
      ...(values.arguments.length > 0
        ? { argv: values.arguments.map((argument) => Buffer.from(argument).toString()) }
        : {}),
    });
  }

  /** Nobody waits any more. */
  close(): void {
    for (const { controller } of this.#open.values()) controller.abort(new Error("the sandbox has ended"));
    this.#open.clear();
  }

  #rule(number: number): NamedRule | undefined {
    return number === 0 ? undefined : this.#rules[number - 1];
  }

  async #answer({ question, stream: command }: Asked, about: About, decide: Decide): Promise<void> {
    const open: Open = { controller: new AbortController(), expired: undefined };
    this.#open.set(question, open);
    const onHold = (timeoutMs: number) => {
      this.link?.send(encodeMessage("hold", { question, timeoutMs: Math.ceil(timeoutMs) + HOLD_SLACK_MS }));
    };
    const decided = await settle(decide, { command, signal: open.controller.signal, onHold });
    this.#open.delete(question);
    if (open.expired === undefined) this.#send(question, decided);
    // What came too late was denied, and the warden has recorded that.
    else if (open.expired === "deadline") return;
    this.#records.decision({
      ...about,
      verdict: decided.verdict,
      decidedBy: decided.decidedBy,
      latencyMs: decided.latencyMs,
      reason: decided.reason,
    });
  }

  #send(question: number, decided: Decided): void {
    const { content } = decided;
    const allowed = decided.verdict === "allow";
    const substitute = allowed && content !== undefined;
    for (let at = 0; substitute && at < content.length; at += MAX_DATA_BYTES) {
      this.link?.send(encodeMessage("content", { question, bytes: content.subarray(at, at + MAX_DATA_BYTES) }));
    }
    this.link?.send(
      encodeMessage("answer", {
        question,
        verdict: allowed ? CODES.verdict.allow : CODES.verdict.deny,
        flags: substitute ? FLAGS.answer.substitute : 0,
      }),
    );
  }
}

/** The warden's patience goes on a little longer than the host's own deadline. */
const HOLD_SLACK_MS = 1000;

/** The chain never throws; if it did, that would be a denial. */
async function settle(decide: Decide, options: DecideOptions): Promise<Decided> {
  try {
    const decided = await decide(options);
    if ((decided.content?.length ?? 0) <= SUBSTITUTE_BYTES_MAX) return decided;
    return { ...failed, reason: `a hook gave more than ${SUBSTITUTE_BYTES_MAX} bytes to read` };
  } catch (error) {
    return { ...failed, reason: `the decision failed: ${String(error)}` };
  }
}

const OWN: Decided = { verdict: "allow", decidedBy: { kind: "policy" }, reason: "", latencyMs: 0 };

const failed: Decided = { verdict: "deny", decidedBy: { kind: "policy" }, reason: "", latencyMs: 0 };

/** PATH_MAX, and more paths than a question has. */
const PATH_BYTES_MAX = 4096;
const PATHS_MAX = 32;

/** What is recorded is kept: a warden that says more than there can be is not ours. */
function checkPaths(paths: readonly Uint8Array[]): void {
  if (paths.length > PATHS_MAX || paths.some(({ length }) => length >= PATH_BYTES_MAX)) {
    throw violation("a decision is about a path that is longer than any can be");
  }
}

/** A warden that asks about something else is not ours. */
function operationOf(action: number): FilesystemOperation {
  const name = ACTIONS[action];
  if (name === undefined || name === "start") throw violation(`a question is about the action ${action}`);
  return name;
}

function policyVerdict(code: number): "allow" | "ask" {
  return code === CODES.verdict.allow ? "allow" : "ask";
}

function ruleParts(rule: NamedRule | undefined): { ruleId?: string; defer?: string } {
  if (rule === undefined) return {};
  return { ruleId: rule.id, ...(rule.defer === undefined ? {} : { defer: rule.defer }) };
}

function allowReason(rule: NamedRule | undefined): string {
  return rule === undefined ? "nothing denies it" : `rule ${rule.id} allows it`;
}

function nameByCode<T extends Readonly<Record<string, number>>>(codes: T): readonly (keyof T & string)[] {
  const names: (keyof T & string)[] = [];
  for (const [name, code] of Object.entries(codes)) names[code] = name as keyof T & string;
  return names;
}
