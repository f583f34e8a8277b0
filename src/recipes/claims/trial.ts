/**
 * A sandbox in which claimed acts are tried.
 *
 * @module
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SandboxError } from "../../errors.ts";
import type { Plugin } from "../../hooks/mod.ts";
import type { InferenceProvider, PathGrant, Policy } from "../../policy/types.ts";
import type { SandboxOptions } from "../../sandbox/options.ts";
import type { Sandbox } from "../../sandbox/running.ts";
import { createSandbox } from "../../sandbox.ts";
import type { BuiltRecipe } from "../types.ts";
import { type Outside, resolverOf } from "./outside.ts";
import { memoryProbe, type ProbeResult, type ProbeTask } from "./probe.ts";
import { doerOf, workspacePath } from "./questions.ts";
import { STAND_IN_PROVIDER } from "./relax.ts";
import { makeStandIns, type StandIns } from "./stand-ins.ts";
import type { ClaimedAct } from "./types.ts";

/** What came of an act. `failed`: neither allowed nor denied, so nothing is shown. */
export interface TrialResult {
  readonly outcome: "done" | "denied" | "failed";
  readonly said: string;
}

/** What a trial needs. */
export interface TrialSetting {
  readonly built: BuiltRecipe;
  readonly policy: Policy;
  readonly acts: readonly ClaimedAct[];
  /** Of the workspace. */
  readonly files: Readonly<Record<string, string>>;
  readonly runtime: "local" | "memory";
  readonly plugins: readonly Plugin[];
  readonly outside: Outside;
}

/** Tries every act in one sandbox; the results in their order. */
export async function tryActs(setting: TrialSetting): Promise<readonly TrialResult[]> {
  const { runtime, acts, policy } = setting;
  const doers = [...new Set(acts.flatMap((act) => programsOf(policy, act)))];
  const standIns = runtime === "local" && doers.length > 0 ? await makeStandIns(doers) : undefined;
  await using workspace = runtime === "local" ? await makeWorkspace(setting.files) : undefined;
  await using sandbox = await openTrial(setting, doers, standIns, workspace?.path);
  const results = new Map<ClaimedAct, TrialResult>();
  const remote = acts.flatMap((act) => taskOf(setting, act));
  const trying = [...new Set(remote.map(({ by }) => by))].map(async (doer) => {
    const own = remote.filter(({ by }) => by === doer);
    const tasks = own.map(({ task }) => task);
    const tried = await tryRemote(sandbox, doer, tasks, standIns);
    for (const [index, { act }] of own.entries()) results.set(act, tried[index] ?? FORGOTTEN);
  });
  for (const act of acts) {
    if (act.kind === "read" || act.kind === "write") results.set(act, await tryFile(sandbox, act));
    else if (act.kind === "start") results.set(act, await tryStart(sandbox, act.argv, standIns));
  }
  await Promise.all(trying);
  return acts.map((act) => results.get(act) ?? FORGOTTEN);
}

const FORGOTTEN: TrialResult = { outcome: "failed", said: "nothing came of it" };

function programsOf(policy: Policy, act: ClaimedAct): string[] {
  if (act.kind === "read" || act.kind === "write") return [];
  const name = act.kind === "start" ? (act.argv[0] ?? "") : doerOf(policy, act);
  return name === "" || name.includes("/") ? [] : [name];
}

async function makeWorkspace(
  files: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "cofferdam-claims-"));
  await chmod(path, 0o755);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(path, dirname(name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function openTrial(
  { built, policy, files, runtime, plugins, outside }: TrialSetting,
  doers: readonly string[],
  standIns: StandIns | undefined,
  workspace: string | undefined,
): Promise<Sandbox> {
  const options: SandboxOptions = {
    runtime,
    plugins,
    proxy: { all: outside.proxy },
    certificates: outside.certificates,
    resolver: resolverOf(policy),
    credentials: Object.fromEntries(
      (policy.credentials ?? []).map(({ name, provider }) => [name ?? provider ?? "", () => "stand-in-credential"]),
    ),
    inference: { providers: standInProviders(policy, outside) },
  };
  const tried = trialPolicy(policy, outside, standIns);
  if (runtime === "memory") {
    const programs = Object.fromEntries(doers.map((name) => [name, memoryProbe]));
    return createSandbox(tried, { ...options, guest: { files, programs }, env: built.env });
  }
  const path = [...(standIns === undefined ? [] : [standIns.programs]), built.env.PATH ?? PATH].join(":");
  const place = workspace === undefined ? {} : { workspace: { path: workspace, mode: "copy" as const } };
  return createSandbox(tried, { ...options, ...place, env: { ...built.env, PATH: path } });
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The policy itself, but for what a machine may not have (limits), where models are, and the stand-ins, which are to be read. */
function trialPolicy(policy: Policy, outside: Outside, standIns: StandIns | undefined): Policy {
  const { process, inference, filesystem = {}, ...rest } = policy;
  const { limits: _, ...programs } = process ?? {};
  const folder = standIns === undefined ? [] : [{ id: "claims-stand-ins", path: standIns.folder }];
  const providers = inference?.providers === undefined ? {} : { providers: standInProviders(policy, outside) };
  return {
    ...rest,
    filesystem: {
      ...filesystem,
      read: [...(filesystem.read ?? []).map(optionalAtHome), ...folder],
      write: (filesystem.write ?? []).map(optionalAtHome),
    },
    ...(process === undefined ? {} : { process: programs }),
    ...(inference === undefined ? {} : { inference: { ...inference, ...providers } }),
  };
}

/** A folder of the home is a volume's, and there is none. */
function optionalAtHome(grant: string | PathGrant): string | PathGrant {
  const { path, ...rest } = typeof grant === "string" ? { path: grant } : grant;
  return path.startsWith("~") ? { ...rest, path, optional: true } : grant;
}

function standInProviders({ inference = {} }: Policy, { models }: Outside): Record<string, InferenceProvider> {
  const routes = inference.routes ?? [];
  const names = routes.flatMap(({ provider, fallbacks = [] }) => [provider, ...fallbacks.map((each) => each.provider)]);
  const entries = [...names, ...Object.keys(inference.providers ?? {}), STAND_IN_PROVIDER].map(
    (name): [string, InferenceProvider] => {
      const isAnthropic = (inference.providers?.[name]?.kind ?? name) === "anthropic";
      return [name, isAnthropic ? { kind: "anthropic", baseUrl: models } : { kind: "openai", baseUrl: `${models}/v1` }];
    },
  );
  return Object.fromEntries(entries);
}

interface RemoteTask {
  readonly act: ClaimedAct;
  readonly by: string;
  readonly task: ProbeTask;
}

function taskOf({ policy }: TrialSetting, act: ClaimedAct): RemoteTask[] {
  const by = doerOf(policy, act);
  switch (act.kind) {
    case "connect":
      return [{ act, by, task: { kind: "connect", host: act.host, port: act.port } }];
    case "http": {
      const { method, url, headers = {}, body } = act;
      return [{ act, by, task: { kind: "http", method, url, headers, ...(body === undefined ? {} : { body }) } }];
    }
    case "model": {
      const body = JSON.stringify({ model: act.model, max_tokens: 8, messages: [{ role: "user", content: "ok?" }] });
      const headers = { "content-type": "application/json" };
      return [
        {
          act,
          by,
          task: { kind: "http", method: "POST", url: "http://inference.local/v1/chat/completions", headers, body },
        },
      ];
    }
    default:
      return [];
  }
}

async function tryRemote(
  sandbox: Sandbox,
  program: string,
  tasks: readonly ProbeTask[],
  standIns: StandIns | undefined,
): Promise<readonly TrialResult[]> {
  try {
    const { stdout, stderr } = await sandbox.exec([program], {
      env: { COFFERDAM_CLAIMS: JSON.stringify(tasks), ...loading(standIns) },
      timeoutMs: 60_000,
    });
    if (!stdout.startsWith("["))
      return tasks.map(() => ({ outcome: "failed", said: `${program} did not act: ${stderr.slice(0, 200)}` }));
    const results = JSON.parse(stdout) as readonly ProbeResult[];
    return results.map(({ reached, said }) => ({ outcome: reached ? "done" : "denied", said }));
  } catch (error) {
    const said = `${program} does not start: ${error instanceof Error ? error.message : error}`;
    return tasks.map(() => ({ outcome: "failed", said }));
  }
}

function loading(standIns: StandIns | undefined): Record<string, string> {
  return standIns === undefined ? {} : { NODE_OPTIONS: `--import=file://${standIns.module}` };
}

async function tryStart(
  sandbox: Sandbox,
  argv: readonly string[],
  standIns: StandIns | undefined,
): Promise<TrialResult> {
  try {
    await sandbox.exec(argv, { env: loading(standIns), timeoutMs: 60_000 });
    return { outcome: "done", said: "it started" };
  } catch (error) {
    if (!SandboxError.is(error, "EXEC_FAILED")) throw error;
    return { outcome: error.details.errno === "EACCES" ? "denied" : "failed", said: error.message };
  }
}

async function tryFile(sandbox: Sandbox, { kind, path }: ClaimedAct & { readonly path: string }): Promise<TrialResult> {
  const place = workspacePath(path).replace(/^~/, "/home/agent");
  try {
    if (kind === "read") await sandbox.files.read(place);
    else await sandbox.files.write(place, "claimed\n", { createParents: true });
    return { outcome: "done", said: "it was done" };
  } catch (error) {
    if (!SandboxError.is(error)) throw error;
    // What no rule grants is not there at all, on some runtimes.
    if (["FILE_DENIED", "FILE_MISSING"].includes(error.code)) return { outcome: "denied", said: error.message };
    const isRefused =
      SandboxError.is(error, "FILE_FAILED") && ["EROFS", "EPERM", "EACCES"].includes(error.details.errno);
    return { outcome: isRefused ? "denied" : "failed", said: error.message };
  }
}
