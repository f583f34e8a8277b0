import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { docker, filesystemOf, hasEngine, run, shellRuntime, uniqueId, wardenFrom } from "./support.ts";

const ENGINE = "/var/run/docker.sock";
const sockets = new Set<Socket>();
let server: Server | undefined;

/** Another way to the engine, on TCP, that can be cut. */
async function relay(): Promise<number> {
  const made = createServer((client) => {
    const engine = connect(ENGINE);
    for (const socket of [client, engine]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    client.pipe(engine).pipe(client);
    client.on("close", () => engine.destroy());
    engine.on("close", () => client.destroy());
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  const address = made.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function cut(): void {
  server?.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
}

afterEach(cut);

describe.skipIf(!hasEngine)("an engine elsewhere", () => {
  test("gets copies, and no mounts", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cofferdam-remote-"));
    try {
      writeFileSync(join(folder, "file"), "over there");
      const runtime = shellRuntime({ host: "127.0.0.1", port: await relay(), protocol: "http" });
      const workspace = { path: folder, uid: 1000, gid: 1000 };
      const started = await runtime.start({
        workspace: { ...workspace, mode: "copy" },
        filesystem: filesystemOf({ read: ["."] }),
      });
      expect(await run(started, "cat /workspace/file")).toBe("over there");
      expect(await run(started, "id -un")).toBe("agent");
      await started.end();
      await expect(runtime.start({ workspace: { ...workspace, mode: "mount" } })).rejects.toMatchObject({
        code: "WORKSPACE_UNUSABLE",
        hint: expect.stringContaining("copy"),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("that goes away ends the sandbox, on both sides", async () => {
    const id = uniqueId();
    const started = await shellRuntime({ host: "127.0.0.1", port: await relay(), protocol: "http" }).start({ id });
    started.input.resume();
    cut();
    expect(await started.ended).toMatch(/did not confirm/);
    await started.end();
    // The warden lost its link.
    await expect.poll(() => docker("ps", "-a", "-q", "--filter", `name=cofferdam-${id}`), { timeout: 5000 }).toBe("");
  }, 15_000);

  test("that goes away while a sandbox starts makes that fail", async () => {
    const runtime = shellRuntime({ host: "127.0.0.1", port: await relay(), protocol: "http" });
    await (await runtime.start()).end();
    const start = runtime.start();
    setTimeout(cut, 60);
    await expect(start).rejects.toMatchObject({ code: "RUNTIME_UNAVAILABLE" });
  }, 15_000);
});

describe.skipIf(!hasEngine)("many at once", () => {
  test("share a volume that nobody has filled yet", async () => {
    const source = `#include <unistd.h>
      volatile const char mark[] = "many at once ${process.pid}";
      int main(void) { return execl("/bin/sh", "sh", (char *)0); }`;
    const locate = wardenFrom(source, "many");
    const { sha256 } = await locate("x64");
    const runtimes = [shellRuntime({}, locate), shellRuntime({}, locate), shellRuntime({}, locate)];
    const started = await Promise.all([...runtimes, ...runtimes].map((runtime) => runtime.start()));
    const answers = await Promise.all(started.map((one) => run(one, "id -un")));
    expect(answers).toEqual(started.map(() => "agent"));
    await Promise.all(started.map((one) => one.end()));
    docker("volume", "rm", `cofferdam-warden-${sha256.slice(0, 16)}`);
  }, 20_000);
});
