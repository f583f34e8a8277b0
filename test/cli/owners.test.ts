/** Who is taken for a dead owner of a sandbox in the background, and who has a name. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { claimName, joinClaim, tryClaim } from "../../src/cli/control/claim.ts";
import { isAlive } from "../../src/cli/control/client.ts";
import { controlDirectory, socketPath } from "../../src/cli/control/directory.ts";
import { clearName, removeStale } from "../../src/cli/control/server.ts";
import { ownerOfThisProcess } from "../../src/runtimes/owner.ts";
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

describe("a name", () => {
  const left = () => readdirSync(controlDirectory()).sort();
  /** What a process that is gone has left. */
  const leave = (name: string, holder: string, madeAt = new Date()) => {
    const folder = join(controlDirectory(), `${name}.owner`);
    mkdirSync(folder);
    writeFileSync(join(folder, holder), "");
    utimesSync(join(folder, holder), madeAt, madeAt);
  };
  /** With the same host and a time at which no process started. */
  const deadHolder = () => `${(ownerOfThisProcess() ?? "").split(".").slice(0, 2).join(".")}.1`;

  test("is one owner's at a time, until all who hold it have given it up", () => {
    const starter = claimName("one");
    expect(() => claimName("one")).toThrow(/There is a sandbox "one" already/);
    expect(() => joinClaim("one", "somebody")).toThrow();
    starter.release();
    expect(left()).toEqual([]);
    expect(() => joinClaim("one", starter.holder)).toThrow();
    claimName("one").release();
  });

  test("that was given up before its owner joined is not the owner's", () => {
    leave("one", deadHolder());
    expect(() => joinClaim("one", "somebody.else")).toThrow(/was given up before/);
    const claim = claimName("one");
    expect(left()).toEqual(["one.owner"]);
    claim.release();
  });

  test("is free again when its owner was killed, or was of another boot; of others nobody knows", async () => {
    leave("killed", deadHolder());
    leave("old", "0123456789abcdef.1.1", new Date(0));
    leave("elsewhere", "0123456789abcdef.1.1");
    for (const name of ["killed", "old"]) expect([name, await clearName(name)]).toEqual([name, true]);
    expect(tryClaim("elsewhere")).toBeUndefined();
    expect(left()).toEqual(["elsewhere.owner"]);
  });

  test("that many ask for at one time is given to one, whose log nobody cuts", async () => {
    const env = { XDG_RUNTIME_DIR: runtime };
    const begin = () => {
      const script = 'echo "it is on"; while read line; do echo "$line"; done';
      return cofferdam(["run", "--detach", "--no-workspace", "--name", "twin", "--", "sh", "-c", script], { env });
    };
    const results = await Promise.all([begin(), begin(), begin()]);
    expect(results.map(({ code }) => code).sort()).toEqual([0, 2, 2]);
    for (const { code, stderr } of results) if (code === 2) expect(stderr).toMatch(/a sandbox "twin" already/);
    await vi.waitFor(async () => {
      expect((await cofferdam(["logs", "twin"], { env })).stdout).toBe("it is on\r\n");
    });
    expect(left()).toEqual(["twin.log", "twin.owner", "twin.sock"]);
    expect(await cofferdam(["stop", "-t", "1s", "twin"], { env })).toMatchObject({ code: 0 });
    expect(left()).toEqual(["twin.log"]);
  });
});
