/** The report: for people, or for programs. */
import { median, quantile } from "./measure.ts";
import type { Row, Table, Unit } from "./types.ts";

/** What was measured, with its conclusions. */
export interface Finding {
  readonly name: string;
  readonly median: number;
  readonly p90: number;
  readonly samples: readonly number[];
  /** How many times as much ours, the first row, takes or gives. */
  readonly oursToThis: number | undefined;
  readonly target: string | undefined;
  readonly met: boolean | undefined;
}

/** The conclusions of a table. For rates, where low is bad, `p90` is what 90 % of the samples reach. */
export function findings({ rows, unit }: Table): Finding[] {
  const middle = (name: string) => median(rows.find((row) => row.name === name)?.samples ?? []);
  const [first] = rows;
  return rows.map((row) => {
    const bound = row.target?.bound(middle);
    const value = median(row.samples);
    return {
      name: row.name,
      median: value,
      p90: quantile(row.samples, unit === "MB/s" ? 0.1 : 0.9),
      samples: row.samples,
      oursToThis: first === undefined || row === first || isOurs(row) ? undefined : median(first.samples) / value,
      target: row.target?.text,
      met: bound === undefined ? undefined : unit === "MB/s" ? value >= bound : value <= bound,
    };
  });
}

/** A neighbour has no target, and is not called by our name. */
function isOurs(row: Row): boolean {
  return row.target !== undefined || row.name.startsWith("cofferdam");
}

const WIDTHS = { name: 38, number: 10, count: 6, ratio: 11, target: 24 };

/** The head of the one table. */
export function headLine(): string {
  return line(["", "median", "p90", "n", "ours ÷ it", "target", ""]);
}

/** A table as lines of text. */
export function textOf(table: Table): string {
  const lines = findings(table).map((finding) =>
    line([
      `  ${finding.name}`,
      number(finding.median, table.unit),
      number(finding.p90, table.unit),
      String(finding.samples.length),
      finding.oursToThis === undefined ? "" : `${significant(finding.oursToThis)}×`,
      finding.target ?? "",
      finding.met === undefined ? "" : finding.met ? "met" : "NOT MET",
    ]),
  );
  const notes = table.notes.map((note) => `    (${note})`);
  return [`${table.title}, ${table.unit}`, ...lines, ...notes].join("\n");
}

function line([name = "", middle = "", p90 = "", count = "", ratio = "", target = "", met = ""]: string[]): string {
  const cells = [
    name.padEnd(WIDTHS.name),
    middle.padStart(WIDTHS.number),
    p90.padStart(WIDTHS.number),
    count.padStart(WIDTHS.count),
    ratio.padStart(WIDTHS.ratio),
    `   ${target}`.padEnd(WIDTHS.target),
    met,
  ];
  return cells.join("").trimEnd();
}

function number(value: number, unit: Unit): string {
  if (unit === "MB/s") return value.toFixed(0);
  if (unit === "×") return value.toFixed(3);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
}

function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
