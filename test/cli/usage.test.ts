/** What is wrong with a command line, for every command that there is: the table is the tree itself. */
import { type Command, CommanderError } from "commander";
import { describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";

/** The commands that do something, by their words. */
function leavesOf(command: Command, path: readonly string[]): (readonly string[])[] {
  if (command.commands.length === 0) return [path];
  return command.commands.flatMap((each) => leavesOf(each, [...path, each.name()]));
}

const leaves = leavesOf(buildProgram(), []);

function commandAt(path: readonly string[], program: Command): Command {
  const found = path.reduce<Command | undefined>(
    (command, name) => command?.commands.find((each) => each.name() === name),
    program,
  );
  if (found === undefined) throw new Error(`there is no ${path.join(" ")}`);
  return found;
}

/** What it says, and the error that becomes an exit code of 2. Nothing of a command is done. */
async function wrong(path: readonly string[], words: readonly string[]): Promise<string> {
  const program = buildProgram();
  let said = "";
  const configure = (command: Command): void => {
    command.exitOverride().configureOutput({
      writeErr: (text) => {
        said += text;
      },
    });
    for (const each of command.commands) configure(each);
  };
  configure(program);
  commandAt(path, program).action(() => {
    throw new Error("it was done");
  });
  const error = await program.parseAsync([...path, ...words], { from: "user" }).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(CommanderError);
  expect((error as CommanderError).exitCode).not.toBe(0);
  return said;
}

/** One line that says it, and one that says where to read more. */
const oneLine = (text: string) => {
  const lines = text.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^error: /);
  expect(lines.slice(1).filter((line) => line !== "" && !line.startsWith("(") && !line.startsWith("Did you"))).toEqual(
    [],
  );
};

test("there are commands", () => {
  expect(leaves.map((path) => path.join(" "))).toEqual(expect.arrayContaining(["run", "exec", "policy check", "ps"]));
});

describe("each command", () => {
  const named = (paths: readonly (readonly string[])[]) => paths.map((path) => [path.join(" "), path] as const);
  const argumentsOf = (path: readonly string[]) => commandAt(path, buildProgram()).registeredArguments;

  test.each(named(leaves))("refuses an option that it does not know: %s", async (_, path) => {
    const said = await wrong(path, ["--no-such-option"]);
    expect(said).toContain("--no-such-option");
    oneLine(said);
  });

  const needing = leaves.filter((path) => argumentsOf(path).some(({ required }) => required));
  test.each(named(needing))("refuses to go without what it needs: %s", async (_, path) => {
    const said = await wrong(path, []);
    expect(said).toMatch(/missing required argument/);
    oneLine(said);
  });

  const bounded = leaves.filter((path) => !argumentsOf(path).some(({ variadic }) => variadic));
  test.each(named(bounded))("refuses more words than it has a use for: %s", async (_, path) => {
    // One that a shell is called, too: some arguments are one of a list.
    const words = argumentsOf(path).map(({ argChoices }) => argChoices?.[0] ?? "bash");
    const said = await wrong(path, [...words, "and", "more"]);
    expect(said).toMatch(/too many arguments/);
    oneLine(said);
  });
});
