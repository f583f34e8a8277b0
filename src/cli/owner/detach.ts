/**
 * `cofferdam run --detach`: starts the process that owns the sandbox, and waits until it is on its own.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { claimName } from "../control/claim.ts";
import { checkName } from "../control/directory.ts";
import { removeStale } from "../control/server.ts";
import { EXIT } from "../exit-codes.ts";
import { ExitError, HintedError, UsageError } from "../failure.ts";
import type { RunFlags } from "../run/flags.ts";
import { terminalSize } from "../terminal-size.ts";
import { aside, say, sayJson } from "../write.ts";
import { createLog } from "./log.ts";
import type { OwnerOrder, OwnerSettings, OwnerWord } from "./settings.ts";

/** Starts it; the exit code says whether it runs. */
export async function detach(argv: readonly string[], flags: RunFlags): Promise<number> {
  refuseQuestions(flags);
  const name = checkName(flags.name ?? randomBytes(4).toString("hex"));
  const settings: OwnerSettings = { name, argv, flags, size: terminalSize() };
  if (flags.foreground) return stay(settings);
  const word = await startOwner(settings);
  if ("failed" in word) {
    const { message, hint, exitCode } = word.failed;
    throw new ExitError(exitCode, new HintedError(message, hint));
  }
  if (flags.json) sayJson(word.ready);
  else {
    say(name);
    if (!flags.quiet) aside(`It runs in the background: cofferdam attach ${name}, logs ${name}, stop ${name}`);
  }
  return EXIT.ok;
}

/** This process is the owner: whoever started it, a service manager, takes care of it. */
async function stay(settings: OwnerSettings): Promise<number> {
  const { ownHere } = await import("./own.ts");
  const claim = claimName(settings.name);
  await requireFree(settings.name);
  return ownHere(settings, { claim, log: createLog(settings.name), tell: () => undefined });
}

/** Nobody can be asked when the program ends. */
function refuseQuestions({ apply, discard, patch, mode, workspace }: RunFlags): void {
  const decided = apply !== undefined || discard === true || patch !== undefined;
  if (decided || mode === "mount" || workspace === false) return;
  throw new UsageError(
    "--detach can ask nobody what becomes of the changes: say --apply, --patch or --discard, or --mode mount",
  );
}

/** For who has claimed the name. */
async function requireFree(name: string): Promise<void> {
  if (!(await removeStale(name))) throw new UsageError(`There is a sandbox "${name}" already`);
}

/** Settles when it runs, and the name is its own, or says why it does not. */
async function startOwner(settings: OwnerSettings): Promise<OwnerWord> {
  const claim = claimName(settings.name);
  try {
    await requireFree(settings.name);
    return await spawnOwner({ ...settings, starter: claim.holder });
  } finally {
    claim.release();
  }
}

/** In a session of its own, without this terminal. */
async function spawnOwner(settings: OwnerOrder): Promise<OwnerWord> {
  const log = createLog(settings.name);
  const program = [...process.execArgv, process.argv[1] ?? "", "own"];
  const owner = spawn(process.execPath, program, { detached: true, stdio: ["pipe", "pipe", log] });
  closeSync(log);
  const kill = () => owner.kill("SIGKILL");
  // Until it is on its own it ends with this process.
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, kill);
  try {
    const [stdin, stdout] = [owner.stdin, owner.stdout];
    if (stdin === null || stdout === null) throw new Error("the owner has no pipes");
    stdin.on("error", () => undefined);
    // Not as arguments: those are everybody's to read.
    stdin.end(JSON.stringify(settings));
    let said = "";
    stdout.setEncoding("utf8");
    for await (const piece of stdout) {
      said += piece;
      if (said.endsWith("\n")) break;
    }
    if (said !== "") {
      owner.unref();
      return JSON.parse(said) as OwnerWord;
    }
    if (owner.exitCode === null && owner.signalCode === null) await once(owner, "exit");
    const how = owner.signalCode ?? `exit code ${owner.exitCode}`;
    const message = `The process that was to own the sandbox ended (${how}): see cofferdam logs ${settings.name}`;
    return { failed: { message, exitCode: EXIT.sandbox } };
  } finally {
    for (const signal of signals) process.off(signal, kill);
  }
}
