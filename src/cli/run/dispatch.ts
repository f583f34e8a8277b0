/**
 * `cofferdam run`: here, or in the background.
 *
 * @module
 */
import { UsageError } from "../failure.ts";
import { terminalSize } from "../terminal-size.ts";
import { attach } from "./attach.ts";
import type { Carrier } from "./carrier.ts";
import type { RunFlags } from "./flags.ts";
import { runSandbox } from "./run.ts";

/** Runs a program here, or leaves it to a process in the background; the exit code. */
export async function run(typed: readonly string[], flags: RunFlags): Promise<number> {
  refuseContradictions(flags);
  const argv = typed.length === 0 ? await commandOf(flags) : typed;
  if (flags.unit) return (await import("../owner/unit.ts")).writeUnit(flags);
  if (flags.detach || flags.foreground) return (await import("../owner/detach.ts")).detach(argv, flags);
  return runSandbox(argv, flags, here(flags));
}

/** The recipe's own, where nobody typed one. */
async function commandOf(flags: RunFlags): Promise<readonly string[]> {
  const command =
    flags.recipe === undefined ? undefined : await (await import("../recipe/input.ts")).recipeCommand(flags);
  if (command !== undefined) return command;
  throw new UsageError("missing required argument 'command': name the program after --");
}

/** In this terminal, or with these pipes. */
function here(flags: RunFlags): Carrier {
  const isTerminal = flags.tty !== false && process.stdin.isTTY === true && process.stdout.isTTY === true;
  return {
    terminal: isTerminal ? terminalSize() : undefined,
    input: "pipe",
    carry: (_, command, interruption) => attach(command, isTerminal, interruption),
  };
}

function refuseContradictions({
  apply,
  discard,
  patch,
  mode,
  workspace,
  detach,
  foreground,
  unit,
  name,
  ...rest
}: RunFlags): void {
  if (rest.recipe === undefined) {
    const unused = (["with", "param", "params", "lock"] as const).find((flag) => rest[flag] !== undefined);
    if (unused !== undefined) throw new UsageError(`--${unused} needs a --recipe`);
  }
  if (name !== undefined && !(detach || foreground || unit)) {
    throw new UsageError("--name is for --detach and --unit: what runs here needs none");
  }
  if (apply !== undefined && discard) throw new UsageError("--apply and --discard exclude each other");
  if (mode !== "mount" && workspace !== false) return;
  const unused = Object.entries({ "--apply": apply, "--patch": patch }).find(([, value]) => value !== undefined);
  if (unused === undefined) return;
  const why = mode === "mount" ? "a mounted folder is changed at once" : "there is no folder";
  throw new UsageError(`${unused[0]} has nothing to review: ${why}`);
}
