/**
 * The process that owns a sandbox in the background: it starts it, answers on its socket, and ends with it.
 *
 * @module
 */
import { writeSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createApprovalBroker } from "../../approvals/broker.ts";
import { promised } from "../../sandbox/promised.ts";
import { joinClaim, type NameClaim } from "../control/claim.ts";
import { type ControlServer, serveControl } from "../control/server.ts";
import { failureOf } from "../failure.ts";
import type { Carrier } from "../run/carrier.ts";
import { runSandbox } from "../run/run.ts";
import { approvalMethods } from "./approval-methods.ts";
import { OutputHub } from "./hub.ts";
import { logWriter } from "./log.ts";
import { ownerMethods } from "./methods.ts";
import type { OwnerOrder, OwnerSettings, OwnerWord } from "./settings.ts";

/** How long the output of what a program left behind is waited for, in milliseconds. */
const LINGER_MS = 500;

/** Owns the one that the process which started this one says. Its error output is the log. */
export async function own(): Promise<number> {
  const { starter, ...settings } = JSON.parse(await text(process.stdin)) as OwnerOrder;
  const claim = joinClaim(settings.name, starter);
  const tell = (word: OwnerWord) => void writeSync(1, `${JSON.stringify(word)}\n`);
  return ownHere(settings, { claim, log: 2, tell });
}

/** What an owner has at its beginning. */
export interface OwnerPlace {
  /** Of its name: given up at the end. */
  readonly claim: NameClaim;
  /** Of what is logged: a descriptor. */
  readonly log: number;
  /** Hears once whether it runs. */
  tell(word: OwnerWord): void;
}

/** Owns one; the exit code. */
export async function ownHere(settings: OwnerSettings, { claim, log, tell }: OwnerPlace): Promise<number> {
  const { name, argv, flags, size } = settings;
  const over = promised<void>();
  let server: ControlServer | undefined;
  let hasSpoken = false;
  const speak = (word: OwnerWord) => {
    if (hasSpoken) return;
    hasSpoken = true;
    tell(word);
  };
  const broker = createApprovalBroker();
  const carrier: Carrier = {
    approve: broker.approve,
    terminal: flags.tty === false ? undefined : size,
    input: "ignore",
    carry: async (sandbox, command, interruption) => {
      const hub = new OutputHub(logWriter(name, log));
      // What was left running may hold the output open for as long as it likes.
      const shown = Promise.race([showAll(command, hub), command.exited.then(() => sleep(LINGER_MS))]).catch(
        () => undefined,
      );
      const owned = { settings, sandbox, command, interruption, hub, shown, over: over.promise };
      const methods = { ...ownerMethods(owned), ...approvalMethods(broker) };
      server = await serveControl(name, methods);
      speak({ ready: { name, sandbox: sandbox.id, runtime: sandbox.enforcement.runtime, pid: process.pid } });
      const settle = interruption.passTo((signal) => command.signal(signal));
      const kill = () => void command.kill();
      interruption.signal.addEventListener("abort", kill, { once: true });
      const exit = await command.exited;
      await shown;
      settle();
      return exit;
    },
  };
  try {
    return await runSandbox(argv, flags, carrier);
  } catch (error) {
    const failure = failureOf(error);
    speak({ failed: failure });
    throw error;
  } finally {
    // Before anybody hears that it is over: the name is free then.
    const closed = server?.close();
    claim.release();
    over.resolve();
    await closed;
  }
}

async function showAll(output: Parameters<Carrier["carry"]>[1], hub: OutputHub): Promise<void> {
  for await (const { channel, bytes } of output) hub.write(channel, bytes);
}
