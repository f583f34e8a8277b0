/**
 * One list of operations, done by a script in memory and by a real program in a local sandbox: what both say is compared.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  createSandbox,
  type DecisionRecord,
  type Guest,
  GuestError,
  type GuestProcess,
  type Policy,
  type Sandbox,
  type SandboxOptions,
} from "../../../src/mod.ts";

/** Something that a program does; paths are relative to the workspace. */
export type Operation =
  | readonly ["read" | "write" | "list" | "mkdir" | "remove", string]
  | readonly ["rename", string, string];

/** A start that the host asks for. */
export type Start = readonly string[];

/** What came of it. */
export interface Outcome {
  /** Of each operation: `ok`, or the errno. */
  readonly results: readonly string[];
  readonly starts: readonly string[];
  /** What was recorded, without what differs from run to run. */
  readonly decisions: readonly string[];
  readonly mode: string;
}

/** The workspace's files before. */
export type Files = Readonly<Record<string, string>>;

/** What both are asked. */
export interface Question {
  readonly policy: Policy;
  readonly files: Files;
  readonly operations: readonly Operation[];
  readonly starts?: readonly Start[];
  readonly options?: () => SandboxOptions;
}

const PROGRAMS = ["true", "echo", "env"];

/** Does it in memory. */
export async function inMemory({ policy, files, operations, starts = [], options }: Question): Promise<Outcome> {
  const results: string[] = [];
  const guest: Guest = {
    files,
    programs: {
      node: async (self) => {
        for (const operation of operations) results.push(await outcomeOf(() => perform(self, operation)));
      },
      ...Object.fromEntries(PROGRAMS.map((name) => [name, () => 0])),
    },
  };
  await using sandbox = await createSandbox(policy, { ...options?.(), runtime: "memory", guest });
  if (operations.length > 0) await sandbox.exec(["node"], { check: true });
  return { ...(await rest(sandbox, starts)), results };
}

/** Does it for real. */
export async function forReal({ policy, files, operations, starts = [], options }: Question): Promise<Outcome> {
  const workspace = mkdtempSync(join(tmpdir(), "twins-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(workspace, path)), { recursive: true });
      writeFileSync(join(workspace, path), text);
    }
    await using sandbox = await createSandbox(policy, { ...options?.(), runtime: "local", workspace });
    const argv = ["node", "-e", SCRIPT, JSON.stringify(operations)];
    const stdout = operations.length === 0 ? "[]" : (await sandbox.exec(argv, { check: true })).stdout;
    return { ...(await rest(sandbox, starts)), results: JSON.parse(stdout) as string[] };
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

async function rest(sandbox: Sandbox, starts: readonly Start[]): Promise<Omit<Outcome, "results">> {
  const started: string[] = [];
  for (const argv of starts) {
    started.push(
      await sandbox.exec(argv).then(
        () => "ok",
        (error: { details?: { errno?: string } }) => error.details?.errno ?? String(error),
      ),
    );
  }
  const decisions = sandbox.decisions().filter(isOurs).flatMap(describe);
  // A program that is denied is looked for in the next directory of PATH, which may be the same one by another name.
  const isRepeated = (line: string, index: number) => line.startsWith("start ") && line === decisions[index - 1];
  return {
    starts: started,
    decisions: decisions.filter((line, index) => !isRepeated(line, index)),
    mode: sandbox.enforcement.mode,
  };
}

/** What Node itself does on its way is not the question. */
function isOurs({ domain, object, argv = [] }: DecisionRecord): boolean {
  return domain === "process" ? argv[0] !== "node" : object.startsWith("/workspace/");
}

function describe({ operation, object, verdict, ruleId, decidedBy, reason, count = 1 }: DecisionRecord): string[] {
  const name = "name" in decidedBy ? `:${decidedBy.name}` : "";
  const line = `${operation} ${object}: ${verdict} by ${decidedBy.kind}${name}, ${ruleId ?? "no rule"}: ${reason}`;
  return Array.from({ length: count }, () => line);
}

async function outcomeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "ok";
  } catch (error) {
    if (error instanceof GuestError) return error.errno;
    throw error;
  }
}

function perform(self: GuestProcess, [kind, path, target = ""]: Operation): Promise<unknown> {
  return kind === "write"
    ? self.write(path, "written")
    : kind === "rename"
      ? self.rename(path, target)
      : self[kind](path);
}

/** The same with Node: one system call each, in the order of the list. */
const SCRIPT = `
  const fs = require("node:fs");
  const does = {
    read: (path) => fs.readFileSync(path),
    write: (path) => fs.writeFileSync(path, "written"),
    list: (path) => fs.readdirSync(path),
    mkdir: (path) => fs.mkdirSync(path),
    remove: (path) => (fs.lstatSync(path).isDirectory() ? fs.rmdirSync(path) : fs.unlinkSync(path)),
    rename: (from, to) => fs.renameSync(from, to),
  };
  const results = JSON.parse(process.argv[1]).map(([kind, ...paths]) => {
    try {
      does[kind](...paths);
      return "ok";
    } catch (error) {
      // What a read-only mount says before anybody is asked.
      return error.code === "EROFS" ? "EACCES" : error.code;
    }
  });
  console.log(JSON.stringify(results));
`;
