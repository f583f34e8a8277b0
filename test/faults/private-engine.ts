/**
 * A Docker engine of a test's own, on its own disk and sockets, which may be stopped, killed and filled up. Whatever it
 * has is the test's.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BUSYBOX, engineProblem, hostProcesses, removeFolder, rootProblem, scratchFolder } from "./support.ts";

/** Why there can be no private engine here, if there cannot. */
export function privateEngineProblem(): string | undefined {
  return rootProblem ?? engineProblem();
}

/** An engine. */
export interface PrivateEngine {
  /** Its folder: everything of it is below. */
  readonly directory: string;
  readonly socketPath: string;
  readonly host: string;
  /** Where it listens on TCP, on 127.0.0.1. */
  readonly port: number;
  /** The process of dockerd. */
  readonly pid: () => number;
  /** Runs the docker client against it; returns its output, trimmed. */
  docker(...args: string[]): string;
  /** What of sandboxes there is: containers, anonymous volumes, the engine's own mounts beyond its first. */
  leftovers(): string[];
  start(): Promise<void>;
  /** Ends dockerd by a signal and waits until it has ended. The containers' own processes may live on. */
  signal(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Ends everything and removes it. */
  remove(): Promise<void>;
}

const START_MS = 60_000;

/** Starts an engine that has the BusyBox image. `disk` prepares the place of its data. */
export async function startPrivateEngine(disk: (data: string) => void = () => undefined): Promise<PrivateEngine> {
  const directory = scratchFolder("engine");
  const data = join(directory, "data");
  mkdirSync(data);
  disk(data);
  const socketPath = join(directory, "sock");
  const host = `unix://${socketPath}`;
  const port = await freePort();
  let daemon: ChildProcess | undefined;
  const docker = (...args: string[]): string =>
    execFileSync("docker", ["-H", host, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  const start = async (): Promise<void> => {
    const log = openSync(join(directory, "log"), "a");
    const paths = ["--data-root", data, "--exec-root", join(directory, "exec"), "--pidfile", join(directory, "pid")];
    const addresses = ["-H", host, "-H", `tcp://127.0.0.1:${port}`, "--tls=false"];
    // It ends with this process, even if that is killed.
    const command = ["--pdeathsig", "TERM", "dockerd", ...paths, ...addresses];
    daemon = spawn("setpriv", [...command, "--bridge=none", "--iptables=false", "--ip6tables=false"], {
      stdio: ["ignore", log, log],
      detached: true,
    });
    closeSync(log);
    await answers(daemon, socketPath, join(directory, "log"));
  };
  const engine: PrivateEngine = {
    directory,
    socketPath,
    host,
    port,
    pid: () => daemon?.pid ?? 0,
    docker,
    leftovers: () => leftovers(docker, data),
    start,
    signal: async (signal) => {
      if (daemon !== undefined) await endProcess(daemon, signal);
    },
    remove: async () => {
      if (daemon?.pid !== undefined) tryKill(daemon.pid, "SIGCONT");
      if (daemon !== undefined) await endProcess(daemon, "SIGTERM");
      await endEverything(directory);
      removeFolder(directory);
    },
  };
  try {
    await start();
    const image = join(directory, "image.tar");
    execFileSync("docker", ["save", "-o", image, BUSYBOX]);
    docker("load", "-i", image);
  } catch (error) {
    await engine.remove();
    throw error;
  }
  return engine;
}

async function answers(daemon: ChildProcess, socketPath: string, log: string): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    if (existsSync(socketPath) && isUp(socketPath)) return;
    if (daemon.exitCode !== null || daemon.signalCode !== null || Date.now() > deadline) {
      throw new Error(`the private dockerd does not answer:\n${readFileSync(log, "utf8").slice(-4000)}`);
    }
    await sleep(100);
  }
}

function isUp(socketPath: string): boolean {
  try {
    execFileSync("docker", ["-H", `unix://${socketPath}`, "version"], { stdio: "ignore", timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

function leftovers(docker: (...args: string[]) => string, data: string): string[] {
  const lines = (text: string, kind: string): string[] =>
    text.split("\n").flatMap((line) => (line ? [`${kind} ${line}`] : []));
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return [
    ...lines(docker("ps", "-a", "--format", "{{.Names}} {{.State}}"), "container"),
    ...lines(docker("volume", "ls", "-q"), "volume").filter((name) => /^volume [0-9a-f]{64}$/.test(name)),
    ...mounts
      .map((line) => line.split(" ")[4] ?? "")
      .flatMap((at) => (at.startsWith(`${data}/`) ? [`mount ${at}`] : [])),
  ];
}

async function endProcess(daemon: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = new Promise((resolve) => daemon.once("exit", resolve));
  daemon.kill(signal);
  const timer = setTimeout(() => daemon.kill("SIGKILL"), 20_000);
  await ended;
  clearTimeout(timer);
}

/** After dockerd: the containerd and the shims that a killed one left, and the mounts. */
async function endEverything(directory: string): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const own = hostProcesses().filter(({ command }) => command.includes(`${directory}/`));
    for (const { pid } of own) tryKill(pid, "SIGKILL");
    if (own.length === 0) break;
    await sleep(50);
  }
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  for (const at of mounts.filter((path) => path.startsWith(`${directory}/`)).reverse()) {
    execFileSync("umount", ["-l", at], { stdio: "ignore" });
  }
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** A TCP port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
