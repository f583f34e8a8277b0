/**
 * Lines as wide as a terminal. Where it breaks one by itself, the rest stands at its edge, as a line of ours would: who knows the
 * width, as a program in it does, could write a question of their own there.
 *
 * @module
 */

/** Where the width is not known. */
const COLUMNS = 80;
const COLUMNS_MIN = 20;

/** A colour takes no room. */
const PARTS = /\u001b\[[\d;]*m|[\s\S]/gu;

/** Scripts whose characters take two columns, and pictures. A wrong guess makes a row shorter. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe10-\ufe6f\uff00-\uffe6\u{10000}-\u{10ffff}]|\p{Extended_Pictographic}/u;

/** Cuts a line into rows. What goes on is marked: of a text as it began, of everything else by `…`. */
export function rowsOf(line: string, columns: number = COLUMNS): string[] {
  const most = Math.max(COLUMNS_MIN, columns);
  const mark = line.startsWith("  | ") ? "  | " : "   … ";
  const rows: string[] = [];
  let [row, used] = ["", 0];
  for (const part of line.match(PARTS) ?? []) {
    const width = part.length > 2 ? 0 : WIDE.test(part) ? 2 : 1;
    if (used + width > most) {
      rows.push(row);
      [row, used] = [mark, mark.length];
    }
    row += part;
    used += width;
  }
  return [...rows, row];
}
