/**
 * A Docker engine that goes away, hangs, is full or is far away. Each test has engines of its own.
 */
import { execFileSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSandbox, type Policy, runtimeProblem, type Sandbox, type SandboxOptions } from "../../src/mod.ts";
import { type PrivateEngine, privateEngineProblem, startPrivateEngine } from "./private-engine.ts";
import {
  BUSYBOX,
  describeWith,
  failure,
  hostProcesses,
  leftAfter,
  makeWorkspace,
  removeFolder,
  scratchFolder,
  within,
} from "./support.ts";

const SETTLES_MS = 45_000;
const policy: Policy = { version: 1, filesystem: { read: ["."], write: ["./out"] } };
const directory = scratchFolder("remote");
const workspace = makeWorkspace(directory);

afterAll(() => removeFolder(directory));

function create(engine: PrivateEngine, options: SandboxOptions = {}): Promise<Sandbox> {
  const docker = { socketPath: engine.socketPath };
  return createSandbox(policy, { runtime: "docker", image: BUSYBOX, docker, ...options });
}

/** Work of every kind that is under way while something happens to the engine. */
function pendingWork(sandbox: Sandbox): readonly Promise<unknown>[] {
  return [
    sandbox.exec(["sleep", "314159"]),
    sandbox.exec(["cat"], {
      stdin: (async function* () {
        yield new Uint8Array(1000);
        await sandbox.ended;
      })(),
    }),
    sandbox.spawn(["sh"], { pty: true }).then((command) => command.exited),
    sandbox.spawn(["sleep", "314159"]).then((command) => command.gone),
  ];
}

describeWith(privateEngineProblem(), "an engine that", () => {
  let engine: PrivateEngine;

  beforeAll(async () => {
    engine = await startPrivateEngine();
  }, 120_000);
  afterAll(async () => engine?.remove(), 60_000);

  const sleepers = () =>
    hostProcesses()
      .filter(({ command }) => command.startsWith("sleep 314159 "))
      .map(({ pid }) => String(pid));
  const leftSince = (before: readonly string[]) =>
    leftAfter(10_000, () => engine.leftovers().filter((each) => !before.includes(each)));

  test.each(["SIGTERM", "SIGKILL"] as const)("ends by %s while commands run", { timeout: 180_000 }, async (signal) => {
    const before = engine.leftovers();
    // Where dockerd is killed, what holds the container keeps the link open: the warden notices by the silence.
    const sandbox = await create(engine, { heartbeatMs: 500 });
    const pending = pendingWork(sandbox).map((work) => failure(SETTLES_MS, work, "LINK_LOST"));
    await sandbox.exec(["true"]);
    const stopping = engine.signal(signal);
    await Promise.all(pending);
    await within(SETTLES_MS, "the sandbox's end", sandbox.ended);
    await within(SETTLES_MS, "stop()", sandbox.stop());
    await failure(SETTLES_MS, sandbox.exec(["true"]));
    await stopping;
    await failure(SETTLES_MS, create(engine), "RUNTIME_UNAVAILABLE");
    expect(await runtimeProblem("docker", { docker: { socketPath: engine.socketPath } })).toMatch(/engine/);
    expect(await leftAfter(20_000, sleepers)).toEqual([]);
    // The same process goes on as soon as an engine answers again.
    await engine.start();
    const next = await create(engine);
    expect(await next.exec(["echo", "again"])).toMatchObject({ stdout: "again\n" });
    await next.stop();
    expect(await leftSince(before)).toEqual([]);
  });

  test("ends while sandboxes are created", { timeout: 180_000 }, async () => {
    const before = engine.leftovers();
    const starts = Array.from({ length: 6 }, () => create(engine, { workspace }));
    const outcomes = starts.map((start) =>
      within(
        SETTLES_MS,
        "a start",
        start.then(
          (s) => s.stop(),
          (error) => error,
        ),
      ),
    );
    await starts[0]?.catch(() => undefined);
    await engine.signal("SIGKILL");
    for (const outcome of await Promise.all(outcomes)) {
      if (outcome !== undefined) expect(outcome).toMatchObject({ name: "SandboxError" });
    }
    await engine.start();
    await (await create(engine)).stop();
    // A layer that the killed engine had mounted for itself, for a container that it never made, is its own affair; and so is a
    // volume that it had not given its labels yet: nobody can tell whose that is.
    const isOwn = (each: string) => {
      const volume = /^volume (\w+)$/.exec(each)?.[1];
      if (volume === undefined) return !/^mount .*-init\/merged$/.test(each);
      return engine.docker("volume", "inspect", "--format", "{{json .Labels}}", volume).includes("cofferdam");
    };
    const left = await leftAfter(10_000, () =>
      engine.leftovers().filter((each) => !before.includes(each) && isOwn(each)),
    );
    expect(left).toEqual([]);
  });

  test("hangs", { timeout: 180_000 }, async () => {
    const before = engine.leftovers();
    const sandbox = await create(engine, { heartbeatMs: 200 });
    const pending = pendingWork(sandbox).map((work) => failure(SETTLES_MS, work, "LINK_LOST"));
    await sandbox.exec(["true"]);
    process.kill(engine.pid(), "SIGSTOP");
    try {
      await Promise.all(pending);
      await within(SETTLES_MS, "stop()", sandbox.stop());
    } finally {
      process.kill(engine.pid(), "SIGCONT");
    }
    await (await create(engine)).stop();
    expect(await leftSince(before)).toEqual([]);
  });

  const overTcp = (): [string, () => Promise<SandboxOptions>][] => [
    ["options", async () => ({ docker: { host: "127.0.0.1", port: engine.port, protocol: "http" } })],
    [
      "DOCKER_HOST",
      async () => {
        process.env.DOCKER_HOST = `tcp://127.0.0.1:${engine.port}`;
        return {};
      },
    ],
  ];

  test.each(overTcp())("is reached over TCP by %s", { timeout: 120_000 }, async (_how, prepare) => {
    const before = engine.leftovers();
    const environment = process.env.DOCKER_HOST;
    try {
      const options = { runtime: "docker", image: BUSYBOX, ...(await prepare()) } as const;
      const sandbox = await createSandbox(policy, { ...options, workspace });
      expect(engine.docker("ps", "--format", "{{.Names}}")).toBe(`cofferdam-${sandbox.id}`);
      expect(
        await sandbox.exec(["sh", "-c", "ls a | wc -l; readlink a/escaping; cat"], { stdin: "input" }),
      ).toMatchObject({
        exitCode: 0,
        stdout: "11\n../../outside\ninput",
      });
      const large = new Uint8Array(3_000_000).fill(7);
      await sandbox.files.write("out/large", large);
      expect(Buffer.from(await sandbox.files.read("out/large")).equals(large)).toBe(true);
      await sandbox.stop();
      // The engine is on another machine, as far as one can tell: it does not have this folder.
      const mounted = createSandbox(policy, { ...options, workspace: { path: workspace, mode: "mount" } });
      await failure(SETTLES_MS, mounted, "WORKSPACE_UNUSABLE");
      expect(await leftSince(before)).toEqual([]);
    } finally {
      if (environment === undefined) delete process.env.DOCKER_HOST;
      else process.env.DOCKER_HOST = environment;
    }
  });
});

describeWith(privateEngineProblem(), "an engine whose disk is full", () => {
  let engine: PrivateEngine;

  beforeAll(async () => {
    engine = await startPrivateEngine((data) => {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", data]);
    });
  }, 120_000);
  afterAll(async () => engine?.remove(), 60_000);

  test("fails the start that fills it, and leaves nothing of it", { timeout: 120_000 }, async () => {
    const large = scratchFolder("large");
    try {
      writeFileSync(join(large, "file"), "");
      truncateSync(join(large, "file"), 200_000_000);
      const start = createSandbox(
        { version: 1, filesystem: { read: ["."] } },
        { runtime: "docker", image: BUSYBOX, docker: { socketPath: engine.socketPath }, workspace: large },
      );
      const error = await failure(SETTLES_MS, start, "START_FAILED");
      expect(error.message).toMatch(/space/);
      expect(await leftAfter(20_000, () => engine.leftovers())).toEqual([]);
      const next = await create(engine);
      expect(await next.exec(["true"])).toMatchObject({ exitCode: 0 });
      await next.stop();
    } finally {
      removeFolder(large);
    }
  });
});
