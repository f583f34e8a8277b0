/**
 * A workspace that somebody hostile has filled, and a host whose own things lie in it.
 */
import { spawn } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { expect } from "vitest";
import { SandboxError } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { attack, refused, shell, until } from "../help.ts";
import { outside } from "../programs.ts";
import { giveAway, type Scene, SHARED_POLICY } from "../scene.ts";

/** How a workspace comes into a place. */
function modesIn({ place }: Scene): ("copy" | "mount" | "overlay")[] {
  return place.docker ? ["copy", "mount"] : ["copy", "mount", "overlay"];
}

/** A server of the host on a path, open to everybody, and how many came. */
async function listen(scene: Scene, path: string): Promise<{ connections(): number }> {
  let count = 0;
  const server: Server = createServer((socket) => {
    count++;
    socket.on("error", () => undefined).end("from the host\n");
  });
  await new Promise<void>((resolve) => server.listen({ path, readableAll: true, writableAll: true }, resolve));
  scene.defer(() => new Promise((resolve) => server.close(resolve)));
  return { connections: () => count };
}

/** A receiver of the host on a path: what it says is how many datagrams came. */
async function receive(scene: Scene, path: string): Promise<{ count(): Promise<number> }> {
  const child = spawn(scene.programs.tool, ["receive", path], { stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  scene.defer(() => child.kill("SIGKILL"));
  await until(() => said.includes("bound"), "it is bound");
  giveAway(path);
  return {
    async count() {
      child.stdin.end();
      await closed;
      return Number(said.replace("bound\n", ""));
    },
  };
}

export const workspaceHostileCases: readonly Case[] = [
  {
    name: "a grant that is a symlink in the workspace is refused, wherever it leads",
    async run(scene) {
      for (const mode of modesIn(scene)) {
        for (const target of ["/etc", "../..", "readonly", "/proc/1/root"]) {
          const path = scene.furnished();
          symlinkSync(target, join(path, "docs"));
          for (const filesystem of [{ read: ["./docs"] }, { write: ["./docs"] }, { read: ["./docs/inner"] }]) {
            const attempt = scene.create({ version: 1, filesystem }, { workspace: { path, mode } });
            const error = await refused(attempt, "WORKSPACE_UNUSABLE");
            expect(error.message).toMatch(/link/);
          }
        }
      }
    },
  },
  {
    name: "a folder to write below a symlink in the workspace is not made on the other side",
    async run(scene) {
      for (const mode of modesIn(scene)) {
        const path = scene.furnished();
        const elsewhere = scene.folder();
        symlinkSync(elsewhere, join(path, "out"));
        const attempt = scene.create(
          { version: 1, filesystem: { write: ["./out/new"] } },
          { workspace: { path, mode } },
        );
        await refused(attempt, "WORKSPACE_UNUSABLE");
        expect(() => rmSync(join(elsewhere, "new"))).toThrow();
      }
    },
  },
  {
    name: "a workspace that is a symlink itself is the folder that it names",
    async run(scene) {
      const path = scene.furnished();
      const link = join(scene.folder(), "link");
      symlinkSync(path, link);
      for (const mode of modesIn(scene)) {
        const sandbox = await scene.create(SHARED_POLICY, { workspace: { path: link, mode } });
        expect((await shell(sandbox, "cat readonly/file.txt")).stdout).toBe("read me\n");
      }
    },
  },
  {
    name: "a workspace and its folders may be called anything",
    async run(scene) {
      for (const mode of modesIn(scene)) {
        const path = join(scene.folder(), "we ird:,\"'\n é\\ $x=*,readonly");
        const inner = join(path, "a b,c:d=e");
        for (const folder of [path, inner]) mkdirSync(folder);
        writeFileSync(join(inner, "file"), "found\n");
        giveAway(path, inner, join(inner, "file"));
        const policy = { version: 1, filesystem: { write: ["./a b,c:d=e"] } } as const;
        const sandbox = await scene.create(policy, { workspace: { path, mode } });
        expect((await shell(sandbox, 'cd "$1" && cat file && echo x > x && ls', "a b,c:d=e")).stdout).toBe(
          "found\nfile\nx\n",
        );
      }
    },
  },
  {
    name: "symlinks in a mounted workspace lead nowhere that is not granted",
    async run(scene) {
      const path = scene.furnished();
      const elsewhere = scene.folder();
      writeFileSync(join(elsewhere, "host.txt"), "TOP-SECRET\n");
      symlinkSync(elsewhere, join(path, "writable/elsewhere"));
      symlinkSync(join(path, "secret/secret.txt"), join(path, "writable/by-host-path"));
      const sandbox = await scene.create(SHARED_POLICY, { workspace: { path, mode: "mount" } });
      const script = `cd writable; cat elsewhere/host.txt by-host-path to-secret to-shadow to-environ to-root/etc/shadow; echo x > elsewhere/new; true`;
      expect((await shell(sandbox, script)).stdout).toBe("");
      for (const name of ["writable/elsewhere/host.txt", "writable/to-secret", "writable/to-environ"]) {
        const error = await sandbox.files.read(name).catch((reason: unknown) => reason);
        if (!SandboxError.is(error, "FILE_DENIED") && !SandboxError.is(error, "FILE_MISSING"))
          expect.fail(`${name}: ${error}`);
      }
    },
  },
  {
    name: "a folder that the host swaps for a symlink later gives nothing more",
    async run(scene) {
      const path = scene.furnished();
      const sandbox = await scene.create(SHARED_POLICY, { workspace: { path, mode: "mount" } });
      renameSync(join(path, "readonly"), join(path, "was-readonly"));
      symlinkSync("/etc", join(path, "readonly"));
      symlinkSync("secret", join(path, "writable/swapped"));
      const { stdout } = await shell(
        sandbox,
        "cat readonly/shadow secret/secret.txt was-readonly/../secret/secret.txt; true",
      );
      expect(stdout).toBe("");
    },
  },
  {
    name: "a unix socket of the host in a mounted workspace cannot be connected to",
    async run(scene) {
      const path = scene.furnished();
      const socket = join(path, "writable/host.sock");
      const server = await listen(scene, socket);
      const policy = { version: 1, filesystem: { read: ["./bin"], write: ["./writable"] } } as const;
      const sandbox = await scene.create(policy, { workspace: { path, mode: "mount" } });
      for (const name of ["connect-unix", "connect-unix-sequence"]) {
        expect(await attack(sandbox, name, "/workspace/writable/host.sock")).toBe("EACCES");
      }
      expect(await attack(sandbox, "bind-unix", "/workspace/writable/own.sock")).toBe("done");
      expect(server.connections()).toBe(0);
      // The same folder, the same user, namespaces alone: nothing else keeps it from the socket.
      expect(outside([scene.programs.attack, "connect-unix", socket])).toBe("done");
      await until(() => server.connections() === 1, "the control reached the server");
    },
  },
  {
    name: "a unix socket of the host in a mounted workspace cannot be sent to by datagram",
    async run(scene) {
      const path = scene.furnished();
      const socket = join(path, "writable/host.dgram");
      const receiver = await receive(scene, socket);
      const policy = { version: 1, filesystem: { read: ["./bin"], write: ["./writable"] } } as const;
      const sandbox = await scene.create(policy, { workspace: { path, mode: "mount" } });
      const names = ["send-unix", "send-unix-raw", "send-unix-pair", "send-unix-raw-pair"];
      const inside: string[] = [];
      for (const name of names) inside.push(await attack(sandbox, name, "/workspace/writable/host.dgram"));
      const controls = names.map((name) => outside([scene.programs.attack, name, socket]));
      expect(controls).toEqual(names.map(() => "done"));
      expect(await receiver.count()).toBe(names.length);
      expect(inside).toEqual(names.map(() => "EACCES"));
    },
  },
  {
    name: "without a mounted workspace unix sockets work between commands of the sandbox",
    async run(scene) {
      const sandbox = await scene.own();
      const receiver = await sandbox.spawn(["bin/tool", "receive", "/tmp/inside.dgram"], { stdin: "pipe" });
      await until(() => sandbox.files.exists("/tmp/inside.dgram"), "it is bound");
      expect(await attack(sandbox, "send-unix", "/tmp/inside.dgram")).toBe("done");
      receiver.stdin.end();
      expect(await new Response(receiver.stdout).text()).toBe("bound\n1\n");
    },
  },
  {
    name: "a grant that is a socket or a FIFO of the host is refused",
    async run(scene) {
      for (const mode of modesIn(scene)) {
        const path = scene.furnished();
        await listen(scene, join(path, "host.sock"));
        const attempt = scene.create(
          { version: 1, filesystem: { write: ["./host.sock"] } },
          { workspace: { path, mode } },
        );
        await refused(attempt, "WORKSPACE_UNUSABLE");
      }
    },
  },
  {
    name: "a path that is denied, and through a link lies in what is granted, stays closed by every name",
    async run(scene) {
      for (const mode of modesIn(scene)) {
        const path = scene.furnished();
        mkdirSync(join(path, "open"));
        writeFileSync(join(path, "open/key"), "TOP-SECRET\n");
        giveAway(join(path, "open"), join(path, "open/key"));
        symlinkSync("open", join(path, "closed"));
        const policy = { version: 1, filesystem: { read: ["./bin", "./open"], deny: ["./closed"] } } as const;
        const sandbox = await scene.create(policy, { workspace: { path, mode } });
        for (const name of ["closed/key", "open/key", "/proc/self/cwd/open/key"]) {
          expect((await shell(sandbox, `cat ${name}`)).stdout).toBe("");
        }
      }
    },
  },
];
