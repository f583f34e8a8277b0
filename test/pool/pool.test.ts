import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  createPool,
  definePlugin,
  deny,
  type Policy,
  type Pool,
  type PoolOptions,
  SandboxError,
  verifyAuditLog,
} from "../../src/mod.ts";
import { BUSYBOX, describeWith, engineProblem, isRoot, leftAfter, ownWarden, wardens } from "../faults/support.ts";

const POLICY: Policy = { version: 1, filesystem: { write: ["."] } };
const folder = mkdtempSync(join(tmpdir(), "pool-"));
let name = "";
const pools: Pool[] = [];

beforeAll(async () => {
  const warden = await ownWarden(folder);
  name = warden.name;
  process.env.COFFERDAM_WARDEN = warden.path;
}, 120_000);

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  expect(await leftAfter(5000, () => wardens(name).map(({ command }) => command))).toEqual([]);
});

afterAll(() => {
  delete process.env.COFFERDAM_WARDEN;
  rmSync(folder, { recursive: true, force: true });
});

async function open(options: Partial<PoolOptions> = {}, policy: Policy = POLICY): Promise<Pool> {
  const pool = await createPool(policy, { runtime: "local", size: 1, ...options });
  pools.push(pool);
  return pool;
}

/** A folder of the host with one file. */
function workspace(text: string): string {
  const path = mkdtempSync(join(folder, "workspace-"));
  writeFileSync(join(path, "file.txt"), text);
  if (isRoot) for (const each of [path, join(path, "file.txt")]) chownSync(each, 1000, 1000);
  return path;
}

describe("createPool", () => {
  test("has sandboxes ready, each of which is used once", async () => {
    const pool = await open({ size: 2 });
    await pool.ready();
    expect(pool.counts).toEqual({ ready: 2, starting: 0, inUse: 0, waiting: 0 });
    const first = await pool.acquire();
    expect(pool.counts.inUse).toBe(1);
    await first.files.write("left.txt", "by the first");
    expect((await first.exec(["cat", "left.txt"])).stdout).toBe("by the first");
    await first.stop();
    const ids = new Set([first.id]);
    for (let i = 0; i < 4; i++) {
      await using next = await pool.acquire();
      ids.add(next.id);
      expect(await next.files.list(".")).toEqual([]);
    }
    expect(ids.size).toBe(5);
    await expect.poll(() => pool.counts.inUse).toBe(0);
  });

  test("gives each caller hooks, environment, records and an approver of its own", async () => {
    const pool = await open({ size: 2 });
    const quiet = definePlugin(() => ({
      name: "quiet",
      hooks: { filesystem: { access: { paths: ["**/*.pem"], handler: () => deny("keys stay private") } } },
    }));
    const file = join(folder, "audit.jsonl");
    await using hooked = await pool.acquire({ plugins: [quiet()], env: { WHO: "hooked" }, audit: { file } });
    await using plain = await pool.acquire();
    const script = 'echo "$WHO"; echo key >a.pem; cat a.pem';
    expect((await hooked.exec(["sh", "-c", script])).stdout).toBe("hooked\n");
    expect((await plain.exec(["sh", "-c", script])).stdout).toBe("\nkey\n");
    expect([hooked.enforcement.mode, plain.enforcement.mode]).toEqual(["emulated", "trapped"]);
    expect(hooked.decisions().some(({ verdict, sandbox }) => verdict === "deny" && sandbox === hooked.id)).toBe(true);
    expect(plain.decisions().filter(({ verdict }) => verdict === "deny")).toEqual([]);
    await hooked.stop();
    expect((await verifyAuditLog(file)).records).toBeGreaterThan(3);
    expect(readFileSync(file, "utf8")).not.toContain(plain.id);
  });

  test("puts a narrower policy in force from the start, and refuses a wider one", async () => {
    const pool = await open();
    const narrow: Policy = { version: 1, filesystem: { read: ["."], write: ["./out"], deny: ["./out/secret"] } };
    await using sandbox = await pool.acquire({ policy: narrow });
    const tried = await sandbox.exec(["sh", "-c", "echo x >top; echo x >/tmp/fine; cat /tmp/fine"]);
    expect(tried.stdout).toBe("x\n");
    expect(tried.stderr).toMatch(/top: (Permission denied|Read-only file system)/);
    expect(sandbox.policy).toMatchObject({ policy: narrow, generation: 1 });
    const wide: Policy = { version: 1, filesystem: { write: ["."], read: ["/srv"] } };
    await expect(pool.acquire({ policy: wide })).rejects.toMatchObject({ code: "POLICY_WIDENS" });
    expect(pool.counts.inUse).toBe(1);
  });

  test.each(["copy", "overlay"] as const)("makes a workspace's %s when it is acquired, not before", async (mode) => {
    const path = workspace("before");
    const pool = await open({ workspace: { path, mode } });
    await pool.ready();
    writeFileSync(join(path, "file.txt"), "after");
    mkdirSync(join(path, "new"));
    await using sandbox = await pool.acquire();
    expect(await sandbox.files.readText("file.txt")).toBe("after");
    expect((await sandbox.files.list(".")).map((entry) => entry.name).sort()).toEqual(["file.txt", "new"]);
    await sandbox.files.write("file.txt", "changed inside");
    expect(readFileSync(join(path, "file.txt"), "utf8")).toBe("after");
  });

  test("does not show a mounted folder that is another one by now", async () => {
    const path = workspace("old");
    const pool = await open({ workspace: { path, mode: "mount" } });
    await pool.ready();
    renameSync(path, `${path}-old`);
    renameSync(workspace("new"), path);
    await using sandbox = await pool.acquire();
    expect(await sandbox.files.readText("file.txt")).toBe("new");
  });

  test("looks up the names of a mounted folder when it is used", async () => {
    const path = workspace("private");
    const policy: Policy = { version: 1, filesystem: { write: ["."], deny: ["./link/**"] } };
    const pool = await open({ workspace: { path, mode: "mount" } }, policy);
    await pool.ready();
    mkdirSync(join(path, "folder"), { mode: 0o755 });
    writeFileSync(join(path, "folder/key"), "private", { mode: 0o644 });
    symlinkSync("folder", join(path, "link"));
    await using sandbox = await pool.acquire();
    expect((await sandbox.exec(["cat", "folder/key"])).exitCode).not.toBe(0);
    expect((await sandbox.exec(["cat", "file.txt"])).stdout).toBe("private");
  });

  test("has the policy in force already, and takes another one with it", async () => {
    const granted = "/var/lib/dpkg/status";
    const pool = await open({ size: 2 }, { version: 1, filesystem: { write: ["."], read: [granted] } });
    await pool.ready();
    await using same = await pool.acquire();
    expect((await same.exec(["head", "-c", "8", granted])).stdout).toBe("Package:");
    await using narrower = await pool.acquire({ policy: POLICY, heartbeatMs: 50 });
    expect((await narrower.exec(["cat", granted])).exitCode).not.toBe(0);
    expect((await narrower.exec(["sh", "-c", "echo x > file && cat file"])).stdout).toBe("x\n");
  });

  test("does not give away a sandbox that died", async () => {
    const problems: Error[] = [];
    const pool = await open({ onProblem: (error) => problems.push(error) });
    await pool.ready();
    for (const { pid } of wardens(name)) process.kill(pid, "SIGKILL");
    await using sandbox = await pool.acquire();
    expect((await sandbox.exec(["echo", "alive"])).stdout).toBe("alive\n");
    expect(problems.length).toBeLessThanOrEqual(1);
  });

  test("lets callers wait while the memory that it may use is taken", async () => {
    const policy: Policy = { ...POLICY, process: { limits: { memory: "64MiB", mode: "best-effort" } } };
    const pool = await open({ size: 0, maxMemoryBytes: 130 * 1024 ** 2 }, policy);
    const [first, second] = await Promise.all([pool.acquire(), pool.acquire()]);
    const third = pool.acquire();
    await expect(pool.acquire({ timeoutMs: 50 })).rejects.toMatchObject({
      code: "POOL_EXHAUSTED",
      details: { reason: "late", inUse: 2 },
    });
    await first.stop();
    expect((await (await third).exec(["echo", "third"])).stdout).toBe("third\n");
    await second.stop();
  });

  test("ends everything when it is closed, what is in use too", async () => {
    const pool = await open({ size: 2 });
    await pool.ready();
    const used = await pool.acquire();
    const running = used.exec(["sleep", "1000"]).catch((error: unknown) => error);
    const late = pool.acquire().catch((error: unknown) => error);
    await pool.close();
    await pool.close();
    expect(SandboxError.is(await running)).toBe(true);
    expect(await used.ended).toBe("stopped");
    expect(SandboxError.is(await late, "POOL_CLOSED")).toBe(true);
    await expect(pool.acquire()).rejects.toMatchObject({ code: "POOL_CLOSED" });
    expect(pool.counts).toEqual({ ready: 0, starting: 0, inUse: 0, waiting: 0 });
  });

  test("gives its place back when a caller's plugin fails, or the caller gives up", async () => {
    const pool = await open({ size: 0, maxSandboxes: 1 });
    const broken = { name: "broken", setup: () => Promise.reject(new Error("no")) };
    await expect(pool.acquire({ plugins: [broken] })).rejects.toMatchObject({ code: "PLUGIN_INVALID" });
    const signal = AbortSignal.abort();
    await expect(pool.acquire({ signal })).rejects.toMatchObject({ code: "ABORTED" });
    await using sandbox = await pool.acquire();
    expect(sandbox.enforcement.runtime).toBe("local");
  });

  test("tells who waits why there is none", async () => {
    const pool = await open({ size: 0 }, { version: 1, filesystem: { read: ["/no/such/place"] } });
    await expect(pool.acquire()).rejects.toMatchObject({ code: "PATH_MISSING" });
    await expect(pool.ready()).resolves.toBeUndefined();
  });
});

describe("the options of createPool", () => {
  test.each<[string, Partial<PoolOptions>, string]>([
    ["a size that is no number", { size: Number.NaN }, "size"],
    ["more kept ready than may exist", { size: 3, maxSandboxes: 2 }, "size"],
    ["a bound on memory where sandboxes have none", { maxMemoryBytes: 1024 }, "maxMemoryBytes"],
    ["hooks, which are one sandbox's own", { plugins: [] } as Partial<PoolOptions>, "plugins"],
    ["what nobody knows", { sise: 1 } as Partial<PoolOptions>, "sise"],
  ])("refuse %s", async (_, options, argument) => {
    await expect(open(options)).rejects.toMatchObject({ code: "ARGUMENT_INVALID", details: { argument } });
  });

  test("of acquire refuse what is the pool's", async () => {
    const pool = await open({ size: 0 });
    const acquiring = pool.acquire({ image: "debian" } as object);
    await expect(acquiring).rejects.toMatchObject({ code: "ARGUMENT_INVALID", details: { argument: "image" } });
  });
});

describeWith(engineProblem(), "createPool on docker", () => {
  test("copies a workspace when it is acquired, and leaves nothing", async () => {
    const path = workspace("before");
    const pool = await open({ runtime: "docker", image: BUSYBOX, workspace: path });
    await pool.ready();
    writeFileSync(join(path, "file.txt"), "after");
    await using sandbox = await pool.acquire();
    expect(await sandbox.files.readText("file.txt")).toBe("after");
    const other = await pool.acquire();
    expect(other.id).not.toBe(sandbox.id);
    await pool.close();
    expect(await other.ended).toBe("stopped");
  });
});
