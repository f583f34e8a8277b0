/**
 * One sandbox's life on any JavaScript runtime: node, deno or bun, with the built package.
 *
 * Usage: smoke.mjs local|docker MODULE SERVER NET
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const runtime = process.argv[2] ?? "local";
const module = process.argv[3] ?? new URL("../../dist/mod.js", import.meta.url).href;
/** test/conformance/server.c, compiled. */
const serverProgram = process.argv[4];
/** test/conformance/net.c, compiled. */
const netProgram = process.argv[5];
const { createSandbox, resumePipeline, runPipeline, SandboxError } = await import(module);

const steps = {
  async exec(sandbox) {
    const { stdout, stderr, exitCode, signal, timedOut, truncated, durationMs } = await sandbox.exec([
      "sh",
      "-c",
      "echo out; echo err >&2; exit 3",
    ]);
    assert.deepEqual([stdout, stderr, exitCode, signal], ["out\n", "err\n", 3, null]);
    assert.deepEqual([timedOut, truncated], [false, false]);
    assert.ok(durationMs >= 0);
    const word = "a b; 'c' $d";
    assert.equal((await sandbox.sh`printf %s ${word} | cat`).stdout, word);
  },

  async stdin(sandbox) {
    const bytes = new Uint8Array(700_000).map((_, index) => index % 251);
    const { stdoutBytes } = await sandbox.exec(["cat"], { stdin: bytes });
    assert.ok(Buffer.from(stdoutBytes).equals(Buffer.from(bytes)));
    async function* pieces() {
      yield "one ";
      yield new TextEncoder().encode("two");
    }
    assert.equal((await sandbox.exec(["cat"], { stdin: pieces() })).stdout, "one two");
  },

  async files(sandbox) {
    await sandbox.files.write("notes/hello.txt", "hello", { createParents: true });
    await sandbox.files.write("notes/hello.txt", " world", { append: true });
    assert.equal(await sandbox.files.readText("notes/hello.txt"), "hello world");
    assert.equal((await sandbox.exec(["cat", "notes/hello.txt"])).stdout, "hello world");
    const names = (await sandbox.files.list("notes")).map(({ name, kind, size }) => [name, kind, size]);
    assert.deepEqual(names, [["hello.txt", "file", 11]]);
    const large = new Uint8Array(1_500_000).fill(9);
    await sandbox.files.write("large", large);
    let total = 0;
    for await (const chunk of sandbox.files.readStream("large")) total += chunk.length;
    assert.equal(total, large.length);
    await assert.rejects(sandbox.files.read("missing"), (error) => SandboxError.is(error, "FILE_MISSING"));
  },

  async terminal(sandbox) {
    const command = await sandbox.spawn(["sh"], { pty: { rows: 30, columns: 90 } });
    await command.stdin.write("stty size; echo $((6*7)); exit 5\n");
    let text = "";
    for await (const { bytes } of command) text += Buffer.from(bytes).toString();
    assert.match(text, /30 90/);
    assert.match(text, /42/);
    assert.equal((await command.exited).exitCode, 5);
    await command.gone;
  },

  async abort(sandbox) {
    const abort = new AbortController();
    const sleeping = sandbox.exec(["sh", "-c", "sleep 100 & sleep 100"], { signal: abort.signal });
    setTimeout(() => abort.abort(), 100);
    await assert.rejects(sleeping, (error) => SandboxError.is(error, "ABORTED"));
    const command = await sandbox.spawn(["sleep", "100"]);
    await command.kill();
    assert.equal((await command.exited).signal, "SIGKILL");
  },

  async timeout(sandbox) {
    const { timedOut, signal, exitCode } = await sandbox.exec(["sleep", "100"], { timeoutMs: 150 });
    assert.deepEqual([timedOut, signal, exitCode], [true, "SIGKILL", null]);
    const full = await sandbox.exec(["sh", "-c", "yes | head -c 100000"], { maxOutputBytes: 1000 });
    assert.deepEqual([full.truncated, full.stdout.length, full.exitCode], [true, 1000, 0]);
  },

  async trees(sandbox) {
    const watch = await sandbox.files.watch(".", { recursive: true });
    const entries = [
      { path: "sub/file", content: "x".repeat(200_000), mode: 0o755 },
      { path: "sub/empty", kind: "directory" },
      { path: "link", kind: "symlink", target: "sub/file" },
    ];
    const counts = { files: 1, directories: 1, symlinks: 1, bytes: 200_000, skipped: 0 };
    assert.deepEqual(await sandbox.files.upload(entries, "tree"), counts);
    for await (const change of watch) if (change.kind === "created" && change.path === "tree/link") break;
    const { mkdtemp, rm } = await import("node:fs/promises");
    const folder = await mkdtemp("/tmp/smoke-tree-");
    const target = `${folder}/target`;
    assert.deepEqual(await sandbox.files.download("tree", target), { ...counts, directories: 2 });
    assert.equal((await readFile(`${target}/link`)).length, 200_000);
    await sandbox.files.upload(target, "again");
    const archive = await new Response(sandbox.files.downloadTar("again")).arrayBuffer();
    await sandbox.files.upload(new Response(archive).body, "third");
    assert.equal((await sandbox.files.read("third/sub/file")).length, 200_000);
    await rm(folder, { recursive: true });
  },

  async ports(sandbox) {
    await sandbox.files.write("server", await readFile(serverProgram), { mode: 0o755 });
    await sandbox.files.write("answer", "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok");
    const echo = await sandbox.spawn(["./server", "127.0.0.1", "7000", "echo"]);
    const web = await sandbox.spawn(["./server", "127.0.0.1", "7001", "answer", "/workspace/answer"]);
    const forward = await sandbox.forward(7000, { waitMs: 20_000 });
    const echoed = await new Promise((resolve, reject) => {
      let text = "";
      const socket = connect({ port: forward.port, host: "127.0.0.1", allowHalfOpen: true });
      socket.on("data", (data) => {
        text += data;
      });
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
      socket.end("x".repeat(300_000));
    });
    assert.equal(echoed.length, 300_000);
    await forward.close();
    const response = await sandbox.fetch(7001, "/path", { waitMs: 20_000 });
    assert.deepEqual([response.status, response.headers.get("x-a"), await response.text()], [200, "b", "ok"]);
    const posted = await sandbox.fetch(7001, "/path", {
      method: "POST",
      body: new Blob(["z".repeat(1000)]),
      waitMs: 20_000,
    });
    assert.equal(await posted.text(), "ok");
    await assert.rejects(sandbox.fetch(7002, "/"), (error) => SandboxError.is(error, "PORT_UNREACHABLE"));
    await Promise.all([echo.kill(), web.kill()]);
  },

  async network() {
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address();
    const allow = [{ host: "echo.test", ports: [port], addresses: ["127.0.0.1"] }];
    const sandbox = await createSandbox(
      { version: 1, filesystem: { write: ["."] }, network: { allow } },
      { ...options, resolver: () => ["127.0.0.1"] },
    );
    await sandbox.files.write("net", await readFile(netProgram), { mode: 0o755 });
    const net = async (...job) =>
      (await sandbox.exec(["./net", ...job.map(String)], { timeoutMs: 30_000 })).stdout.trim();
    assert.equal(await net("echo", "echo.test", port, 3_000_000), "3000000 0 end");
    assert.equal(await net("many", "echo.test", port, 50), "50");
    assert.equal(await net("connect", "nonblocking", "other.test", port), "ECONNREFUSED");
    assert.equal(await net("connect", "blocking", "192.0.2.1", 443), "ECONNREFUSED");
    assert.match(await net("get", "cofferdam.local", 80, "/"), /^HTTP\/1\.1 200 [\s\S]*echo\.test/);
    await sandbox.stop();
    await new Promise((resolve) => server.close(resolve));
  },

  async errors(sandbox) {
    await assert.rejects(sandbox.exec(["no-such-program"]), (error) => SandboxError.is(error, "EXEC_FAILED"));
    await assert.rejects(sandbox.exec(["false"], { check: true }), (error) => SandboxError.is(error, "COMMAND_FAILED"));
    await assert.rejects(createSandbox({ version: 1, filesytem: {} }), (error) =>
      SandboxError.is(error, "POLICY_INVALID"),
    );
  },
  async pipelines() {
    const folder = await mkdtemp(join(tmpdir(), "smoke-pipeline-"));
    try {
      const write = (script) => ({
        command: ["sh", "-c", script],
        outputs: { notes: { path: "notes", release: true } },
        gate: { on: "diff" },
      });
      const pipeline = { name: "smoke", sandbox: options, stages: { write: write("echo new > notes/a.md") } };
      const waits = await runPipeline(pipeline, { project: folder, runs: join(folder, "runs") });
      assert.equal(waits.status, "waiting", waits.stages[0].reason);
      const approvals = [{ stage: "write", digest: waits.stages[0].gate.digest }];
      const { status, stages } = await resumePipeline(pipeline, waits.folder, { approvals });
      assert.equal(status, "passed", stages[0].reason);
      assert.equal(await readFile(join(folder, "notes/a.md"), "utf8"), "new\n");
      const hostile = { ...pipeline, stages: { write: write("ln -s /etc/passwd notes/b.md") } };
      const failed = await runPipeline(hostile, { project: folder, runs: join(folder, "runs") });
      assert.equal(failed.stages[0].failure, "smuggled");
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

const options = { runtime, ...(runtime === "docker" ? { image: "cofferdam-test-busybox:latest" } : {}) };
const sandbox = await createSandbox("version: 1\nfilesystem: { write: ['.'] }\n", options);
assert.equal(sandbox.enforcement.runtime, runtime);
const seen = [];
const reading = (async () => {
  for await (const record of sandbox.events) seen.push(record);
})();
let stopped = "";
sandbox.events.on("stop", (reason) => {
  stopped = reason;
});
for (const [name, step] of Object.entries(steps)) {
  await step(sandbox).catch((cause) => {
    throw new Error(`${name} failed`, { cause });
  });
}
await sandbox.stop();
await sandbox.stop();
await reading;
assert.ok(seen.length > 0, "there were events");
assert.equal(stopped, "stopped");
assert.equal(await sandbox.ended, "stopped");
await assert.rejects(sandbox.exec(["true"]), (error) => SandboxError.is(error, "SANDBOX_STOPPED"));
// Nothing keeps the process alive: it ends by itself.
console.log(`smoke passed: ${runtime} ${Object.keys(steps).join(" ")}`);
