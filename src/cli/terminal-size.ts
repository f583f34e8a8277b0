/**
 * How large the terminal of the caller is.
 *
 * @module
 */

/** Its size in characters; one that does not know its own, as of `script` in a job, is taken for an ordinary one. */
export function terminalSize(): { readonly rows: number; readonly columns: number } {
  const { rows, columns } = process.stdout;
  return { rows: rows || 24, columns: columns || 80 };
}
