/**
 * One attempt of a stage: a sandbox, its command, what it made, and whether that is well.
 *
 * @module
 */

import type { Sandbox } from "../sandbox/running.ts";
import { createSandbox } from "../sandbox.ts";
import { runChecks } from "./checks.ts";
import { collectOutputs } from "./collect.ts";
import { auditHead, sandboxFacts } from "./facts.ts";
import { StageFailure, stageFailure } from "./failure.ts";
import { pinnedImage, programFacts } from "./image.ts";
import type { Manifest, OutputManifests } from "./manifest.ts";
import type { AttemptFacts, CheckFacts } from "./result-types.ts";
import { isStdout } from "./rules.ts";
import { runCommand } from "./run-command.ts";
import type { RunContext } from "./run-context.ts";
import { scrubberOf } from "./scrubber.ts";
import { stageSandbox } from "./stage-sandbox.ts";
import type { Stage, StdoutOutput } from "./types.ts";
import { Workspace } from "./workspace.ts";

const TIMEOUT_MS = 600_000;
const STDOUT_BYTES_MAX = 1024 * 1024;

/** What an attempt came to. */
export interface Attempted {
  readonly facts: AttemptFacts;
  /** Absent where it failed. */
  readonly outputs?: OutputManifests;
}

type Draft = { -readonly [K in keyof AttemptFacts]: AttemptFacts[K] };

/** Makes an attempt. Rejects only when the run as a whole cannot go on: an abort, or a full disk. */
export async function attemptStage(
  context: RunContext,
  name: string,
  attempt: number,
  inputs: Manifest,
): Promise<Attempted> {
  const { definition, folder, policies, signal } = context;
  const stage = definition.stages[name] as Stage;
  const begun = performance.now();
  const facts: Draft = {
    attempt,
    startedAt: new Date().toISOString(),
    durationMs: 0,
    policyDigest: policies[name]?.digest ?? "",
    decisions: { allowed: 0, denied: 0, asked: 0 },
    denials: [],
    checks: [],
  };
  let outputs: OutputManifests | undefined;
  let scrub = (text: string) => text;
  const onSandbox = (sandbox: Sandbox) => {
    scrub = scrubberOf(sandbox);
  };
  try {
    outputs = await inSandbox({ context, name, stage, attempt, inputs, facts, onSandbox });
    const checks: CheckFacts[] = [];
    facts.checks = checks;
    await runChecks(context, { stage, outputs, scrub }, (check) => checks.push(check));
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = stageFailure(error, "sandbox").scrubbed(scrub);
    facts.failure = { code, reason: message };
  }
  const head = await auditHead(folder.auditLog(`${name}-${attempt}`));
  if (head !== undefined) facts.auditHead = head;
  facts.durationMs = Math.round(performance.now() - begun);
  return facts.failure === undefined && outputs !== undefined ? { facts, outputs } : { facts };
}

interface InSandbox {
  readonly context: RunContext;
  readonly name: string;
  readonly stage: Stage;
  readonly attempt: number;
  readonly inputs: Manifest;
  readonly facts: Draft;
  /** Called before anything runs in it. */
  onSandbox(sandbox: Sandbox): void;
}

async function inSandbox(parts: InSandbox): Promise<OutputManifests> {
  const { context, name, stage, attempt, inputs, facts, onSandbox } = parts;
  const { definition, folder, policies, signal } = context;
  await using workspace = await Workspace.make(folder, inputs);
  const options = stageSandbox(definition, stage);
  const image = await pinnedImage(options);
  // Also of one that does not come up.
  if (image !== undefined) facts.image = image;
  await using sandbox = await createSandbox(policies[name]?.policy ?? { version: 1 }, {
    ...options,
    ...(image === undefined ? {} : { image: image.id }),
    workspace: { path: workspace.path, mode: "copy" },
    audit: { file: folder.auditLog(`${name}-${attempt}`) },
    signal,
  });
  onSandbox(sandbox);
  try {
    const stdout = await runStage(parts, sandbox);
    const made = await collectOutputs({ sandbox, stage, workspace, inputs, store: folder.store, signal });
    return { ...made, ...(await storeStdout(context, stage, stdout)) };
  } finally {
    Object.assign(facts, sandboxFacts(sandbox), programFacts(options, image, sandbox));
  }
}

function stdoutOutputs({ outputs = {} }: Stage): (readonly [string, StdoutOutput])[] {
  return Object.entries(outputs).flatMap(([name, output]) => (isStdout(output) ? [[name, output] as const] : []));
}

/** Runs its command; what it printed. */
async function runStage({ context, name, stage, attempt, facts }: InSandbox, sandbox: Sandbox): Promise<Buffer> {
  const { timeoutMs = TIMEOUT_MS, command } = stage;
  const { signal } = context;
  if (typeof command === "function") return callFunction(parts(command), sandbox);
  const maxBytes = Math.max(0, ...stdoutOutputs(stage).map(([, output]) => output.maxBytes ?? STDOUT_BYTES_MAX));
  const ran = await runCommand(sandbox, command, { timeoutMs, signal, maxBytes: maxBytes + 1 });
  facts.exitCode = ran.exitCode;
  facts.signal = ran.signal;
  facts.stdoutTail = ran.stdoutTail;
  facts.stderrTail = ran.stderrTail;
  if (ran.timedOut) throw new StageFailure("timeout", `its command took longer than ${timeoutMs} ms`);
  if (ran.exitCode !== 0) {
    throw new StageFailure(
      "exit",
      `its command ${ran.exitCode === null ? `was ended by ${ran.signal}` : `exited with ${ran.exitCode}`}`,
    );
  }
  return ran.stdout;

  function parts(run: Exclude<Stage["command"], readonly string[]>): FunctionCall {
    return { run, stage: name, attempt, timeoutMs, signal };
  }
}

interface FunctionCall {
  readonly run: Exclude<Stage["command"], readonly string[]>;
  readonly stage: string;
  readonly attempt: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

async function callFunction(
  { run, stage, attempt, timeoutMs, signal }: FunctionCall,
  sandbox: Sandbox,
): Promise<Buffer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const both = AbortSignal.any([signal, timeout]);
  const over = new Promise<never>((_, reject) => {
    both.addEventListener("abort", () => reject(new Error("it was ended")), { once: true });
  });
  over.catch(() => undefined);
  try {
    const returned = await Promise.race([run({ sandbox, stage, attempt, signal: both }), over]);
    if (typeof returned === "string" || returned instanceof Uint8Array) return Buffer.from(returned as string);
    return returned === undefined ? Buffer.alloc(0) : Buffer.from(returned.stdoutBytes);
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) throw new StageFailure("timeout", `its function took longer than ${timeoutMs} ms`, error);
    throw stageFailure(error, "function");
  }
}

async function storeStdout({ folder }: RunContext, stage: Stage, stdout: Buffer): Promise<OutputManifests> {
  const found: Record<string, Manifest> = {};
  for (const [name, { maxBytes = STDOUT_BYTES_MAX }] of stdoutOutputs(stage)) {
    if (stdout.length > maxBytes) throw new StageFailure("too-large", `it printed more than ${maxBytes} bytes`);
    const { sha256, size } = await folder.store.put([stdout]);
    found[name] = [{ kind: "file", path: "stdout", mode: 0o644, size, sha256 }];
  }
  return found;
}
