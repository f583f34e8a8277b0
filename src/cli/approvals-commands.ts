/**
 * The commands for what sandboxes ask.
 *
 * @module
 */
import { type Command, Option } from "commander";

/** Adds them. */
export function addApprovals(program: Command): void {
  const approvals = program
    .command("approvals")
    .summary("answer what sandboxes in the background ask")
    .description("Shows and answers what sandboxes in the background ask.");
  approvals
    .command("list")
    .summary("print the questions that wait")
    .description("Prints the questions that wait, with the rule that would allow each.")
    .argument("[name]", "only of this sandbox, as cofferdam ps says")
    .option("--json", "print JSON, for machines")
    .action(async (name: string | undefined, flags: { json?: boolean }) => {
      const { listApprovals } = await import("./commands/approvals.ts");
      await listApprovals(name, flags);
    });
  const answer = (command: Command) =>
    command
      .argument("<question>", "the beginning of its id, as cofferdam approvals list says")
      .addOption(new Option("-s, --scope <scope>", "for how long").choices(["once", "session", "always"]))
      .option("--reason <words>", "why, for the record")
      .option("--json", "print JSON, for machines");
  answer(approvals.command("approve").summary("allow it").description("Allows it.")).action(
    async (id: string, flags) => {
      const { answerApproval } = await import("./commands/approvals.ts");
      await answerApproval(id, "allow", flags);
    },
  );
  answer(approvals.command("deny").summary("deny it").description("Denies it.")).action(async (id: string, flags) => {
    const { answerApproval } = await import("./commands/approvals.ts");
    await answerApproval(id, "deny", flags);
  });
}
