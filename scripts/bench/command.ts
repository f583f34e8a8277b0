/** Running a program of this machine, as `sandbox.exec` runs one in a sandbox: to its end, with its output. */
import { type SpawnOptions, spawn } from "node:child_process";

/** Runs a program; with `shell: true` a command line. Fails if it does. */
export function runCommand(
  argv: readonly [string, ...string[]],
  options: SpawnOptions = {},
  input?: Uint8Array,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = argv;
    const child = spawn(program, args, {
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      ...options,
    });
    child.stdin?.end(input);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (data: Buffer) => stdout.push(data));
    child.stderr?.on("data", (data: Buffer) => stderr.push(data));
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(stdout));
      else reject(new Error(`${argv.join(" ").slice(0, 200)} ended with ${signal ?? code}: ${Buffer.concat(stderr)}`));
    });
  });
}

/** Whether a program can be run. */
export function works(...argv: [string, ...string[]]): Promise<boolean> {
  return runCommand(argv).then(
    () => true,
    () => false,
  );
}
