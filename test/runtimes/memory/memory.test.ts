import { describe, expect, test } from "vitest";
import {
  createPool,
  createSandbox,
  definePlugin,
  type Guest,
  GuestError,
  type Policy,
  runtimeProblem,
  type Sandbox,
  type SandboxOptions,
  substitute,
} from "../../../src/mod.ts";

const POLICY: Policy = { version: 1, filesystem: { write: ["."], deny: ["**/.env"] } };

function open(guest: Guest, policy: Policy = POLICY, options: SandboxOptions = {}): Promise<Sandbox> {
  return createSandbox(policy, { runtime: "memory", guest, ...options });
}

describe("the memory runtime", () => {
  test("is never taken for isolation", async () => {
    await using sandbox = await open({});
    expect(sandbox.enforcement).toMatchObject({
      runtime: "memory",
      isolation: "none",
      landlockAbi: 0,
      limits: "none",
      unixSockets: false,
    });
    expect(sandbox.enforcement.notes[0]).toContain("nothing is isolated");
    expect(await runtimeProblem("memory")).toBeUndefined();
    const start = [...(await collect(sandbox))].find(({ kind }) => kind === "sandbox.start");
    expect(start).toMatchObject({ runtime: "memory", enforcement: { isolation: "none" } });
  });

  test.each<[string, SandboxOptions]>([
    ["without a guest", { runtime: "memory" }],
    ["unless it is named", { guest: {} }],
    ["where another one is named", { guest: {}, runtime: "local" }],
  ])("is not chosen %s", async (_, options) => {
    await expect(createSandbox(POLICY, options)).rejects.toMatchObject({
      code: "ARGUMENT_INVALID",
      details: { argument: "guest" },
    });
  });

  test.each<[string, Policy, SandboxOptions, string]>([
    ["a workspace", POLICY, { workspace: "." }, "RUNTIME_UNAVAILABLE"],
    ["an image", POLICY, { image: "debian" }, "RUNTIME_UNAVAILABLE"],
    [
      "hashes of programs",
      { version: 1, process: { allow: [{ binary: "tool", sha256: "0".repeat(64) }] } },
      {},
      "POLICY_UNSUPPORTED",
    ],
    ["a grant of what is not there", { version: 1, filesystem: { read: ["./docs"] } }, {}, "PATH_MISSING"],
  ])("refuses %s instead of guessing", async (_, policy, options, code) => {
    await expect(open({}, policy, options)).rejects.toMatchObject({ code });
  });

  test("is not for pools", async () => {
    await expect(createPool(POLICY, { runtime: "memory", size: 1 })).rejects.toMatchObject({
      code: "ARGUMENT_INVALID",
    });
  });

  test("runs programs with arguments, environment, input and output", async () => {
    const guest: Guest = {
      programs: {
        report: async ({ argv, cwd, env, input, print, printError }) => {
          await print(`${argv.join(" ")} in ${cwd} for ${env.USER}: ${await input()}`);
          await printError("and that was it");
          return 3;
        },
      },
    };
    await using sandbox = await open(guest);
    const result = await sandbox.exec(["report", "x"], { stdin: "read me", cwd: "/tmp" });
    expect(result).toMatchObject({
      exitCode: 3,
      stdout: "report x in /tmp for agent: read me",
      stderr: "and that was it",
    });
    await expect(sandbox.exec(["report"], { cwd: "/nowhere" })).rejects.toMatchObject({
      details: { stage: "directory" },
    });
    await expect(sandbox.exec(["missing"])).rejects.toMatchObject({
      code: "EXEC_FAILED",
      details: { errno: "ENOENT" },
    });
    await expect(sandbox.spawn(["report"], { pty: true })).rejects.toMatchObject({ details: { errno: "EOPNOTSUPP" } });
    expect(sandbox.decisions()).toEqual([]);
  });

  test("lets a program react to what it is denied, and ends it with 1 if it does not", async () => {
    const guest: Guest = {
      files: { ".env": "TOKEN=1", "plain.txt": "plain" },
      programs: {
        careful: async (self) => {
          const error = await self.readText(".env").catch((reason: unknown) => reason);
          await self.print(error instanceof GuestError ? error.errno : "read");
          await self.print(` ${await self.readText("plain.txt")}`);
        },
        careless: async (self) => void (await self.read(".env")),
        broken: () => {
          throw new TypeError("a slip of its author");
        },
      },
    };
    await using sandbox = await open(guest);
    expect((await sandbox.exec(["careful"])).stdout).toBe("EACCES plain");
    expect(await sandbox.exec(["careless"])).toMatchObject({
      exitCode: 1,
      stderr: "careless: EACCES: /workspace/.env\n",
    });
    expect(await sandbox.exec(["broken"])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("a slip") });
    expect(sandbox.decisions()).toHaveLength(2);
    expect(sandbox.decisions()[0]).toMatchObject({
      operation: "read",
      object: "/workspace/.env",
      subject: { binary: "/usr/bin/careful" },
      verdict: "deny",
      ruleId: "filesystem.deny:./**/.env",
    });
    const notes = await sandbox.files.readText("/tmp/.cofferdam-denials");
    expect(JSON.parse(notes.split("\n")[0] ?? "")).toEqual({
      denied: "file",
      path: "/workspace/.env",
      why: "a rule of the policy denies it",
    });
  });

  test("judges programs that start programs, with their parents", async () => {
    const seen: (readonly string[])[] = [];
    const watch = definePlugin(() => ({
      name: "watch",
      hooks: { process: { start: ({ argv, parents }) => void seen.push([...argv, ...parents]) } },
    }));
    const guest: Guest = {
      programs: {
        make: async (self) => {
          const code = await self.start(["cc", "main.c"]);
          await self.start(["rm", "-rf", "/"]).catch(() => self.print(" no rm"));
          return code;
        },
        cc: async ({ argv, print }) => {
          await print(`compiled ${argv[1]}`);
          return 7;
        },
        rm: () => 0,
      },
    };
    const policy: Policy = { version: 1, process: { allow: ["make", "cc"] } };
    await using sandbox = await open(guest, policy, { plugins: [watch()] });
    expect(await sandbox.exec(["make"])).toMatchObject({ exitCode: 7, stdout: "compiled main.c no rm" });
    expect(seen).toEqual([["make"], ["cc", "main.c", "/usr/bin/make"]]);
    expect(sandbox.decisions().filter(({ verdict }) => verdict === "deny")).toMatchObject([
      { domain: "process", object: "/usr/bin/rm", argv: ["rm", "-rf", "/"] },
    ]);
  });

  test("gives a program what a hook substitutes, and asks no longer than the hooks may take", async () => {
    const redact = definePlugin(() => ({
      name: "redact",
      hooks: { filesystem: { access: { paths: ["./key"], handler: () => substitute("redacted") } } },
    }));
    const slow = definePlugin(() => ({
      name: "slow",
      hooks: {
        filesystem: {
          access: { paths: ["./slow"], timeoutMs: 20, handler: () => new Promise<undefined>(() => undefined) },
        },
      },
    }));
    const guest: Guest = {
      files: { key: "secret", slow: "slow" },
      programs: { cat: async (self) => self.print(await self.read(self.argv[1] ?? "")) },
    };
    await using sandbox = await open(guest, POLICY, { plugins: [redact(), slow()] });
    expect((await sandbox.exec(["cat", "key"])).stdout).toBe("redacted");
    expect((await sandbox.exec(["cat", "slow"])).exitCode).toBe(1);
    expect(sandbox.decisions().at(-1)).toMatchObject({ verdict: "deny", decidedBy: { kind: "plugin", name: "slow" } });
  });

  test("kills: by time, by signal, by abort, with the sandbox", async () => {
    const forever = (self: { readonly signal: AbortSignal }) =>
      new Promise<number>((resolve) => self.signal.addEventListener("abort", () => resolve(0)));
    let afterwards: unknown;
    const guest: Guest = {
      programs: {
        forever,
        stubborn: async (self) => {
          await forever(self);
          afterwards = await self.write("late", "x").catch((error: unknown) => error);
        },
      },
    };
    await using sandbox = await open(guest);
    expect(await sandbox.exec(["forever"], { timeoutMs: 10 })).toMatchObject({ timedOut: true, signal: "SIGKILL" });
    const spawned = await sandbox.spawn(["forever"]);
    spawned.signal("SIGTERM");
    expect(await spawned.exited).toMatchObject({ exitCode: null, signal: "SIGTERM" });
    await expect(sandbox.exec(["stubborn"], { signal: AbortSignal.timeout(10) })).rejects.toMatchObject({
      code: "ABORTED",
    });
    await expect.poll(() => afterwards).toMatchObject({ errno: "ESRCH" });
    expect(await sandbox.files.exists("late")).toBe(false);
    const last = sandbox.exec(["forever"]);
    last.catch(() => undefined);
    await sandbox.stop();
    await expect(last).rejects.toMatchObject({ code: "SANDBOX_STOPPED" });
  });

  test("makes a program wait for who reads its output", async () => {
    const size = 3_000_000;
    let printed = 0;
    const guest: Guest = {
      programs: {
        flood: async (self) => {
          for (; printed < size; printed += 100_000) await self.print(Buffer.alloc(100_000, "x"));
        },
      },
    };
    await using sandbox = await open(guest);
    await using command = await sandbox.spawn(["flood"]);
    await expect.poll(() => printed).toBeGreaterThan(0);
    expect(printed).toBeLessThan(size);
    let read = 0;
    for await (const { bytes } of command) read += bytes.length;
    expect(read).toBe(size);
    const kept = await sandbox.exec(["flood"], { maxOutputBytes: 10 });
    expect(kept).toMatchObject({ exitCode: 0, truncated: false });
  });

  test("has files for the host, under the agent's policy", async () => {
    await using sandbox = await open({ files: { "a/b.txt": "b", ".env": "x" } });
    await sandbox.files.write("c/d/e.txt", "e", { createParents: true });
    await sandbox.files.write("c/d/e.txt", "+", { append: true });
    expect(await sandbox.files.readText("c/d/e.txt")).toBe("e+");
    expect((await sandbox.files.list(".")).map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      ".env file",
      "a directory",
      "c directory",
    ]);
    expect(await sandbox.files.stat("a/b.txt")).toMatchObject({ size: 1, kind: "file", uid: 1000 });
    await sandbox.files.rename("a/b.txt", "c/b.txt");
    await expect(sandbox.files.rename("c", "z")).rejects.toMatchObject({ details: { errno: "EOPNOTSUPP" } });
    await expect(sandbox.files.remove("c")).rejects.toMatchObject({ details: { errno: "ENOTEMPTY" } });
    await sandbox.files.remove("c", { recursive: true });
    expect(await sandbox.files.exists("c/b.txt")).toBe(false);
    await expect(sandbox.files.read(".env")).rejects.toMatchObject({ code: "FILE_DENIED" });
    await expect(sandbox.files.write("/etc/new", "x")).rejects.toMatchObject({ code: "FILE_DENIED" });
    await expect(sandbox.files.read("a/b.txt")).rejects.toMatchObject({ code: "FILE_MISSING" });
  });

  test("changes its policy as a real one does", async () => {
    const cat: Guest = { files: { "x.txt": "x" }, programs: { cat: (self) => self.print(self.argv[1] ?? "") } };
    await using sandbox = await open(cat);
    await sandbox.files.write("x.txt", "y");
    await sandbox.setPolicy({ version: 1, filesystem: { read: ["."], deny: ["**/.env"] } });
    await expect(sandbox.files.write("x.txt", "z")).rejects.toMatchObject({ code: "FILE_DENIED" });
    await expect(sandbox.setPolicy(POLICY)).rejects.toMatchObject({ code: "POLICY_WIDENS" });
    expect(sandbox.policy.generation).toBe(2);
  });

  test("asks an approver, and takes its word", async () => {
    const guest: Guest = { files: { ask: "1" }, programs: { cat: async (self) => self.print(await self.read("ask")) } };
    const policy: Policy = { version: 1, filesystem: { read: ["."], ask: ["./ask"] } };
    await using yes = await open(guest, policy, { approve: () => true });
    await using no = await open(guest, policy, { approve: () => false, plugins: [{ name: "says-yes", hooks: {} }] });
    expect((await yes.exec(["cat"])).stdout).toBe("1");
    expect((await no.exec(["cat"])).exitCode).toBe(1);
  });
});

async function collect(sandbox: Sandbox): Promise<readonly { readonly kind: string }[]> {
  await sandbox.stop();
  const records: { readonly kind: string }[] = [];
  for await (const record of sandbox.events) records.push(record);
  return records;
}
