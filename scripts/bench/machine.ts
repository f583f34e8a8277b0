/** What the benches run on. */
import { access, mkdtemp, realpath } from "node:fs/promises";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand, works } from "./command.ts";
import type { BenchContext } from "./types.ts";

const IMAGE = "cofferdam-test-debian:latest";
const SANDBOX_RUNTIME = ".cache/bench/node_modules/@anthropic-ai/sandbox-runtime";

/** The machine, for whoever reads the numbers elsewhere. */
export interface Machine {
  readonly date: string;
  readonly kernel: string;
  readonly processor: string;
  readonly node: string;
  readonly docker: string;
  readonly user: string;
  /** The load of the last minute, before the benches began. */
  readonly load: number;
}

/** Describes this machine. */
export async function describeMachine(): Promise<Machine> {
  const engine = await runCommand(["docker", "version", "--format", "{{.Server.Version}}"]).catch(() => "none");
  const [first] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    kernel: release(),
    processor: `${cpus().length} × ${first?.model ?? "unknown"}`,
    node: process.version,
    docker: engine.toString().trim(),
    user: process.getuid?.() === 0 ? "root" : "an ordinary user",
    load: loadavg()[0] ?? 0,
  };
}

/** Looks what there is to compare with, and says what is missing. */
export async function openContext(
  quick: boolean,
  progress: BenchContext["progress"],
): Promise<{ context: BenchContext; missing: string[] }> {
  const missing: string[] = [];
  const has = async (what: string, check: Promise<boolean>) => {
    const found = await check;
    if (!found) missing.push(what);
    return found;
  };
  const image = await has(`docker with the image ${IMAGE}`, works("docker", "image", "inspect", IMAGE));
  const bubblewrap = await has("bubblewrap", works("bwrap", "--ro-bind", "/", "/", "/bin/true"));
  const installed = access(SANDBOX_RUNTIME).then(
    () => true,
    () => false,
  );
  const sandboxRuntime = await has("sandbox-runtime", installed);
  const context: BenchContext = {
    quick,
    progress,
    bubblewrap,
    scratch: await mkdtemp(join(tmpdir(), "bench-cofferdam-")),
    label: process.env.COFFERDAM_BENCH_LABEL ?? `cofferdam.bench=${process.pid}`,
    image: image ? IMAGE : undefined,
    sandboxRuntime: sandboxRuntime ? await realpath(SANDBOX_RUNTIME) : undefined,
  };
  return { context, missing };
}
