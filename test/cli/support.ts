/** The command line as its users have it: with pipes, and in a real terminal. */
import { type ChildProcessWithoutNullStreams, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { getuid } from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { within } from "../faults/support.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const built = join(project, ".cache", `cli-${process.pid}`);
mkdirSync(built, { recursive: true });

afterAll(() => rmSync(built, { recursive: true, force: true }));

/** As it is published, but for the types, and apart: `dist` is others' to remove while tests run. */
function build(): string {
  const out = ["--no-types", "--out", join(built, "dist"), "--metafile", METAFILE];
  execFileSync(process.execPath, [join(project, "scripts/build.mjs"), ...out], { stdio: "inherit" });
  copyFileSync(join(project, "package.json"), join(built, "package.json"));
  return join(built, "dist/cli/main.js");
}

/** What the build says of its files. */
export const METAFILE: string = join(built, "metafile.json");

/** How the command line is called. */
export const CLI: readonly string[] = [process.execPath, build()];

/** What a call came to. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls it with pipes. */
export function cofferdam(
  args: readonly string[],
  options: { cwd?: string; input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<CliResult> {
  const [program = "", ...before] = CLI;
  const { cwd = project, input = "", env = {} } = options;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      [...before, ...args],
      { cwd, env: { ...process.env, NO_COLOR: "1", ...env } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

/** Shorter than a test may take, which would not say what it waited for. */
const SHOWS_MS = 45_000;

/** A call in a terminal of its own. */
export class Terminal {
  readonly #child: ChildProcessWithoutNullStreams;
  #shown = "";
  #seen = 0;

  /** `program`: another one than the command line. `rows`: 0 where nobody says how large the terminal is. */
  constructor(
    args: readonly string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv; program?: readonly string[]; rows?: number } = {},
  ) {
    const { cwd = project, env = {}, program = CLI, rows = 24 } = options;
    const script = join(project, "test/cli/terminal.py");
    this.#child = spawn("python3", [script, String(rows), rows === 0 ? "0" : "80", ...program, ...args], {
      cwd,
      env: { ...process.env, TERM: "xterm", NO_COLOR: undefined, FORCE_COLOR: undefined, ...env },
    });
    // Each wait listens for a while.
    this.#child.setMaxListeners(0);
    this.#child.stdout.setMaxListeners(0).on("data", (data: Buffer) => {
      this.#shown += data.toString();
    });
  }

  /** Everything that it showed. */
  get shown(): string {
    return this.#shown;
  }

  /** Waits until something is shown that was not before the last wait. */
  async shows(text: string): Promise<void> {
    for (;;) {
      const at = this.#shown.indexOf(text, this.#seen);
      if (at >= 0) {
        this.#seen = at + text.length;
        return;
      }
      const without = `without ${JSON.stringify(text)}: ${JSON.stringify(this.#shown.slice(-2000))}`;
      if (this.#child.exitCode !== null) throw new Error(`it ended ${without}`);
      await within(SHOWS_MS, without, Promise.race([once(this.#child.stdout, "data"), once(this.#child, "close")]));
    }
  }

  type(text: string): void {
    this.#child.stdin.write(`${JSON.stringify({ type: text })}\n`);
  }

  resize(rows: number, columns: number): void {
    this.#child.stdin.write(`${JSON.stringify({ rows, columns })}\n`);
  }

  /** The exit code, when it has ended. */
  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, "close");
    return this.#child.exitCode;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** A folder of the host with these files, which an ordinary user owns. */
export function folderOf(files: Readonly<Record<string, string>>): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "cli-"));
  chmodSync(path, 0o755);
  const mine: string[] = [path];
  for (const [name, text] of Object.entries(files)) {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    mine.push(file, dirname(file));
  }
  if (getuid?.() === 0) for (const each of mine) chownSync(each, 1000, 1000);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
