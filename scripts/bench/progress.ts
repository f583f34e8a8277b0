/** Progress on the error output, where it is a terminal. */

/** Where the benches tell how far they are. */
export interface Progress {
  begin(name: string): void;
  of(done: number, total: number): void;
  clear(): void;
}

/** Opens it. */
export function openProgress(): Progress {
  const { stderr } = process;
  let current = "";
  const show = (text: string) => {
    if (stderr.isTTY) stderr.write(`\r\u001b[K${text}`);
  };
  return {
    begin: (name) => {
      current = name;
      show(`${current} ...`);
    },
    of: (done, total) => show(`${current} ${done}/${total}`),
    clear: () => show(""),
  };
}
