/**
 * One sandbox for all that claims say of the network and of models. Its policy is changed from one try to the next, which for these
 * is live, so the same programs try what a rule denies, and what becomes of it without the rule.
 *
 * @module
 */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { Plugin } from "../../hooks/mod.ts";
import type { NetworkRule, Policy } from "../../policy/types.ts";
import type { Sandbox } from "../../sandbox/running.ts";
import type { Command } from "../../sandbox/types.ts";
import { createSandbox } from "../../sandbox.ts";
import { type Outside, resolverOf } from "./outside.ts";
import type { ProbeResult, ProbeTask } from "./probe.ts";
import { answerTo } from "./questions.ts";
import type { ClaimRuntime, TrialResult } from "./results.ts";
import type { StandIns } from "./stand-ins.ts";
import { standInCredentials, standInProviders } from "./substitutes.ts";

/** What somebody is to do. */
export interface RemoteTask {
  /** The program, by its name. */
  readonly by: string;
  readonly task: ProbeTask;
}

/** What an arena is made from. */
export interface ArenaOptions {
  readonly runtime: Exclude<ClaimRuntime, "memory">;
  readonly standIns: StandIns;
  readonly outside: Outside;
  readonly plugins: readonly Plugin[];
  /** Every policy that is going to be in force. */
  readonly policies: readonly Policy[];
}

/** A sandbox that begins with nothing to reach has no certificates for what comes later. */
const KEPT: NetworkRule = {
  ...{ id: "claims-kept", host: "claims.invalid", binaries: ["claims"], http: { access: "read-only" } },
};

/** See above. */
export class Arena implements AsyncDisposable {
  readonly #options: ArenaOptions;
  readonly #programs = new Map<string, Promise<Program>>();
  #sandbox: Promise<Sandbox> | undefined;
  /** Which policy's hosts are somewhere. */
  #policy: Policy = { version: 1 };
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ArenaOptions) {
    this.#options = options;
  }

  /** Has them done under the policy, each by its program; the results in their order. */
  try(policy: Policy, tasks: readonly RemoteTask[]): Promise<readonly TrialResult[]> {
    const tried = this.#turn.then(() => this.#try(policy, tasks));
    this.#turn = tried.catch(() => undefined);
    return tried;
  }

  async #try(policy: Policy, tasks: readonly RemoteTask[]): Promise<readonly TrialResult[]> {
    this.#policy = policy;
    const inForce = this.#policyOf(policy);
    this.#sandbox ??= this.#open(inForce);
    const sandbox = await this.#sandbox;
    await sandbox.setPolicy(inForce);
    const results = new Map<RemoteTask, TrialResult>();
    const doers = [...new Set(tasks.map(({ by }) => by))];
    await Promise.all(
      doers.map(async (by) => {
        const own = tasks.filter((each) => each.by === by);
        const tried = await this.#by(sandbox, policy, by, own);
        for (const [index, each] of own.entries()) results.set(each, tried[index] ?? FORGOTTEN);
      }),
    );
    return tasks.map((each) => results.get(each) ?? FORGOTTEN);
  }

  async #by(sandbox: Sandbox, policy: Policy, by: string, own: readonly RemoteTask[]): Promise<TrialResult[]> {
    // No rule on programs is in force here: what may not start does not act.
    const { verdict, reason } = await answerTo({ ...policy, filesystem: {} }, { kind: "start", argv: [by] });
    if (policy.process !== undefined && verdict !== "allow") {
      return own.map(() => ({ outcome: "failed", said: `${by} does not start: ${reason}` }));
    }
    try {
      const program = this.#programs.get(by) ?? startProgram(sandbox, by, this.#options.standIns.module);
      this.#programs.set(by, program);
      const results = await (await program).do(own.map(({ task }) => task));
      return results.map(({ reached, said }) => ({ outcome: reached ? "done" : "denied", said }));
    } catch (error) {
      const said = `${by} did not act: ${error instanceof Error ? error.message : error}`;
      return own.map(() => ({ outcome: "failed", said }));
    }
  }

  #open(policy: Policy): Promise<Sandbox> {
    const { runtime, standIns, outside, plugins, policies } = this.#options;
    return createSandbox(policy, {
      ...{ runtime, plugins, certificates: outside.certificates, proxy: { all: outside.proxy } },
      ...(standIns.image === undefined ? {} : { image: standIns.image }),
      resolver: (host) => resolverOf(this.#policy)(host),
      credentials: standInCredentials(policies),
      inference: { providers: standInProviders(policies, outside) },
      env: { PATH: standIns.programs },
    });
  }

  /** What it says of hosts, models and credentials. */
  #policyOf({ network = {}, inference, credentials = [] }: Policy): Policy {
    const { outside, standIns } = this.#options;
    const providers =
      inference?.providers === undefined ? {} : { providers: standInProviders([{ version: 1, inference }], outside) };
    return {
      version: 1,
      filesystem: { read: [{ id: "claims-stand-ins", path: standIns.folder }] },
      network: { ...network, allow: [...(network.allow ?? []), KEPT] },
      ...(inference === undefined ? {} : { inference: { ...inference, ...providers } }),
      credentials,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#sandbox?.catch(() => undefined))?.stop();
  }
}

const FORGOTTEN: TrialResult = { outcome: "failed", said: "nothing came of it" };

/** A program that stands in for one, and acts until the sandbox ends. */
interface Program {
  do(tasks: readonly ProbeTask[]): Promise<readonly ProbeResult[]>;
}

async function startProgram(sandbox: Sandbox, name: string, module: string): Promise<Program> {
  const command: Command = await sandbox.spawn([name, module], {
    stdin: "pipe",
    env: { COFFERDAM_CLAIMS: "1" },
    cwd: "/tmp",
  });
  const complaints = new Response(command.stderr).text().catch(() => "");
  const lines = createInterface({ input: Readable.from(command.stdout) })[Symbol.asyncIterator]();
  return {
    do: async (tasks) => {
      await command.stdin.write(`${JSON.stringify(tasks)}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error((await complaints).slice(0, 200));
      return JSON.parse(value) as readonly ProbeResult[];
    },
  };
}
