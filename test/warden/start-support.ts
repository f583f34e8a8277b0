/**
 * What the tests of judging starts share: C programs that are compiled with the sanitizers, and a folder of programs for
 * agents to start.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scratchFolder } from "../faults/support.ts";

const native = fileURLToPath(new URL("../../src/warden/native/", import.meta.url));
const here = fileURLToPath(new URL("./native/", import.meta.url));

export const directory: string = scratchFolder("start");
/** Where agents find what they start. */
export const folder: string = join(directory, "agents");
const driver = join(directory, "drive_start");
export const racer: string = join(directory, "race_start");

const parts = ["sha256", "hash_cache", "shebang", "elf_image", "loader_variables", "bytes", "die"];
const judge = [
  "lanes",
  "hashing",
  "thread",
  "own_descriptors",
  "start_reading",
  "start_judge",
  "start_image",
  "start_stop",
  "start_verify",
  "start_parents",
  "caller_strings",
  "processes",
];
const strict = ["-std=c17", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-I", native, "-I", here];
const sanitized = [...strict, "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-pthread"];

export function compile(...args: string[]): void {
  execFileSync("cc", args, { stdio: "pipe" });
}

const inNative = (names: string[]): string[] => names.map((name) => join(native, `${name}.c`));
export const inHere = (...names: string[]): string[] => names.map((name) => join(here, `${name}.c`));

export function buildDriver(): void {
  compile(...sanitized, "-o", driver, ...inHere("drive_start", "stub_supervisor"), ...inNative(parts));
}

export function buildRacer(): void {
  // The agents share memory with their children as vfork does, which the sanitizers cannot follow.
  const agents = join(directory, "agents.o");
  compile(...strict, "-c", "-o", agents, ...inHere("race_agents"));
  const sources = [...inHere("race_start", "stub_supervisor"), ...inNative([...judge, ...parts])];
  compile(...sanitized, "-o", racer, agents, ...sources);
}

export function buildPrograms(): void {
  mkdirSync(join(folder, "writable"), { recursive: true });
  for (const name of ["allowed", "denied", "print", "sleeper"]) {
    const define = `-D${name.toUpperCase()}`;
    compile("-std=c17", "-O1", "-static", define, "-o", join(folder, name), ...inHere("race_program"));
  }
  symlinkSync("allowed", join(folder, "1"));
  symlinkSync("denied", join(folder, "2"));
  put("nonsense", "nonsense\n");
}

export function put(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, 0o755);
  return path;
}

export function drive(operation: string, path = "", input: string | Buffer = ""): string {
  return execFileSync(driver, [operation, path], { input, encoding: "utf8", timeout: 60_000 }).trimEnd();
}

/** The loader of this machine, as its own programs name it. */
export function loader(): string {
  const [, path] = drive("elf", process.execPath).split(" ");
  return realpathSync(path ?? "");
}
