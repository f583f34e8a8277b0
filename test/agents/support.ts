/**
 * Claude Code and Codex in a sandbox, before models that a script speaks for.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import {
  type CredentialSource,
  createSandbox,
  type ExecResult,
  type Policy,
  runtimeProblem,
  type Sandbox,
  type SandboxOptions,
} from "../../src/mod.ts";
import { traces } from "../conformance/credential-scene.ts";
import { ROOT } from "../house/tree.ts";
import { type ModelServer, modelServer, type Reply } from "../inference/model-server.ts";

const PROGRAMS = join(ROOT, ".cache/agents/bin");

/** Where agents run. */
export type Where = "local" | "docker";

/** Whether an image holds them, on an engine that answers. */
export const places: readonly Where[] =
  (await runtimeProblem("docker")) === undefined ? ["local", "docker"] : ["local"];

if (!existsSync(join(PROGRAMS, "claude"))) {
  throw new Error("The agents are not installed: run scripts/setup-agents.sh");
}
if (places.length === 1 && process.env.CI === "true") throw new Error("No Docker engine answers");

const endings: (() => unknown)[] = [];

/** Does something when the test is over. */
export const defer = (end: () => unknown): void => void endings.push(end);

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A model that listens. */
export async function model(reply: Reply): Promise<ModelServer> {
  const server = await modelServer(reply);
  endings.push(() => server.close());
  return server;
}

/** An agent, and what it is held to. */
export interface AgentRun {
  readonly where: Where;
  readonly argv: readonly [program: "claude" | "codex", ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly policy: Pick<Policy, "inference" | "credentials" | "network">;
  readonly credentials: Readonly<Record<string, CredentialSource>>;
  readonly options?: SandboxOptions;
  /** What happens in the sandbox before it starts. */
  before?(sandbox: Sandbox): Promise<unknown>;
}

/** What came of it. */
export interface Ran {
  readonly sandbox: Sandbox;
  readonly result: ExecResult;
  /** The audit log. */
  readonly log: string;
}

/** What agents start beside themselves, what the script of the model runs, and what looks for secrets afterwards. */
const ALLOWED = ["sh", "bash", "cat", "uname", "git", "grep", "sleep"];

/** Runs it in a copy of a folder with one file: `notes.txt`, which says "before". */
export async function runAgent({ where, argv, env, policy, credentials, options, before }: AgentRun): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), "cofferdam-agents-"));
  endings.push(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "notes.txt"), "before\n");
  const log = `${folder}-audit.jsonl`;
  endings.push(() => rmSync(log, { force: true }));
  const [name, ...args] = argv;
  const programs = where === "local" ? PROGRAMS : "/usr/local/bin";
  const sandbox = await createSandbox(
    {
      version: 1,
      filesystem: { write: ["."], ...(where === "local" ? { read: [PROGRAMS] } : {}) },
      process: { allow: [`${programs}/*`, ...ALLOWED] },
      ...policy,
    },
    {
      workspace: folder,
      credentials,
      audit: { file: log },
      ...(where === "local" ? { runtime: where } : { runtime: where, image: "cofferdam-test-agents:latest" }),
      // Claude Code takes zsh where it finds one.
      env: { SHELL: "/bin/bash", ...env },
      ...options,
    },
  );
  endings.push(() => sandbox.stop());
  await before?.(sandbox);
  const result = await sandbox.exec([join(programs, name), ...args], { timeoutMs: 120_000 });
  expect(result.exitCode, `the agent failed: ${result.stderr.slice(-2000)}`).toBe(0);
  return { sandbox, result, log };
}

/** The programs that were started, each once, and what became of it. */
export function starts(sandbox: Sandbox): Readonly<Record<string, string>> {
  const decisions = sandbox.decisions().filter(({ domain }) => domain === "process");
  return Object.fromEntries(decisions.map(({ object, verdict }) => [object.replace(/^.*\//, ""), verdict]));
}

/** The calls to models, as they are recorded. */
export function calls(sandbox: Sandbox): readonly object[] {
  return sandbox
    .decisions()
    .filter(({ domain }) => domain === "inference")
    .map(({ object, verdict, inference }) => ({ object, verdict, ...inference }));
}

/** Says that nothing of a secret is anywhere in the sandbox, nor in what the host keeps of it. */
export async function expectNoTrace(
  { sandbox, result, log }: Ran,
  where: Where,
  ...secrets: readonly string[]
): Promise<void> {
  expect(await traces({ place: { docker: where === "docker" } }, sandbox, secrets, [log])).toEqual([]);
  for (const secret of secrets) expect(result.stdout + result.stderr).not.toContain(secret.slice(8));
  expect(readFileSync(log, "utf8")).toContain('"start"');
}
