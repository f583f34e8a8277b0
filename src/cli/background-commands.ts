/**
 * The commands for sandboxes in the background.
 *
 * @module
 */
import type { Command } from "commander";
import { append, duration } from "./values.ts";

/** Adds them. */
export function addBackground(program: Command): void {
  program
    .command("ps")
    .summary("list the sandboxes in the background")
    .description("Lists the sandboxes that run in the background.")
    .option("--json", "print JSON, for machines")
    .action(async (flags: { json?: boolean }) => {
      const { list } = await import("./commands/background.ts");
      await list(flags);
    });
  program
    .command("attach")
    .summary("join this terminal to one of them")
    .description("Joins this terminal to the program of a sandbox in the background.")
    .argument("<name>", "as cofferdam ps says")
    .option("--detach-keys <keys>", "the keys that leave it", "ctrl-p,ctrl-q")
    .action(async (name: string, flags: { detachKeys: string }) => {
      const { attachTo } = await import("./commands/background.ts");
      process.exitCode = await attachTo(name, flags);
    });
  program
    .command("exec")
    .summary("run another program in one of them")
    .description("Runs another program in a sandbox in the background, under the same policy.")
    .argument("<name>", "as cofferdam ps says")
    .argument("<command...>", "the program and its arguments, after --")
    .option("-e, --env <name[=value]>", "give it a variable: with this value, or with yours (may be repeated)", append)
    .option("--no-tty", "give it no terminal, though there is one")
    .addHelpText("after", "\nExample:\n  $ cofferdam exec helper -- sh -c 'ls ~/.memory'")
    .action(async (name: string, argv: string[], flags: { tty?: boolean; env?: readonly string[] }) => {
      const { execIn } = await import("./commands/background.ts");
      process.exitCode = await execIn(name, argv, flags);
    });
  program
    .command("logs")
    .summary("print what one of them printed")
    .description("Prints what a sandbox in the background printed, also after its end.")
    .argument("<name>", "as cofferdam ps says")
    .option("-f, --follow", "and what it prints, until it ends or Ctrl-C")
    .action(async (name: string, flags: { follow?: boolean }) => {
      const { logs } = await import("./commands/logs.ts");
      await logs(name, flags);
    });
  program
    .command("stop")
    .summary("end some of them")
    .description("Ends sandboxes in the background: their programs are asked to end, and then not asked.")
    .argument("<names...>", "as cofferdam ps says")
    .option("-t, --time <duration>", "how long a program may take to end", duration, 10_000)
    .option("--json", "print JSON, for machines")
    .action(async (names: string[], flags: { time: number; json?: boolean }) => {
      const { stop } = await import("./commands/background.ts");
      await stop(names, flags);
    });
  program.command("own", { hidden: true }).action(async () => {
    const { own } = await import("./owner/own.ts");
    process.exitCode = await own();
  });
}
