/** The least that a supervisor can do: what of a decision's cost is the kernel's, whoever decides. */

/** What `native/bare_supervisor` does with each call: the least that there is for the mode, and for starts. */
const DOES = { trapped: "seen", emulated: "opened", start: "started" } as const;

/** The modes in which a supervisor sees each open. */
export const BARE_MODES = ["trapped", "emulated"] as const;

/** What its lines mean, for the notes of a table. */
export const BARE_NOTE =
  "a bare supervisor answers every call and looks at nothing: what the kernel takes for that, whoever decides";

/** The name of its line. */
export function bareIn(mode: (typeof BARE_MODES)[number]): string {
  return `bare supervisor, ${mode}`;
}

/** The arguments that run a program under it, outside of any sandbox. */
export function underBareSupervisor(
  { path, processor }: { path: string; processor: string },
  what: keyof typeof DOES,
  argv: readonly string[],
): [string, ...string[]] {
  return [path, processor, DOES[what], ...argv];
}
