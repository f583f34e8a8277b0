/**
 * Starting a guest's programs, and what they are given.
 *
 * @module
 */
import { CODES, FLAGS, type MessageValues } from "../../link/protocol.ts";
import type { Flows } from "./flows.ts";
import { ERRNO, type GuestErrno, GuestError, type GuestProcess, type GuestProgram } from "./guest.ts";
import { guestFetch } from "./guest-fetch.ts";
import type { Caller, Judge } from "./judge.ts";
import type { Operations } from "./operations.ts";
import type { GuestStream } from "./stream.ts";
import type { Tables } from "./tables.ts";
import { resolvePath, type Tree } from "./tree.ts";

/** What programs run in. */
export interface World {
  readonly tree: Tree;
  readonly judge: Judge;
  readonly operations: Operations;
  readonly flows: Flows;
  /** The certificate that programs trust, as PEM. */
  readonly authority: string | undefined;
  nextPid(): number;
}

/** What a program is started with. */
interface Launch {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly parents: readonly string[];
}

/** Runs the program of an `exec` frame to its end. */
export async function runCommand(
  world: World,
  stream: GuestStream,
  tables: Tables,
  request: MessageValues<"exec">,
): Promise<void> {
  if (request.flags & FLAGS.exec.pty) return stream.fail(CODES.stage.terminal, ERRNO.EOPNOTSUPP);
  if ((request.flags & FLAGS.exec.stdin) === 0) stream.noInput();
  const launch: Launch = {
    argv: request.argv.map(text),
    cwd: resolvePath("/", text(request.cwd)),
    env: Object.fromEntries(
      request.env.map(text).map((pair) => [pair.split("=")[0], pair.slice(pair.indexOf("=") + 1)]),
    ),
    parents: [],
  };
  const { signal } = stream.killed;
  const timer = request.timeoutMs > 0 ? setTimeout(() => stream.kill("timedOut"), request.timeoutMs) : undefined;
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  if (world.tree.at(launch.cwd)?.kind !== "directory") return stream.fail(CODES.stage.directory, ERRNO.ENOENT);
  try {
    const { program, self } = await prepare(world, stream, tables, launch);
    stream.started(self.pid);
    stream.exit({ code: await exitCode(program, self) });
  } catch (error) {
    stream.fail(CODES.stage.exec, ERRNO[errnoOf(error)]);
  }
}

/** Finds a program and lets it be judged. */
async function prepare(
  world: World,
  stream: GuestStream,
  tables: Tables,
  { argv, cwd, env, parents }: Launch,
): Promise<{ program: GuestProgram; self: GuestProcess }> {
  const { path, program } = find(world.tree, argv[0] ?? "", cwd, env);
  const pid = world.nextPid();
  const asking: Caller = { stream: stream.number, pid, binary: parents[0] ?? "", tables, ours: false, parents };
  await world.judge.start(asking, { path, requested: path, argv }, cwd);
  const caller: Caller = { ...asking, binary: path };
  return { program, self: processOf(world, stream, caller, { argv, cwd, env, parents }) };
}

/** As execvp(3) looks. */
function find(
  tree: Tree,
  name: string,
  cwd: string,
  env: Launch["env"],
): { readonly path: string; readonly program: GuestProgram } {
  const places = name.includes("/") ? [cwd] : (env.PATH ?? "").split(":").filter((place) => place.startsWith("/"));
  for (const place of places) {
    const path = resolvePath(place, name);
    const node = tree.at(path);
    if (node?.kind !== "file") continue;
    if (node.program === undefined) throw new GuestError("ENOEXEC", path);
    return { path, program: node.program };
  }
  throw new GuestError("ENOENT", name);
}

function processOf(world: World, stream: GuestStream, caller: Caller, launch: Launch): GuestProcess {
  const { operations, flows, authority } = world;
  const { argv, cwd, env, parents } = launch;
  const at = (path: string) => resolvePath(cwd, path);
  const { signal } = stream.killed;
  /** One that was killed does nothing more, whatever its code goes on to do. */
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (signal.aborted) throw new GuestError("ESRCH", caller.binary);
    return work();
  };
  const self: GuestProcess = {
    argv,
    cwd,
    env,
    pid: caller.pid,
    signal,
    read: (path) => alive(() => operations.read(caller, at(path))),
    readText: async (path) => Buffer.from(await self.read(path)).toString(),
    write: (path, data) =>
      alive(async () => {
        await operations.open(caller, at(path));
        operations.append(at(path), Buffer.from(data));
      }),
    list: (path) => alive(() => operations.list(caller, at(path))),
    mkdir: (path) => alive(() => operations.mkdir(caller, at(path))),
    remove: (path) => alive(() => operations.remove(caller, at(path))),
    rename: (from, to) => alive(() => operations.rename(caller, at(from), at(to))),
    start: (words, options = {}) =>
      alive(async () => {
        const child: Launch = {
          argv: words,
          cwd: at(options.cwd ?? "."),
          env: { ...env, ...options.env },
          parents: [caller.binary, ...parents],
        };
        const prepared = await prepare(world, stream, caller.tables, child);
        return exitCode(prepared.program, prepared.self);
      }),
    connect: (host, port) =>
      alive(async () => {
        const connection = await flows.connect(caller, host, port);
        signal.addEventListener("abort", () => connection.destroy(), { once: true });
        return connection;
      }),
    fetch: (url, request = {}) => guestFetch({ connect: self.connect, authority }, url, request),
    input: async () => (await stream.readInput()).toString(),
    print: (data) => stream.write("stdout", Buffer.from(data)),
    printError: (data) => stream.write("stderr", Buffer.from(data)),
  };
  return self;
}

/** What it ends with: an error that it does not catch is told as a program would, and is 1. */
async function exitCode(program: GuestProgram, self: GuestProcess): Promise<number> {
  try {
    const code = await program(self);
    return typeof code === "number" ? code & 0xff : 0;
  } catch (error) {
    const said = error instanceof GuestError ? error.message : String(error instanceof Error ? error.stack : error);
    await self.printError(`${self.argv[0]}: ${said}\n`);
    return 1;
  }
}

function errnoOf(error: unknown): GuestErrno {
  return error instanceof GuestError ? error.errno : "EINVAL";
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
