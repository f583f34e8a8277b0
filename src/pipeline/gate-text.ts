/**
 * What a gate shows, as text that may be printed to a terminal.
 *
 * @module
 */
import { displaySafe, escapeControl } from "../audit/display.ts";
import type { Changes } from "../review/mod.ts";
import { StageFailure } from "./failure.ts";
import type { Gate, GateChange } from "./gate-types.ts";
import type { OutputManifests } from "./manifest.ts";
import { StoredOutputs } from "./outputs.ts";
import type { Store } from "./store.ts";

/** What nobody would read is not asked about. */
const TEXT_BYTES_MAX = 1024 * 1024;

/** What there is to show. */
export interface Shown {
  readonly gate: Gate;
  readonly changes: Changes | undefined;
  readonly listed: readonly GateChange[];
  readonly outputs: OutputManifests;
  readonly store: Store;
}

/**
 * Makes the text.
 *
 * @throws {StageFailure} If it is too long: what is shown in part would be let through whole.
 */
export async function gateText({ gate, changes, listed, outputs, store }: Shown): Promise<string> {
  const { on = "diff", report = "" } = gate;
  const plan = listed.map(planLine);
  let text: string;
  if (on === "report") {
    const [file, ...others] = new StoredOutputs(store, outputs).list(report);
    if (file === undefined || others.length > 0)
      throw new StageFailure("missing", `its report "${report}" is no one file`);
    if (file.size > TEXT_BYTES_MAX) throw tooLong();
    text = `${escapeControl(await new StoredOutputs(store, outputs).readText(report))}\n${plan.join("\n")}\n`;
  } else if (on === "plan") text = `${plan.join("\n")}\n`;
  else text = `${plan.join("\n")}\n\n${await diffs(changes)}`;
  if (Buffer.byteLength(text) > TEXT_BYTES_MAX) throw tooLong();
  return text;
}

async function diffs(changes: Changes | undefined): Promise<string> {
  const parts: string[] = [];
  let length = 0;
  for (const change of changes ?? []) {
    const diff = await change.diff();
    length += diff.length;
    if (length > TEXT_BYTES_MAX) throw tooLong();
    parts.push(diff);
  }
  return parts.join("");
}

const LETTERS: Readonly<Record<GateChange["kind"], string>> = { added: "A", modified: "M", deleted: "D", made: "+" };

function planLine({ kind, path, sha256, size, mode }: GateChange): string {
  const about = sha256 === undefined ? "" : `  ${(mode ?? 0).toString(8)} ${size} bytes sha256:${sha256}`;
  return `${LETTERS[kind]} ${displaySafe(path)}${about}`;
}

function tooLong(): StageFailure {
  const hint = 'show the plan (on: "plan"), or make it in smaller stages';
  return new StageFailure("too-large", `what its gate would show is longer than ${TEXT_BYTES_MAX} bytes: ${hint}`);
}
