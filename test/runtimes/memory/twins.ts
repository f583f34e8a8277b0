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

/** A connection that a program asks for, or a request over HTTPS: host, port, and of a request its method and path. */
export type Outgoing = readonly [host: string, port: number, method?: string, path?: string];

/** A start that the host asks for. */
export type Start = readonly string[];

/** What came of it. */
export interface Outcome {
  /** Of each operation: `ok`, or the errno. */
  readonly results: readonly string[];
  readonly starts: readonly string[];
  /** Of each connection: `ok`, or the errno; of each request: the status. */
  readonly outgoing: readonly string[];
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
  readonly outgoing?: readonly Outgoing[];
  readonly options?: () => SandboxOptions;
}

const PROGRAMS = ["true", "echo", "env"];

/** Does it in memory. */
export async function inMemory(question: Question): Promise<Outcome> {
  const { policy, files, operations, starts = [], outgoing = [], options } = question;
  const results: string[] = [];
  const reached: string[] = [];
  const guest: Guest = {
    files,
    programs: {
      node: async (self) => {
        for (const operation of operations) results.push(await outcomeOf(() => perform(self, operation)));
        for (const each of outgoing) reached.push(await outcomeOf(() => reach(self, each)));
      },
      ...Object.fromEntries(PROGRAMS.map((name) => [name, () => 0])),
    },
  };
  await using sandbox = await createSandbox(policy, { ...options?.(), runtime: "memory", guest });
  if (operations.length + outgoing.length > 0) await sandbox.exec(["node"], { check: true });
  return { ...(await rest(sandbox, starts)), results, outgoing: reached };
}

/** Does it for real. */
export async function forReal(question: Question): Promise<Outcome> {
  const { policy, files, operations, starts = [], outgoing = [], options } = question;
  const workspace = mkdtempSync(join(tmpdir(), "twins-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(workspace, path)), { recursive: true });
      writeFileSync(join(workspace, path), text);
    }
    await using sandbox = await createSandbox(policy, { ...options?.(), runtime: "local", workspace });
    const argv = ["node", "-e", SCRIPT, JSON.stringify(operations)];
    const stdout = operations.length === 0 ? "[]" : (await sandbox.exec(argv, { check: true })).stdout;
    const asked = ["node", "-e", REACH, JSON.stringify(outgoing)];
    const reached = outgoing.length === 0 ? "[]" : (await sandbox.exec(asked, { check: true })).stdout;
    const results = JSON.parse(stdout) as string[];
    return { ...(await rest(sandbox, starts)), results, outgoing: JSON.parse(reached) as string[] };
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

async function rest(sandbox: Sandbox, starts: readonly Start[]): Promise<Omit<Outcome, "results" | "outgoing">> {
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
  // Equal allows of connections are counted, and when they are told of is a matter of time.
  const isRepeated = (line: string, index: number) =>
    (line.startsWith("start ") && line === decisions[index - 1]) ||
    (/^(?:connect|request) /.test(line) && decisions.indexOf(line) < index);
  return {
    starts: started,
    decisions: decisions.filter((line, index) => !isRepeated(line, index)),
    mode: sandbox.enforcement.mode,
  };
}

/** What Node itself does on its way is not the question. */
function isOurs({ domain, object, argv = [] }: DecisionRecord): boolean {
  if (domain === "network") return true;
  return domain === "process" ? argv[0] !== "node" : object.startsWith("/workspace/");
}

function describe({ operation, object, verdict, ruleId, decidedBy, reason, count = 1 }: DecisionRecord): string[] {
  const name = "name" in decidedBy ? `:${decidedBy.name}` : "";
  const line = `${operation} ${object}: ${verdict} by ${decidedBy.kind}${name}, ${ruleId ?? "no rule"}: ${reason}`;
  return Array.from({ length: count }, () => line);
}

async function outcomeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    const outcome = await work();
    return typeof outcome === "string" ? outcome : "ok";
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

async function reach(self: GuestProcess, [host, port, method, path]: Outgoing): Promise<string | undefined> {
  if (method === undefined) {
    (await self.connect(host, port)).destroy();
    return undefined;
  }
  const response = await self.fetch(`https://${host}:${port}${path}`, { method });
  await response.arrayBuffer();
  return String(response.status);
}

const REACH = `
  const { once } = require("node:events");
  const net = require("node:net");
  const https = require("node:https");
  const connect = async (host, port) => {
    const socket = net.connect({ host, port, autoSelectFamily: false });
    await once(socket, "connect");
    socket.destroy();
    return "ok";
  };
  const request = async (host, port, method, path) => {
    const sent = https.request({ host, port, method, path, agent: false });
    sent.end();
    const [answer] = await once(sent, "response");
    answer.resume();
    await once(answer, "end");
    return String(answer.statusCode);
  };
  (async () => {
    const results = [];
    for (const [host, port, method, path] of JSON.parse(process.argv[1])) {
      const outcome = method === undefined ? connect(host, port) : request(host, port, method, path);
      // Sockets of Node do not wait, and hear so of what was refused later.
      results.push(await outcome.catch(({ code }) => (code === "ECONNRESET" ? "ECONNREFUSED" : code)));
    }
    console.log(JSON.stringify(results));
  })();
`;

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
