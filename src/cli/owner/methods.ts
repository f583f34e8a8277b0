/**
 * What can be asked of the owner of a sandbox. `docs/cli.md` lists it.
 *
 * @module
 */
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { Command, CommandExit, Sandbox } from "../../mod.ts";
import type { JsonLines, Message } from "../control/json-lines.ts";
import type { ControlMethods } from "../control/server.ts";
import type { Interruption } from "../run/interruption.ts";
import type { OutputHub } from "./hub.ts";
import type { OwnerSettings } from "./settings.ts";

/** What the methods are about. */
export interface OwnedSandbox {
  readonly settings: OwnerSettings;
  readonly sandbox: Sandbox;
  readonly command: Command;
  readonly interruption: Interruption;
  readonly hub: OutputHub;
  /** Settles when all that the program printed was shown. */
  readonly shown: Promise<unknown>;
  /** Settles when nothing of the sandbox is left. */
  readonly over: Promise<void>;
}

/** What may wait for a viewer that is slow, in bytes. */
const WAITING_MAX = 4 * 2 ** 20;

const SIZE = z.strictObject({ rows: z.int().min(1).max(65_535), columns: z.int().min(1).max(65_535) });
const ATTACH = z.strictObject({ terminal: SIZE.optional() });
const STOP = z.strictObject({ graceMs: z.int().min(0).max(3_600_000) });
const EXEC = z.strictObject({
  argv: z.array(z.string()).min(1),
  terminal: SIZE.optional(),
  env: z.record(z.string(), z.string()).optional(),
});
const SAID = z.union([
  z.strictObject({ input: z.base64() }),
  z.strictObject({ end: z.literal(true) }),
  z.strictObject({ resize: SIZE }),
  z.strictObject({ signal: z.string().regex(/^SIG[A-Z0-9]{1,12}$/) }),
]);

/** All of them. */
export function ownerMethods(owned: OwnedSandbox): ControlMethods {
  const startedAt = new Date().toISOString();
  return {
    info: async () => info(owned, startedAt),
    stop: async (params) => stop(owned, STOP.parse(params).graceMs),
    attach: async (params, { signal, peer }) => attach(owned, ATTACH.parse(params).terminal, signal, peer),
    exec: async (params, { signal, peer }) => exec(owned, EXEC.parse(params), signal, peer),
  };
}

function info({ settings, sandbox, command, hub }: OwnedSandbox, startedAt: string): Message {
  const { name, argv, flags } = settings;
  return {
    name,
    sandbox: sandbox.id,
    runtime: sandbox.enforcement.runtime,
    policy: sandbox.policy.digest,
    argv,
    workspace: flags.workspace === false ? null : resolve(flags.workspace),
    pid: process.pid,
    programPid: command.pid,
    startedAt,
    attached: hub.viewers,
  };
}

/** The program is asked first; after the grace the sandbox ends under it. */
async function stop({ command, interruption, over }: OwnedSandbox, graceMs: number): Promise<Message> {
  command.signal("SIGTERM");
  const inTime = await Promise.race([command.exited.then(() => true), sleep(graceMs, false, { ref: false })]);
  if (!inTime) interruption.end("it was stopped");
  await over;
  return { stopped: true, killed: !inTime };
}

async function attach(
  { command, hub, shown }: OwnedSandbox,
  terminal: z.infer<typeof SIZE> | undefined,
  signal: AbortSignal,
  peer: JsonLines,
): Promise<Message> {
  if (terminal !== undefined) command.resize(terminal);
  const remove = hub.add((channel, bytes) => {
    void peer.send(output(channel, bytes));
    return !signal.aborted && peer.waiting <= WAITING_MAX;
  });
  try {
    const isOver = await Promise.race([command.exited.then(() => true), listen(peer, command).then(() => false)]);
    if (!isOver) throw new Error("the caller has gone");
    const exit = await command.exited;
    await shown;
    return exitFacts(exit);
  } finally {
    remove();
  }
}

async function exec(
  { sandbox }: OwnedSandbox,
  { argv, terminal, env = {} }: z.infer<typeof EXEC>,
  signal: AbortSignal,
  peer: JsonLines,
): Promise<Message> {
  await using command = await sandbox.spawn(argv, {
    ...(terminal === undefined ? { stdin: "pipe" } : { pty: terminal }),
    env,
    signal,
  });
  void listen(peer, command);
  for await (const { channel, bytes } of command) await peer.send(output(channel, bytes));
  return exitFacts(await command.exited);
}

/** What the caller says to the program. Anything else than that is the end of the call. */
async function listen(peer: JsonLines, command: Command): Promise<void> {
  try {
    for (let message = await peer.next(); message !== undefined; message = await peer.next()) {
      const said = SAID.parse(message);
      if ("input" in said) await command.stdin.write(Buffer.from(said.input, "base64"));
      else if ("end" in said) command.stdin.end();
      else if ("resize" in said) command.resize(said.resize);
      else command.signal(said.signal);
    }
  } catch {
    peer.destroy();
  }
}

function output(channel: "stdout" | "stderr", bytes: Uint8Array): Message {
  return { [channel]: Buffer.from(bytes).toString("base64") };
}

function exitFacts({ exitCode, signal, timedOut }: CommandExit): Message {
  return { exitCode, signal, timedOut };
}
