/**
 * `cofferdam doctor`.
 *
 * @module
 */
import { arch, platform, release } from "node:os";
import { userName } from "../../approvals/user-name.ts";
import { createSandbox, type Enforcement, type Policy, SandboxError } from "../../mod.ts";
import { EXIT } from "../exit-codes.ts";
import { isUnderWay } from "../run/progress.ts";
import { type Style, styleOf } from "../style.ts";
import { packageVersion } from "../version.ts";
import { say, sayJson, table } from "../write.ts";

/** What came of trying a runtime. */
interface Trial {
  readonly runtime: "local" | "docker";
  readonly works: boolean;
  /** Of a sandbox with a rule finer than the floor, so that everything is asked of the machine. */
  readonly enforcement?: Enforcement;
  /** From the call to the end of `true`, in milliseconds. */
  readonly durationMs?: number;
  /** Whether limits of memory, processors and processes can be held. */
  readonly limits?: { readonly held: boolean; readonly reason?: string };
  readonly problem?: string;
  readonly hint?: string;
}

const POLICY: Policy = {
  version: 1,
  filesystem: { write: ["."], deny: ["**/.env"] },
  process: { deny: [{ binary: "sudo" }] },
  network: { allow: [{ host: "example.com", ports: [443] }] },
};

const LIMITED: Policy = { version: 1, process: { limits: { memory: "256MiB", pids: 64 } } };

/** Tries both runtimes; the exit code says whether one of them works. */
export async function doctor(flags: { readonly json?: boolean }): Promise<number> {
  const trials: Trial[] = [];
  for (const runtime of ["local", "docker"] as const) {
    trials.push(await isUnderWay(`Trying ${runtime}`, tryRuntime(runtime), flags));
  }
  const machine = {
    cofferdam: packageVersion(),
    runtime: runtimeOfThisProcess(),
    system: `${platform()} ${release()} ${arch()}`,
    user: userName(),
  };
  if (flags.json) sayJson({ ...machine, runtimes: trials });
  else for (const line of lines(machine, trials)) say(line);
  return trials.some(({ works }) => works) ? EXIT.ok : EXIT.problem;
}

async function tryRuntime(runtime: Trial["runtime"]): Promise<Trial> {
  const begun = performance.now();
  try {
    await using sandbox = await createSandbox(POLICY, { runtime });
    await sandbox.exec(["true"], { check: true });
    const durationMs = Math.round(performance.now() - begun);
    return { runtime, works: true, enforcement: sandbox.enforcement, durationMs, limits: await tryLimits(runtime) };
  } catch (error) {
    const hint = SandboxError.is(error) ? error.hint : undefined;
    return { runtime, works: false, problem: (error as Error).message, ...(hint === undefined ? {} : { hint }) };
  }
}

async function tryLimits(runtime: Trial["runtime"]): Promise<NonNullable<Trial["limits"]>> {
  try {
    await using _ = await createSandbox(LIMITED, { runtime });
    return { held: true };
  } catch (error) {
    return { held: false, reason: (error as Error).message };
  }
}

function runtimeOfThisProcess(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `bun ${bun}`;
  return deno === undefined ? `node ${node}` : `deno ${deno}`;
}

function lines(machine: Readonly<Record<string, string>>, trials: readonly Trial[]): string[] {
  const style = styleOf(process.stdout);
  const facts = table(Object.entries(machine).map(([name, value]) => [style("dim", name), value]));
  return [...facts, ...trials.flatMap((trial) => ["", ...trialLines(trial, style)])];
}

function trialLines({ runtime, works, enforcement, durationMs, limits, problem, hint }: Trial, style: Style): string[] {
  const title = style("bold", runtime);
  if (!works || enforcement === undefined) {
    return [`${style("red", "no")} ${title}: ${problem}`, ...(hint === undefined ? [] : [style("dim", `  ${hint}`)])];
  }
  const { mode, programs, landlockAbi, network, user, notes } = enforcement;
  return [
    `${style("green", "ok")} ${title}: a sandbox ran a program in ${durationMs} ms`,
    ...table([
      ["  files", `${mode} (Landlock ABI ${landlockAbi})`],
      ["  programs", programs],
      ["  network", network],
      ["  user inside", `${user.uid}:${user.gid}`],
      ["  limits", limits?.held ? "held" : `${style("yellow", "not held")}: ${limits?.reason}`],
      ...notes.map((text): string[] => ["  note", text]),
    ]),
  ];
}
