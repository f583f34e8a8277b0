/**
 * A warden, or what holds it, that is killed or hangs: the sandbox ends, everybody hears of it, and nothing is left.
 */
import { execFileSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSandbox, type Policy, type Sandbox, type SandboxOptions } from "../../src/mod.ts";
import {
  BUSYBOX,
  describeWith,
  emptyGroups,
  engineProblem,
  failure,
  type HostProcess,
  isRoot,
  leftAfter,
  makeWorkspace,
  ownWarden,
  removeFolder,
  sandboxFolders,
  scratchFolder,
  wardens,
  within,
} from "./support.ts";

const SETTLES_MS = 40_000;
const directory = scratchFolder("warden");
const workspace = makeWorkspace(directory);
const environment = { ...process.env };
const limits: Policy = isRoot ? { version: 1, process: { limits: { pids: 200 } } } : { version: 1 };
const policy: Policy = { ...limits, filesystem: { read: ["."], write: ["./out"] } };
let name: string;

beforeAll(async () => {
  const warden = await ownWarden(directory);
  name = warden.name;
  process.env.COFFERDAM_WARDEN = warden.path;
  process.env.TMPDIR = directory;
}, 120_000);

afterAll(() => {
  for (const key of ["COFFERDAM_WARDEN", "TMPDIR"]) {
    if (environment[key] === undefined) delete process.env[key];
    else process.env[key] = environment[key];
  }
  removeFolder(directory);
});

// What a failed case left must not fail the next one too.
afterEach(() => {
  for (const { pid } of wardens(name)) process.kill(pid, "SIGKILL");
});

/** The launcher, which is this process's child, and the warden below it. */
function localProcesses(): { launcher: HostProcess; inside: HostProcess } {
  const all = wardens(name);
  const launcher = all.find(({ parent }) => parent === process.pid);
  const inside = all.find(({ parent }) => parent === launcher?.pid);
  if (launcher === undefined || inside === undefined) throw new Error(`no sandbox: ${JSON.stringify(all)}`);
  return { launcher, inside };
}

async function expectToEnd(sandbox: Sandbox, strike: () => void): Promise<void> {
  const pending = [
    sandbox.exec(["sleep", "1000"]),
    sandbox.spawn(["sh"], { pty: true }).then((command) => command.exited),
    sandbox.exec(["cat"], { stdin: neverEnds(sandbox) }),
  ].map((work) => failure(SETTLES_MS, work, "LINK_LOST"));
  await sandbox.exec(["true"]);
  strike();
  await Promise.all(pending);
  expect(await within(SETTLES_MS, "its end", sandbox.ended)).toBeTruthy();
  await failure(SETTLES_MS, sandbox.exec(["true"]), "LINK_LOST");
  await failure(SETTLES_MS, sandbox.files.read("a/1"), "LINK_LOST");
  await within(SETTLES_MS, "stop()", sandbox.stop());
}

async function* neverEnds(sandbox: Sandbox): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(10);
  await sandbox.ended;
}

describe("on the local runtime", () => {
  const create = (options: SandboxOptions = {}) => createSandbox(policy, { runtime: "local", workspace, ...options });

  const nothingLeft = async (sandbox: Sandbox): Promise<void> => {
    expect(await leftAfter(SETTLES_MS, () => wardens(name).map(({ pid }) => String(pid)))).toEqual([]);
    const own = () =>
      [...sandboxFolders(directory), ...emptyGroups()].filter((path) => path.endsWith(`-${sandbox.id}`));
    expect(await leftAfter(5000, own)).toEqual([]);
  };

  test("a warden that is killed", { timeout: 90_000 }, async () => {
    const sandbox = await create();
    await expectToEnd(sandbox, () => process.kill(localProcesses().inside.pid, "SIGKILL"));
    await nothingLeft(sandbox);
  });

  test("a warden that hangs", { timeout: 90_000 }, async () => {
    const sandbox = await create({ heartbeatMs: 200 });
    await expectToEnd(sandbox, () => process.kill(localProcesses().inside.pid, "SIGSTOP"));
    await nothingLeft(sandbox);
  });

  test("a launcher that is told to end", { timeout: 90_000 }, async () => {
    const sandbox = await create();
    await expectToEnd(sandbox, () => process.kill(localProcesses().launcher.pid, "SIGTERM"));
    await nothingLeft(sandbox);
  });

  test("a launcher that is killed", { timeout: 90_000 }, async () => {
    const sandbox = await create();
    await expectToEnd(sandbox, () => process.kill(localProcesses().launcher.pid, "SIGKILL"));
    await nothingLeft(sandbox);
  });

  test("stop() while it hangs", { timeout: 90_000 }, async () => {
    const sandbox = await create();
    process.kill(localProcesses().inside.pid, "SIGSTOP");
    await within(SETTLES_MS, "stop()", sandbox.stop());
    await nothingLeft(sandbox);
  });
});

describeWith(engineProblem(), "on docker", () => {
  const create = (options: SandboxOptions = {}) =>
    createSandbox(policy, { runtime: "docker", image: BUSYBOX, workspace, ...options });
  const containers = (sandbox: Sandbox): string[] =>
    execFileSync("docker", ["ps", "-aq", "--filter", `label=dev.cofferdam.sandbox=${sandbox.id}`], { encoding: "utf8" })
      .split("\n")
      .filter(Boolean);
  const inContainer = (sandbox: Sandbox, signal: string): void => {
    const pid = execFileSync("docker", ["inspect", "-f", "{{.State.Pid}}", `cofferdam-${sandbox.id}`], {
      encoding: "utf8",
    });
    process.kill(Number(pid), signal);
  };
  const volumesOf = (sandbox: Sandbox): string[] =>
    execFileSync("docker", ["inspect", "-f", "{{range .Mounts}}{{.Name}} {{end}}", `cofferdam-${sandbox.id}`], {
      encoding: "utf8",
    })
      .split(/\s+/)
      .filter((volume) => /^[0-9a-f]{64}$/.test(volume));
  const volumes = (): string[] => execFileSync("docker", ["volume", "ls", "-q"], { encoding: "utf8" }).split("\n");

  const cases: [string, string, SandboxOptions][] = [
    ["dies", "SIGKILL", {}],
    ["hangs", "SIGSTOP", { heartbeatMs: 200 }],
  ];
  test.each(cases)("a warden that %s", { timeout: 120_000 }, async (_what, signal, options) => {
    const sandbox = await create(options);
    const own = volumesOf(sandbox);
    expect(own).toHaveLength(1);
    await expectToEnd(sandbox, () => inContainer(sandbox, signal));
    expect(await leftAfter(SETTLES_MS, () => containers(sandbox))).toEqual([]);
    expect(await leftAfter(5000, () => volumes().filter((volume) => own.includes(volume)))).toEqual([]);
  });

  test("a container that somebody removes", { timeout: 120_000 }, async () => {
    const sandbox = await create();
    const own = volumesOf(sandbox);
    await expectToEnd(sandbox, () =>
      execFileSync("docker", ["rm", "-fv", `cofferdam-${sandbox.id}`], { stdio: "ignore" }),
    );
    expect(containers(sandbox)).toEqual([]);
    expect(await leftAfter(5000, () => volumes().filter((volume) => own.includes(volume)))).toEqual([]);
  });

  test("a container that somebody pauses", { timeout: 120_000 }, async () => {
    const sandbox = await create({ heartbeatMs: 200 });
    await expectToEnd(sandbox, () => execFileSync("docker", ["pause", `cofferdam-${sandbox.id}`], { stdio: "ignore" }));
    expect(await leftAfter(SETTLES_MS, () => containers(sandbox))).toEqual([]);
  });
});
