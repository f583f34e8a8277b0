/**
 * The tree of commands. What each does is loaded when it is asked for: `--version` must not wait for a sandbox library.
 *
 * @module
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { addApprovals } from "./approvals-commands.ts";
import { addBackground } from "./background-commands.ts";
import { addPipeline } from "./pipeline/commands.ts";
import { addRecipe, recipeOptions } from "./recipe/commands.ts";
import type { RunFlags } from "./run/flags.ts";
import { append, duration, volume } from "./values.ts";
import { packageVersion } from "./version.ts";

/** Builds it. */
export function buildProgram(): Command {
  const program = new Command("cofferdam")
    .description("Runs agents and other programs that nobody trusts in a sandbox whose policy you write.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .showHelpAfterError("(cofferdam --help says more)")
    .enablePositionalOptions();
  addRun(program);
  addShell(program);
  addPolicy(program);
  addRecipe(program);
  addAudit(program);
  addBackground(program);
  addApprovals(program);
  addPipeline(program);
  addMachine(program);
  return program;
}

const JSON_FLAG = ["--json", "print JSON, for machines"] as const;

/** The options of whatever starts a sandbox. */
function sandboxOptions(command: Command): Command {
  return recipeOptions(command.option("--recipe <recipe>", "a recipe: a built-in one, an installed package, or a path"))
    .option(
      "-p, --policy <file>",
      "what the program may do (default: write the workspace, no network); added to a recipe",
    )
    .option("-w, --workspace <folder>", "the folder it works on", ".")
    .option("--no-workspace", "begin with an empty workspace")
    .addOption(
      new Option("-m, --mode <mode>", "how the folder gets in: overlay and copy are reviewed, mount is live")
        .choices(["overlay", "copy", "mount"])
        .default(undefined, "overlay locally, copy on docker"),
    )
    .addOption(
      new Option("-r, --runtime <runtime>", "where it runs").choices(["auto", "local", "docker"]).default("auto"),
    )
    .option(
      "--from <image>",
      "what it runs in: an image by its name, or ./folder with a devcontainer.json or Dockerfile (implies docker); ./folder with a root file system, or an image saved to ./file.tar (implies local)",
    )
    .option("-e, --env <name[=value]>", "give it a variable: with this value, or with yours (may be repeated)", append)
    .option("-v, --volume <name:path>", "a folder that outlives it, with :ro only to be read (may be repeated)", volume)
    .option("--no-credentials", "seal none of your environment's beside those that the policy names")
    .option("--timeout <duration>", "end it after so long, for instance 90s or 10m", duration)
    .option("--audit <file>", "append every record to this log (JSON Lines, hash chain)")
    .addOption(
      new Option("--approve <who>", "who answers what the policy asks about")
        .choices(["terminal", "never"])
        .default(undefined, "terminal where there is one"),
    )
    .option("--approved <file>", "a reviewed policy whose rules answer what the policy asks about")
    .option("--approvals <file>", "write answers for always to this file, as rules for review")
    .option("--apply [globs...]", "write its changes back without asking: all, or those that match")
    .option("--discard", "throw its changes away without asking")
    .option("--patch <file>", "write its changes to a patch that `git apply` takes")
    .option("--report <file>", "write what happened as JSON to this file")
    .option("-q, --quiet", "no summary")
    .option("--json", "print what happened as JSON, on the last line of the error output");
}

function addRun(program: Command): void {
  sandboxOptions(
    program
      .command("run")
      .summary("run a program in a sandbox")
      .description("Runs a program in a sandbox, then shows what it was denied and asks what becomes of its changes.")
      .argument("[command...]", "the program and its arguments, after -- (default: the recipe's)"),
  )
    .option("--no-tty", "give it no terminal, though there is one")
    .option("-d, --detach", "leave it to a process in the background: see ps, attach, logs, exec and stop")
    .option("--name <name>", "what it is called there (default: one is made up)")
    .option("--unit", "write a service of your systemd that does so after each boot (without systemd: print it)")
    .addOption(new Option("--foreground").hideHelp())
    .passThroughOptions()
    .addHelpText(
      "after",
      `
Examples:
  $ cofferdam run -- npm test
  $ cofferdam run --recipe claude-code -- claude -p "Fix the tests"
  $ cofferdam run --recipe coding-agent --with github --param github.repository=acme/site -- my-agent
  $ cofferdam run --policy docs-agent.yaml --workspace ./site -- node agent.js
  $ cofferdam run --detach --name helper --apply -- node agent.js
  $ cofferdam run --from ./alpine.tar -- sh
  $ cofferdam run --from node:22-slim --patch changes.patch -- npx some-tool

Exit codes: those of the program; 128 and the number of a signal that ended it; 125 if there was no sandbox, 126 if the
program could not be started, 127 if it was not found; 1 where it succeeded and a change was refused.`,
    )
    .action(async (argv: string[], flags: RunFlags) => {
      const { run } = await import("./run/dispatch.ts");
      process.exitCode = await run(argv, flags);
    });
}

function addShell(program: Command): void {
  sandboxOptions(
    program
      .command("shell")
      .summary("open a shell in a sandbox")
      .description("Opens a shell in a sandbox: a look at what a program would see there."),
  ).action(async (flags: RunFlags) => {
    const { run } = await import("./run/dispatch.ts");
    process.exitCode = await run(["/bin/sh", "-i"], { ...flags, tty: true });
  });
}

function addPolicy(program: Command): void {
  const policy = program.command("policy").summary("look at policies").description("Looks at policies.");
  policy
    .command("check")
    .summary("find the mistakes of a policy")
    .description("Says whether policies are well-formed: every mistake with its line and column.")
    .argument("<files...>", "YAML or JSON")
    .option(...JSON_FLAG)
    .action(async (files: string[], flags: { json?: boolean }) => {
      const { checkPolicies } = await import("./commands/policy.ts");
      process.exitCode = await checkPolicies(files, flags);
    });
  policy
    .command("show")
    .summary("print it in full, with its digest")
    .description("Prints a policy in full: what it says, what it grants by itself, and its digest.")
    .argument("<file>", "YAML or JSON")
    .option(...JSON_FLAG)
    .action(async (file: string, flags: { json?: boolean }) => {
      const { showPolicy } = await import("./commands/policy.ts");
      await showPolicy(file, flags);
    });
  addExplain(policy);
  policy
    .command("diff")
    .summary("say what differs between two policies")
    .description("Says what differs between two policies: what widens, what narrows, and what needs a new sandbox.")
    .argument("<old>", "YAML or JSON")
    .argument("<new>", "YAML or JSON")
    .option("--narrow-only", "exit with 1 if the new one lets anything more happen")
    .option(...JSON_FLAG)
    .action(async (before: string, after: string, flags: { json?: boolean; narrowOnly?: boolean }) => {
      const { diffPolicyFiles } = await import("./commands/diff.ts");
      process.exitCode = await diffPolicyFiles(before, after, flags);
    });
}

function addExplain(policy: Command): void {
  policy
    .command("explain")
    .summary("say which rule decides about something")
    .description("Says what a policy says of one thing, which rules were looked at, and which one decides.")
    .argument("<file>", "YAML or JSON")
    .argument("<action>", "read, write, create, delete, rename, link, list, metadata, start, connect, request or call")
    .argument("<what...>", "a path; a program with its arguments, after --; host:port; a method and a URL; a model")
    .option("--binary <path>", "the program that connects")
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      `
Examples:
  $ cofferdam policy explain docs.yaml write ./docs/index.md
  $ cofferdam policy explain docs.yaml start -- git push origin
  $ cofferdam policy explain docs.yaml request POST https://api.github.com/user/repos
  $ cofferdam policy explain docs.yaml call gpt-5

Exit codes: 0 for allow, 1 for deny, 3 for ask.`,
    )
    .action(async (file: string, action: string, what: string[], flags: { json?: boolean; binary?: string }) => {
      const { explainPolicy } = await import("./commands/explain.ts");
      process.exitCode = await explainPolicy(file, action, what, flags);
    });
}

function addAudit(program: Command): void {
  const audit = program.command("audit").summary("look at audit logs").description("Looks at audit logs.");
  const reading = (command: Command) =>
    command
      .argument("<log>", "a log of JSON Lines")
      .addOption(new Option("--verdict <verdict>", "only these decisions").choices(["allow", "deny", "ask"]))
      .addOption(
        new Option("--domain <domain>", "only of this domain").choices([
          "filesystem",
          "process",
          "network",
          "inference",
        ]),
      )
      .option("--sandbox <id>", "only of this sandbox")
      .option(...JSON_FLAG);
  reading(audit.command("show").summary("print the records").description("Prints the records of a log.")).action(
    async (log: string, flags) => {
      const { showAudit } = await import("./commands/audit.ts");
      await showAudit(log, flags);
    },
  );
  reading(
    audit
      .command("follow")
      .summary("print the records as they come")
      .description("Prints the records of a log as they come, until Ctrl-C."),
  ).action(async (log: string, flags) => {
    const { followAudit } = await import("./commands/audit.ts");
    await followAudit(log, flags);
  });
  addAuditExport(audit);
  audit
    .command("verify")
    .summary("say whether every line is as it was written")
    .description("Says whether every line of a log is as it was written, and where it was written.")
    .argument("<log>", "a log of JSON Lines")
    .option("--head <hash>", "a hash that the log had once: it must still be there")
    .option(...JSON_FLAG)
    .action(async (log: string, flags: { json?: boolean; head?: string }) => {
      const { verifyAudit } = await import("./commands/audit.ts");
      await verifyAudit(log, flags);
    });
}

function addAuditExport(audit: Command): void {
  audit
    .command("export")
    .summary("print the records in the form of others")
    .description("Prints the records of a log in the form of others, one JSON document a line.")
    .argument("<log>", "a log of JSON Lines")
    .option("--ocsf", "as events of the Open Cybersecurity Schema Framework: the one form that there is")
    .option("--sandbox <id>", "only of this sandbox")
    .action(async (log: string, flags: { sandbox?: string }) => {
      const { exportAudit } = await import("./commands/export.ts");
      await exportAudit(log, flags);
    });
}

function addMachine(program: Command): void {
  program
    .command("doctor")
    .summary("say what works on this machine")
    .description("Says what works on this machine, what would be enforced here, and why not more.")
    .option(...JSON_FLAG)
    .action(async (flags: { json?: boolean }) => {
      const { doctor } = await import("./commands/doctor.ts");
      process.exitCode = await doctor(flags);
    });
  program
    .command("clean")
    .summary("remove what killed processes left")
    .description("Removes what killed processes left of their sandboxes, and nothing else's.")
    .option("-n, --dry-run", "only say what would be removed")
    .option("--images", "also unpacked images that no sandbox has: they are unpacked again when they are needed")
    .addOption(new Option("-r, --runtime <runtime>", "where to look").choices(["local", "docker"]).default("local"))
    .option(...JSON_FLAG)
    .action(async (flags: { json?: boolean; dryRun?: boolean; images?: boolean; runtime: "local" | "docker" }) => {
      const { clean } = await import("./commands/clean.ts");
      await clean(flags);
    });
  program
    .command("completion")
    .summary("make a shell complete the command line")
    .description("Prints what makes a shell complete the command line.")
    .argument("<shell>", "bash, zsh or fish", shell)
    .addHelpText("after", '\nExample:\n  $ eval "$(cofferdam completion bash)"')
    .action(async (name: "bash" | "zsh" | "fish") => {
      const { completion } = await import("./commands/completion.ts");
      process.stdout.write(completion(name, program));
    });
}

function shell(value: string): string {
  if (["bash", "zsh", "fish"].includes(value)) return value;
  throw new InvalidArgumentError("It must be bash, zsh or fish.");
}
