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
import { canonicalJson } from "../../policy/digest.ts";
import type { PathGrant, Policy } from "../../policy/types.ts";
import type { SandboxOptions } from "../../sandbox/options.ts";
import type { Sandbox } from "../../sandbox/running.ts";
import { createSandbox } from "../../sandbox.ts";
import type { BuiltRecipe } from "../types.ts";
import type { Arena, RemoteTask } from "./arena.ts";
import { type Outside, resolverOf } from "./outside.ts";
import { memoryProbe, type ProbeResult } from "./probe.ts";
import { doerOf, programsOf, workspacePath } from "./questions.ts";
import type { TrialResult } from "./results.ts";
import type { Stage } from "./stage.ts";
import type { StandIns } from "./stand-ins.ts";
import { standInCredentials, standInProviders } from "./substitutes.ts";
import type { ClaimedAct } from "./types.ts";

/** What a trial needs. */
export interface TrialSetting {
  readonly built: BuiltRecipe;
  readonly policy: Policy;
  readonly acts: readonly ClaimedAct[];
  /** Of the workspace. */
  readonly files: Readonly<Record<string, string>>;
  readonly stage: Stage;
  /** Where hosts and models are tried. Undefined: in the same sandbox as everything else, in memory. */
  readonly arena: Arena | undefined;
  readonly plugins: readonly Plugin[];
  readonly outside: Outside;
}

/** Tries every act; the results in their order. */
export async function tryActs(setting: TrialSetting): Promise<readonly TrialResult[]> {
  const { acts, policy, arena, stage } = setting;
  const remote = acts.flatMap((act) => taskOf(setting, act));
  const here = acts.filter(({ kind }) => kind === "read" || kind === "write" || kind === "start");
  const [tried, triedHere] = await (arena === undefined
    ? inSandbox(setting, acts, async (sandbox) => {
        const all = await tryHere(sandbox, here, undefined);
        return [await tryInMemory(sandbox, remote), all] as const;
      })
    : Promise.all([
        remote.length === 0 ? [] : arena.try(policy, remote),
        here.length === 0
          ? []
          : stage.once(sameTrial(setting, here), () =>
              inSandbox(setting, here, (sandbox, standIns) => tryHere(sandbox, here, standIns)),
            ),
      ]));
  const results = new Map<ClaimedAct, TrialResult | undefined>([
    ...remote.map(({ act }, index) => [act, tried[index]] as const),
    ...here.map((act, index) => [act, triedHere[index]] as const),
  ]);
  return acts.map((act) => results.get(act) ?? FORGOTTEN);
}

/** Recipes that grant the same files are often claimed the same of, and one sandbox shows it of all of them. */
function sameTrial({ policy, files, built, plugins }: TrialSetting, here: readonly ClaimedAct[]): string | undefined {
  if (plugins.length > 0 || here.some(({ kind }) => kind === "start")) return undefined;
  return canonicalJson([policy.filesystem ?? {}, policy.process ?? {}, files, built.image ?? {}, here]);
}

async function inSandbox<T>(
  setting: TrialSetting,
  acts: readonly ClaimedAct[],
  act: (sandbox: Sandbox, standIns: StandIns | undefined) => Promise<T>,
): Promise<T> {
  const { stage, policy, built } = setting;
  const doers = [...new Set(acts.flatMap((each) => programsOf(policy, each)))];
  const standIns = await stage.standIns(built, doers);
  await using workspace = stage.runtime === "memory" ? undefined : await makeWorkspace(setting.files);
  await using sandbox = await openTrial(setting, doers, standIns, workspace?.path);
  return await act(sandbox, standIns);
}

const FORGOTTEN: TrialResult = { outcome: "failed", said: "nothing came of it" };

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
  { built, policy, files, stage, plugins, outside }: TrialSetting,
  doers: readonly string[],
  standIns: StandIns | undefined,
  workspace: string | undefined,
): Promise<Sandbox> {
  const options: SandboxOptions = {
    runtime: stage.runtime,
    plugins,
    proxy: { all: outside.proxy },
    certificates: outside.certificates,
    resolver: resolverOf(policy),
    credentials: standInCredentials([policy]),
    inference: { providers: standInProviders([policy], outside) },
  };
  const tried = trialPolicy(policy, outside, standIns);
  if (stage.runtime === "memory") {
    const programs = Object.fromEntries(doers.map((name) => [name, memoryProbe]));
    return createSandbox(tried, { ...options, guest: { files, programs }, env: built.env });
  }
  const path = [...(standIns === undefined ? [] : [standIns.programs]), built.env.PATH ?? PATH].join(":");
  const place = workspace === undefined ? {} : { workspace: { path: workspace, mode: "copy" as const } };
  const image = standIns?.image === undefined ? {} : { image: standIns.image };
  return createSandbox(tried, { ...options, ...place, ...image, env: { ...built.env, PATH: path } });
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The policy itself, but for what a machine may not have (limits), where models are, and the stand-ins, which are to be read. */
function trialPolicy(policy: Policy, outside: Outside, standIns: StandIns | undefined): Policy {
  const { process, inference, filesystem = {}, ...rest } = policy;
  const { limits: _, ...programs } = process ?? {};
  const folder = standIns === undefined ? [] : [{ id: "claims-stand-ins", path: standIns.folder }];
  const providers = inference?.providers === undefined ? {} : { providers: standInProviders([policy], outside) };
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

function taskOf({ policy }: TrialSetting, act: ClaimedAct): (RemoteTask & { readonly act: ClaimedAct })[] {
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

async function tryInMemory(sandbox: Sandbox, tasks: readonly RemoteTask[]): Promise<readonly TrialResult[]> {
  const results = new Map<RemoteTask, TrialResult>();
  for (const by of new Set(tasks.map((each) => each.by))) {
    const own = tasks.filter((each) => each.by === by);
    const env = { COFFERDAM_CLAIMS: JSON.stringify(own.map(({ task }) => task)) };
    try {
      const { stdout } = await sandbox.exec([by], { env, timeoutMs: 60_000 });
      const tried = JSON.parse(stdout) as readonly ProbeResult[];
      for (const [index, { reached, said }] of tried.entries()) {
        const each = own[index];
        if (each !== undefined) results.set(each, { outcome: reached ? "done" : "denied", said });
      }
    } catch (error) {
      const said = `${by} does not start: ${error instanceof Error ? error.message : error}`;
      for (const each of own) results.set(each, { outcome: "failed", said });
    }
  }
  return tasks.map((each) => results.get(each) ?? FORGOTTEN);
}

function loading(standIns: StandIns | undefined): Record<string, string> {
  return standIns === undefined ? {} : { NODE_OPTIONS: `--require=${JSON.stringify(standIns.module)}` };
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

async function tryHere(
  sandbox: Sandbox,
  acts: readonly ClaimedAct[],
  standIns: StandIns | undefined,
): Promise<TrialResult[]> {
  const results: TrialResult[] = [];
  for (const act of acts) {
    if (act.kind === "start") results.push(await tryStart(sandbox, act.argv, standIns));
    else if (act.kind === "read" || act.kind === "write") results.push(await tryFile(sandbox, act));
  }
  return results;
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
