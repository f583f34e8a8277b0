/**
 * `cofferdam attach`, `exec`, `ps` and `stop`: sandboxes in the background.
 *
 * @module
 */
import { displaySafe } from "../../audit/display.ts";
import { bridge } from "../control/bridge.ts";
import { ask, begin } from "../control/client.ts";
import { DetachKeys, parseKeys } from "../control/detach-keys.ts";
import { socketNames } from "../control/directory.ts";
import type { Message } from "../control/json-lines.ts";
import { clearName } from "../control/server.ts";
import { EXIT } from "../exit-codes.ts";
import { ExitError, UsageError } from "../failure.ts";
import { exitCodeOf } from "../run/exit-code.ts";
import { styleOf } from "../style.ts";
import { terminalSize } from "../terminal-size.ts";
import { aside, say, sayJson, table } from "../write.ts";

/** Joins this terminal to a program; its exit code, or 0 where the terminal left it. */
export async function attachTo(name: string, flags: { readonly detachKeys: string }): Promise<number> {
  const keys = new DetachKeys(parseKeys(flags.detachKeys));
  const terminal = isTerminal();
  const peer = await begin(name, "attach", terminal ? { terminal: terminalSize() } : {});
  const result = await bridge(peer, { terminal, keys });
  if (result !== undefined) return codeOf(result);
  aside(`\r\nDetached from ${name}: it goes on`);
  return EXIT.ok;
}

/** Runs another program in a sandbox; its exit code. */
export async function execIn(
  name: string,
  argv: readonly string[],
  flags: { readonly tty?: boolean; readonly env?: readonly string[] },
): Promise<number> {
  if (argv.length === 0) throw new UsageError("Cannot run nothing: name a program after --");
  const terminal = flags.tty !== false && isTerminal();
  const env = Object.fromEntries((flags.env ?? []).flatMap(variable));
  const peer = await begin(name, "exec", { argv, env, ...(terminal ? { terminal: terminalSize() } : {}) });
  try {
    return codeOf((await bridge(peer, { terminal })) ?? {});
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code !== "EXEC_FAILED") throw error;
    throw new ExitError(
      /ENOENT|not found|no such/i.test((error as Error).message) ? EXIT.notFound : EXIT.notExecutable,
      error,
    );
  }
}

function variable(text: string): [string, string][] {
  const at = text.indexOf("=");
  const value = at < 0 ? process.env[text] : text.slice(at + 1);
  return value === undefined ? [] : [[at < 0 ? text : text.slice(0, at), value]];
}

function isTerminal(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

function codeOf({ exitCode, signal }: Message): number {
  return exitCodeOf({
    exitCode: typeof exitCode === "number" ? exitCode : null,
    signal: typeof signal === "string" ? signal : null,
  });
}

/** How long an owner may take to say what it has, in milliseconds. */
const INFO_MS = 2000;

/** Lists what runs. What a killed owner left of itself is removed. */
export async function list(flags: { readonly json?: boolean }): Promise<void> {
  const all = await Promise.all(socketNames().map(factsOf));
  const known = all.filter((each) => each !== undefined);
  if (flags.json) return sayJson(known);
  if (known.length === 0) return aside("Nothing runs in the background.");
  const style = styleOf(process.stdout);
  const head = ["NAME", "RUNTIME", "SINCE", "ATTACHED", "PROGRAM"].map((text) => style("dim", text));
  const rows = known.map(({ name, runtime, startedAt, attached, argv, problem }) => [
    style("bold", displaySafe(String(name))),
    ...(problem === undefined
      ? [runtime, startedAt, attached].map((each) => displaySafe(String(each)))
      : [style("red", "?"), "", ""]),
    problem === undefined ? displaySafe((Array.isArray(argv) ? argv : []).join(" ")) : displaySafe(String(problem)),
  ]);
  for (const line of table([head, ...rows])) say(line);
}

async function factsOf(name: string): Promise<Message | undefined> {
  try {
    return await ask(name, "info", {}, INFO_MS);
  } catch (error) {
    if (await clearName(name)) return undefined;
    return { name, problem: (error as Error).message };
  }
}

/** How much longer than the grace an owner may take to clear away, in milliseconds. */
const CLEARING_MS = 60_000;

/** Ends sandboxes, one after the other. */
export async function stop(
  names: readonly string[],
  flags: { readonly time: number; readonly json?: boolean },
): Promise<void> {
  for (const name of names) {
    const result = await ask(name, "stop", { graceMs: flags.time }, flags.time + CLEARING_MS);
    if (flags.json) sayJson({ name, ...result });
    else say(result.killed === true ? `${name} (its program did not end by itself)` : name);
  }
}
