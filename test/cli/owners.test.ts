/** Who is taken for a dead owner of a sandbox in the background, and who has a name. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isAlive } from "../../src/cli/control/client.ts";
import { socketPath } from "../../src/cli/control/directory.ts";
import { removeStale } from "../../src/cli/control/server.ts";
import { cofferdam } from "./support.ts";

let runtime = "";
const children: ChildProcess[] = [];

beforeEach(() => {
  runtime = mkdtempSync(join(tmpdir(), "owners-"));
  vi.stubEnv("XDG_RUNTIME_DIR", runtime);
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  vi.unstubAllEnvs();
  rmSync(runtime, { recursive: true, force: true });
});

/** A process that makes a socket of this kind, and never looks at it again. */
async function socketOf(kind: "SOCK_STREAM" | "SOCK_DGRAM", path: string): Promise<ChildProcess> {
  const listen = kind === "SOCK_STREAM" ? "s.listen(0)" : "0";
  const script = `import socket, sys, time; s = socket.socket(socket.AF_UNIX, socket.${kind}); s.bind(sys.argv[1]); ${listen}; print("there", flush=True); time.sleep(600)`;
  const child = spawn("python3", ["-c", script, path], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  return child;
}

/** Fills the queue of a socket that nobody takes from; what it says to the next one. */
async function fillQueue(path: string): Promise<{ readonly code: string; readonly sockets: readonly Socket[] }> {
  const sockets: Socket[] = [];
  for (;;) {
    const socket = connect(path);
    const code = await new Promise<string | undefined>((resolve) => {
      socket.once("connect", () => resolve(undefined));
      socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    });
    if (code !== undefined) return { code, sockets };
    sockets.push(socket);
  }
}

describe("an owner", () => {
  test("that is too busy to answer is alive, and keeps its socket", async () => {
    const path = socketPath("busy");
    const owner = await socketOf("SOCK_STREAM", path);
    const { code, sockets } = await fillQueue(path);
    expect(code).toBe("EAGAIN");
    expect(await isAlive("busy")).toBe(true);
    expect(await removeStale("busy")).toBe(false);
    const listed = await cofferdam(["ps", "--json"], { env: { XDG_RUNTIME_DIR: runtime } });
    expect(JSON.parse(listed.stdout)).toEqual([
      { name: "busy", problem: expect.stringMatching(/^Cannot reach the sandbox "busy": .*EAGAIN/) },
    ]);
    expect(existsSync(path)).toBe(true);
    for (const socket of sockets) socket.destroy();
    owner.kill("SIGKILL");
    await once(owner, "exit");
    expect(await isAlive("busy")).toBe(false);
    expect(await removeStale("busy")).toBe(true);
    expect(existsSync(path)).toBe(false);
  });

  test("that speaks otherwise, or is no socket, is not removed", async () => {
    await socketOf("SOCK_DGRAM", socketPath("other"));
    writeFileSync(socketPath("file"), "");
    for (const name of ["other", "file"]) {
      expect([name, await isAlive(name)]).toEqual([name, true]);
      expect(await removeStale(name)).toBe(false);
      expect(existsSync(socketPath(name))).toBe(true);
    }
  });

  test("that never was is none", async () => {
    expect(await isAlive("nobody")).toBe(false);
    const { stderr, code } = await cofferdam(["stop", "nobody"], { env: { XDG_RUNTIME_DIR: runtime } });
    expect([code, stderr]).toEqual([2, expect.stringContaining('There is no sandbox "nobody"')]);
  });
});
