/**
 * The warden with the address and undefined-behaviour sanitizers, put to work on the local runtime: of all that is asked
 * of it here and in the conformance suite, nothing makes them say anything.
 */
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSandbox, type Policy, type Sandbox } from "../../src/mod.ts";
import { failure, removeFolder, scratchFolder, within } from "../faults/support.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const directory = scratchFolder("sanitizer");
const wrapper = join(directory, "warden");
const reports = join(directory, "reports");
const before = process.env.COFFERDAM_WARDEN;
const policy: Policy = { version: 1, filesystem: { read: ["/etc/hostname"], write: ["."] } };

beforeAll(() => {
  const warden = join(directory, "warden-sanitized");
  execFileSync("bash", [join(project, "scripts/build-sanitized-warden.sh"), warden], { stdio: "pipe" });
  writeFileSync(reports, "");
  // What the launcher, the warden and its helpers say goes to one file: the sanitizers say it there.
  writeFileSync(wrapper, `#!/bin/sh\nexec ${warden} "$@" 2>>${reports}\n`, { mode: 0o755 });
  process.env.COFFERDAM_WARDEN = wrapper;
}, 120_000);

afterAll(() => {
  if (before === undefined) delete process.env.COFFERDAM_WARDEN;
  else process.env.COFFERDAM_WARDEN = before;
  removeFolder(directory);
});

/** What the sanitizers found so far. The warden's own last words are none of it. */
function findings(): string {
  const said = readFileSync(reports, "utf8");
  return /Sanitizer|runtime error|SUMMARY/.test(said) ? said.slice(0, 20_000) : "";
}

/** A client that ends its half, leaves without a word, or reads nothing before it goes. */
function visit(port: number, turn: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  if (turn % 3 > 0) socket.resume();
  if (turn % 3 === 1) socket.once("data", () => socket.resetAndDestroy());
  socket.end(new Uint8Array(700_000));
  if (turn % 3 === 0) socket.once("readable", () => socket.destroy());
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

describe("a sanitized warden", () => {
  let sandbox: Sandbox;

  beforeAll(async () => {
    sandbox = await createSandbox(policy, { runtime: "local", heartbeatMs: 3000 });
  });
  afterAll(async () => {
    await sandbox?.stop();
    expect(await sandbox?.ended).toBe("stopped");
    expect(findings()).toBe("");
  });
  afterEach(() => expect(findings()).toBe(""));

  test("is one", () => {
    const symbols = readFileSync(join(directory, "warden-sanitized")).toString("latin1");
    expect(symbols).toContain("__asan_init");
    expect(symbols).toContain("__ubsan_handle");
  });

  test("runs programs of many kinds", async () => {
    const bytes = Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1));
    expect(Buffer.from((await sandbox.exec(["printf", "%s", bytes])).stdoutBytes).equals(bytes)).toBe(true);
    expect((await sandbox.exec(["sh", "-c", "cat; exit 9"], { stdin: new Uint8Array(900_000) })).exitCode).toBe(9);
    expect((await sandbox.exec(["env"], { env: { A: "b".repeat(100_000) } })).stdout.length).toBeGreaterThan(100_000);
    expect((await sandbox.exec(["sh", "-c", "kill -SEGV $$"])).signal).toBe("SIGSEGV");
    expect((await sandbox.exec(["sh", "-c", "sleep 100 & echo x"])).stdout).toBe("x\n");
    expect((await sandbox.exec(["head", "-c", "30000000", "/dev/zero"], { maxOutputBytes: 10 })).truncated).toBe(true);
    expect((await sandbox.exec(["sleep", "100"], { timeoutMs: 50 })).timedOut).toBe(true);
    expect((await sandbox.exec(["sh", "-c", "exec >&- 2>&-; sleep 0.1"])).exitCode).toBe(0);
    expect((await sandbox.exec(["true"], { cwd: "/tmp" })).exitCode).toBe(0);
    await failure(10_000, sandbox.exec(["no-such-program"]), "EXEC_FAILED");
    await failure(10_000, sandbox.exec(["/etc/hostname"]), "EXEC_FAILED");
    await failure(10_000, sandbox.exec(["true"], { cwd: "/no/where" }), "EXEC_FAILED");
    await failure(10_000, sandbox.exec(["x".repeat(300)]), "EXEC_FAILED");
    const long = Array.from({ length: 60 }, () => "a".repeat(100_000));
    await failure(10_000, sandbox.exec(["true", ...long]), "EXEC_FAILED", "ARGUMENT_INVALID");
  });

  test("does file operations of every kind", async () => {
    const { files } = sandbox;
    const large = new Uint8Array(3_000_000).fill(3);
    await files.write("a/b/c", large, { createParents: true });
    expect((await files.read("a/b/c")).length).toBe(large.length);
    await files.write("a/b/c", "x", { append: true });
    const name = Buffer.from([0x6e, 0x0a, 0xff, 0x80]);
    await files.write(Buffer.concat([Buffer.from("a/"), name]), "");
    expect((await files.list("a")).map((entry) => Buffer.from(entry.nameBytes).toString("hex")).sort()).toEqual([
      "62",
      "6e0aff80",
    ]);
    expect((await files.stat("a/b/c")).size).toBe(3_000_001);
    await files.rename("a/b/c", "a/d");
    await files.mkdir("e/f/g", { recursive: true });
    await failure(10_000, files.remove("a"), "FILE_FAILED", "FILE_DENIED");
    await files.remove("a", { recursive: true });
    await failure(10_000, files.read("a/d"), "FILE_MISSING");
    await failure(10_000, files.write("/etc/hostname", "x"));
    await failure(10_000, files.read("x".repeat(300)));
    const many = Array.from({ length: 2000 }, (_, index) => `many-${index}-${"n".repeat(100)}`);
    await sandbox.exec(["xargs", "touch"], { stdin: many.join("\n") });
    expect((await files.list(".")).length).toBeGreaterThanOrEqual(2000);
    let read = 0;
    for await (const chunk of files.readStream("many-1-".padEnd(107, "n"))) read += chunk.length;
    expect(read).toBe(0);
  });

  test("packs and unpacks trees, good ones and others", async () => {
    const { files } = sandbox;
    const entries = Array.from({ length: 600 }, (_, index) => ({
      path: `d${index % 7}/e${index % 5}/${"n".repeat(index % 200)}${index}`,
      content: "c".repeat((index * 997) % 200_000),
    }));
    await files.upload([...entries, { path: "l", kind: "symlink" as const, target: "t".repeat(4000) }], "tree");
    await sandbox.exec(["sh", "-c", "mkfifo tree/fifo; mkdir tree/shut; chmod 0 tree/shut; ln -s d0 tree/to"]);
    const target = join(directory, "downloaded");
    expect(await files.download("tree", target)).toMatchObject({ files: 600, skipped: 2 });
    await files.upload(target, "again");
    await failure(10_000, files.upload([{ path: "to/x" }], "tree"), "FILE_FAILED");
    await failure(10_000, files.upload([{ path: "d0" }], "tree"), "FILE_FAILED");
    await failure(10_000, files.upload([{ path: "x" }], "/etc"), "FILE_DENIED");
    const deep = Array.from({ length: 300 }, () => "d").join("/");
    await failure(10_000, files.upload([{ path: deep, kind: "directory" }], "deep"), "FILE_FAILED");
    // What was made of it until then is deeper than the host's side goes, too.
    await failure(10_000, files.download("deep", join(directory, "deep")), "FILE_FAILED");
  });

  test("watches folders that come, go and are moved about", async () => {
    await using watch = await sandbox.files.watch(".", { recursive: true });
    const script =
      "mkdir -p w/a/b w/c; echo > w/a/b/f; mv w/a w/d; mv w/d/b w/c; echo > w/c/b/f; mv w/c /tmp/c; rm -rf w; mkdir over";
    await sandbox.exec(["sh", "-c", script]);
    for await (const change of watch) if (change.kind !== "overflow" && change.path === "over") break;
    await failure(10_000, sandbox.files.watch("no/where"), "FILE_MISSING");
  });

  test("relays connections that end, break and are refused", async () => {
    const server = fileURLToPath(new URL("../conformance/server.c", import.meta.url));
    const program = join(directory, "server");
    execFileSync("cc", ["-static", "-o", program, server]);
    await sandbox.files.write("server", readFileSync(program), { mode: 0o755 });
    const jobs = ["echo", "tally", "bye", "pour", "reset"];
    const commands = await Promise.all(
      jobs.map((job, index) => sandbox.spawn(["./server", "127.0.0.1", String(4000 + index), job, "1000000"])),
    );
    const forwards = await Promise.all(jobs.map((_, index) => sandbox.forward(4000 + index, { waitMs: 20_000 })));
    forwards.push(await sandbox.forward(4999));
    await Promise.all([...forwards, ...forwards, ...forwards].map(({ port }, turn) => visit(port, turn)));
    for (const forward of forwards) await forward.close();
    for (const command of commands) await command.kill();
  });

  test("has terminals", async () => {
    // Whenever the interrupt comes, something of the foreground group is there to get it.
    const script = "trap 'exit 4' INT; trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done";
    const command = await sandbox.spawn(["sh", "-c", script], { pty: { rows: 10, columns: 20 } });
    let text = "";
    for await (const { bytes } of command) {
      text += Buffer.from(bytes).toString();
      if (text.endsWith("10 20\r\n")) command.resize({ rows: 44, columns: 55 });
      if (text.includes("44 55")) break;
    }
    await command.stdin.write("typed\n\x03");
    expect((await within(10_000, "the exit", command.exited)).exitCode).toBe(4);
    const abandoned = await sandbox.spawn(["sh", "-c", "trap '' HUP; sleep 100 & sleep 100"], { pty: true });
    await within(10_000, "its end", abandoned.kill());
  });

  test("kills trees, daemons and what hides", async () => {
    const script = "setsid sh -c 'sleep 271 & sleep 271' & (sleep 271 &) & sleep 271";
    const commands = await Promise.all(Array.from({ length: 10 }, () => sandbox.spawn(["sh", "-c", script])));
    for (const command of commands) command.signal("SIGTERM");
    await within(20_000, "the end of all", Promise.all(commands.map((command) => command.kill())));
    const abort = new AbortController();
    const aborted = sandbox.exec(["sh", "-c", script], { signal: abort.signal });
    setTimeout(() => abort.abort(), 20);
    await failure(10_000, aborted, "ABORTED");
    const look = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 27[1]'";
    expect((await sandbox.exec(["sh", "-c", look])).stdout).toBe("0\n");
  });

  test("runs a hundred at once", { timeout: 120_000 }, async () => {
    const one = async (index: number): Promise<string> =>
      index % 4 === 0
        ? Buffer.from((await sandbox.files.read("/etc/hostname")).subarray(0, 0)).toString() + index
        : (await sandbox.exec(["sh", "-c", `head -c 200000 /dev/zero >&2; cat; exit 0`], { stdin: String(index) }))
            .stdout;
    const results = await Promise.all(Array.from({ length: 100 }, (_, index) => one(index)));
    expect(results).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
  });

  test("ends in the middle of everything", async () => {
    const other = await createSandbox(policy, { runtime: "local" });
    const work = [
      other.exec(["sh", "-c", "cat /dev/zero"]),
      other.files.write(
        "x",
        (async function* () {
          for (;;) yield new Uint8Array(60_000);
        })(),
      ),
      other.spawn(["sh"], { pty: true }).then((command) => command.exited),
    ].map((each) => failure(20_000, each));
    await other.exec(["true"]);
    await other.stop();
    await Promise.all(work);
    expect(findings()).toBe("");
  });

  test("holds limits", async () => {
    const limited = { ...policy, process: { limits: { pids: 20, timeout: "20s", mode: "best-effort" as const } } };
    await using other = await createSandbox(limited, { runtime: "local" });
    const bomb = await other.spawn(["sh", "-c", "b() { b | b & }; b; wait; sleep 10"]);
    await other.exec(["true"]).catch(() => undefined);
    await within(20_000, "the bomb's end", bomb.kill());
    expect((await other.exec(["echo", "alive"])).stdout).toBe("alive\n");
  });
});

describe("the conformance suite", () => {
  // Root's own way through the warden is what is tested above; an ordinary user's is the longer one.
  test("passes with a sanitized warden, as an ordinary user", { timeout: 1_800_000 }, async () => {
    chmodSync(directory, 0o755);
    chmodSync(reports, 0o666);
    const script = join(project, "scripts/test-as-user.sh");
    const options = { env: { ...process.env, COFFERDAM_WARDEN: wrapper }, timeout: 1_780_000, maxBuffer: 64 << 20 };
    const run = await promisify(execFile)("bash", [script], options).catch((error: object) => error);
    expect(findings()).toBe("");
    const report = join(project, ".cache/conformance/local-user.json");
    if (!existsSync(report)) throw new Error(`the suite did not come to its end: ${JSON.stringify(run).slice(-8000)}`);
    const { cases } = JSON.parse(readFileSync(report, "utf8")) as { cases: { name: string; outcome: string }[] };
    const names = (outcome: string) => cases.filter((each) => each.outcome === outcome).map(({ name }) => name);
    console.info(`${names("passed").length} cases passed with the sanitizers`);
    if (names("failed").length > 0) console.info(JSON.stringify(run).slice(-20_000).replaceAll("\\n", "\n"));
    expect(names("failed")).toEqual([]);
    expect(names("passed").length).toBeGreaterThan(200);
  });
});
