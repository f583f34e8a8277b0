/** What inspection costs: requests over HTTPS and bytes through a sandbox, beside the same without one. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createSandbox, type NetworkRule, type Sandbox, type SandboxOptions } from "../../../src/mod.ts";
import { runCommand } from "../command.ts";
import { EVENTS, HTTP1, HTTP2, MANY, NAME, ROW } from "../https-client.ts";
import { addedTo, atMost, interleave, quantile, rate } from "../measure.ts";
import type { Bench, BenchContext, Contestant, Row, Table } from "../types.ts";

const MIB = 1024 * 1024;
const INSIDE = "cofferdam, inspected";
const OUTSIDE = "outside";

/** The host of `https-host.ts`. */
interface Host {
  readonly https: number;
  readonly http: number;
  readonly certificate: string;
}

/** Runs a client of `https-client.ts`, or curl. */
interface Side {
  node(source: string, count: number, path: string): Promise<number[]>;
  /** In millions of bytes a second. */
  download(scheme: "https" | "http", bytes: number, ...args: readonly string[]): Promise<number>;
}

/** The bench. */
export const httpsBench: Bench = {
  key: "https",
  async *run(context) {
    const script = new URL("../https-host.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--import", "tsx", script], {
      stdio: ["pipe", "pipe", "inherit"],
      // Where it is told to find its loader.
      cwd: new URL("../../..", import.meta.url).pathname,
    });
    try {
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      const host = JSON.parse(line.toString()) as Host;
      const trusted = join(context.scratch, "host.pem");
      await writeFile(trusted, host.certificate);
      const outside = outsideOf(host, trusted);
      yield* inRuntime(context, "local", { runtime: "local" }, host, outside);
      if (context.image === undefined) return;
      yield* inRuntime(context, "docker", { runtime: "docker", image: context.image }, host, outside);
    } finally {
      child.stdin.end();
      child.kill();
    }
  },
};

async function* inRuntime(
  context: BenchContext,
  where: string,
  options: SandboxOptions,
  host: Host,
  outside: Side,
): AsyncIterable<Table> {
  const there = { host: NAME, addresses: ["127.0.0.1"] };
  const allow: NetworkRule[] = [
    { ...there, ports: [host.https], http: { access: "full" } },
    { ...there, ports: [host.http] },
  ];
  await using sandbox = await createSandbox(
    { version: 1, filesystem: { write: ["."] }, network: { allow } },
    { ...options, resolver: () => ["127.0.0.1"], certificates: [host.certificate] },
  );
  const inside = insideOf(sandbox, host);
  yield* latencies(context, where, inside, outside);
  yield* downloads(context, where, inside, outside);
  yield await many(context, where, inside, outside);
  yield await steadiness(context, where, inside);
}

/** A round is one program; of its requests count the middle one, and the slowest but for one in a hundred. */
async function* latencies(context: BenchContext, where: string, inside: Side, outside: Side): AsyncIterable<Table> {
  const kinds = [
    { title: "a request over HTTP/1.1, warm", source: HTTP1, path: "/", count: 500 },
    { title: "a request over HTTP/2, warm", source: HTTP2, path: "/", count: 500 },
    { title: "the first byte of an event stream", source: EVENTS, path: "/events", count: 30 },
  ];
  for (const { title, source, path, count } of kinds) {
    const slow = new Map<string, number[]>([
      [INSIDE, []],
      [OUTSIDE, []],
    ]);
    const contestant = (name: string, side: Side): Contestant => ({
      name,
      run: async () => {
        const times = await side.node(source, count, path);
        slow.get(name)?.push(quantile(times, 0.99));
        return quantile(times, 0.5);
      },
    });
    const rounds = { full: 10, quick: 3, warmUp: 1 };
    const rows = await interleave(context, [contestant(INSIDE, inside), contestant(OUTSIDE, outside)], rounds);
    // What warmed up counts on neither side.
    const counted = rows[0]?.samples.length ?? 0;
    const p99 = [...slow].map(([name, samples]): Row => ({ name, samples: samples.slice(-counted) }));
    const added = { ...addedTo(rows, INSIDE, OUTSIDE, "cofferdam adds, p50"), target: atMost(2, "ms") };
    const addedSlow = { ...addedTo(p99, INSIDE, OUTSIDE, "cofferdam adds, p99"), target: atMost(5, "ms") };
    const notes = [`each sample is of ${count} requests of one program, one after the other`];
    yield { title: `${title}, ${where}`, unit: "ms", rows: [...rows, added, addedSlow], notes };
  }
}

async function* downloads(context: BenchContext, where: string, inside: Side, outside: Side): AsyncIterable<Table> {
  const bytes = (context.quick ? 128 : 256) * MIB;
  const atLeast = (value: number) => ({ text: `≥ ${value} MB/s`, bound: () => value });
  const kinds = [
    { title: "a download, not inspected", scheme: "http", args: [], target: atLeast(200) },
    { title: "a download over HTTP/1.1", scheme: "https", args: ["--http1.1"], target: atLeast(80) },
    { title: "a download over HTTP/2", scheme: "https", args: ["--http2"], target: atLeast(80) },
  ] as const;
  for (const { title, scheme, args, target } of kinds) {
    const ours = { name: "cofferdam", target, run: () => inside.download(scheme, bytes, ...args) };
    const theirs = { name: OUTSIDE, run: () => outside.download(scheme, bytes, ...args) };
    const rows = await interleave(context, [ours, theirs], { full: 7, quick: 2, warmUp: 1 });
    yield { title: `${title}, ${where}`, unit: "MB/s", rows, notes: [`${bytes / MIB} MiB, by curl`] };
  }
}

async function many(context: BenchContext, where: string, inside: Side, outside: Side): Promise<Table> {
  const count = 1000;
  const contestant = (name: string, side: Side): Contestant => ({
    name,
    run: async () => (await side.node(MANY, count, "/"))[0] ?? Number.NaN,
  });
  const contestants = [contestant(INSIDE, inside), contestant(OUTSIDE, outside)];
  const rows = await interleave(context, contestants, { full: 3, quick: 1, warmUp: 0 });
  const notes = ["each has its handshake and one request; all are open before the first is closed"];
  return { title: `${count} connections at one time, ${where}`, unit: "ms", rows, notes };
}

/** What stays of many connections and of a large download: descriptors and memory of this process. */
async function steadiness(context: BenchContext, where: string, inside: Side): Promise<Table> {
  const connections = context.quick ? 500 : 10_000;
  const bytes = context.quick ? 256 * MIB : 2048 * MIB;
  await inside.node(ROW, 100, "/");
  await idle();
  const before = await descriptors();
  await inside.node(ROW, connections, "/");
  await idle();
  const grown = (await descriptors()) - before;
  await inside.download("https", 64 * MIB);
  gc?.();
  const memory = process.memoryUsage.rss();
  const seen: number[] = [];
  const timer = setInterval(() => seen.push((process.memoryUsage.rss() - memory) / 1e6), 250);
  await inside.download("https", bytes);
  clearInterval(timer);
  const notes = [`${connections} connections in a row left ${grown} more descriptors open in this process`];
  const rows = [{ name: "this process has more, RSS", samples: seen }];
  return { title: `memory in a download of ${bytes / MIB} MiB, ${where}`, unit: "MB", rows, notes };
}

/** Kept connections to hosts are closed after a while; those of the sandbox at once. */
function idle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1000));
}

async function descriptors(): Promise<number> {
  return (await readdir("/proc/self/fd")).length;
}

function insideOf(sandbox: Sandbox, { https, http }: Host): Side {
  return {
    node: async (source, count, path) => {
      const argv = ["node", "-e", source, NAME, String(https), String(count), path] as const;
      return JSON.parse((await sandbox.exec(argv, { check: true, timeoutMs: 600_000 })).stdout) as number[];
    },
    download: async (scheme, bytes, ...args) => {
      const url = `${scheme}://${NAME}:${scheme === "https" ? https : http}/${bytes}`;
      const { stdout } = await sandbox.exec([...CURL, ...args, url], { check: true, timeoutMs: 600_000 });
      return speed(stdout, bytes);
    },
  };
}

function outsideOf({ https, http }: Host, trusted: string): Side {
  return {
    node: async (source, count, path) => {
      const argv = ["-e", source, "127.0.0.1", String(https), String(count), path];
      const env = `NODE_EXTRA_CA_CERTS=${trusted}`;
      return JSON.parse((await runCommand(["env", env, "node", ...argv])).toString()) as number[];
    },
    download: async (scheme, bytes, ...args) => {
      const port = scheme === "https" ? https : http;
      const there = ["--resolve", `${NAME}:${port}:127.0.0.1`, "--cacert", trusted];
      const url = `${scheme}://${NAME}:${port}/${bytes}`;
      return speed((await runCommand([...CURL, ...there, ...args, url])).toString(), bytes);
    },
  };
}

const CURL = ["curl", "-sS", "-o", "/dev/null", "-w", "%{size_download} %{time_total}"] as const;

function speed(told: string, bytes: number): number {
  const [size, seconds] = told.split(" ").map(Number);
  if (size !== bytes || seconds === undefined) throw new Error(`curl says ${told}`);
  return rate(bytes, seconds * 1000);
}
