/**
 * Unix sockets and FIFOs: those of the sandbox work, those of the host are out of reach, and connecting is decided.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, renameSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect } from "vitest";
import { ask, definePlugin, deny, type FilesystemAccess, type Policy, type Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { attack, Listener, shell, within } from "../help.ts";
import { BIN, call, callEachWay, denialOf, sandboxWith } from "../mediation.ts";
import type { Scene } from "../scene.ts";

const EMULATED: Omit<Policy, "version"> = { filesystem: { write: ["."], deny: ["**/.env"] } };

/** Starts a server in the sandbox. It answers one client. */
async function serve(sandbox: Sandbox, path: string): Promise<Listener> {
  const listener = new Listener(await sandbox.spawn([`${BIN}/guest`, "serve", path]));
  await listener.hear("listening");
  return listener;
}

async function askServer(sandbox: Sandbox, path: string): Promise<string> {
  return (await within(20_000, "asking", sandbox.exec([`${BIN}/guest`, "ask", path]))).stdout;
}

/** Listens on the host at a path of the workspace: how many came. */
async function listenOutside(scene: Scene, path: string): Promise<{ connections: number }> {
  const seen = { connections: 0 };
  const server = createServer((socket) => {
    seen.connections++;
    socket.end("secret of the host");
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  chmodSync(path, 0o777);
  scene.defer(() => new Promise((resolve) => server.close(resolve)));
  return seen;
}

export const socketCases: readonly Case[] = [
  ...(["copy", "mount"] as const).map(
    (mode): Case => ({
      name: `a unix socket of the sandbox serves other commands, in the workspace and in /tmp (${mode})`,
      async run(scene) {
        const { sandbox } = await sandboxWith(scene, {}, EMULATED, { mode });
        for (const path of ["/workspace/socket", "/tmp/socket"]) {
          const served = await serve(sandbox, path);
          expect(await askServer(sandbox, path)).toBe("pong\n");
          await served.hear("served ping");
        }
        await serve(sandbox, "/workspace/first");
        await shell(sandbox, "mv first second && ln -s second third && test -S second");
        expect(await askServer(sandbox, "/workspace/third")).toBe("pong\n");
        expect((await sandbox.exec([`${BIN}/guest`, "abstract"])).stdout).toBe("connected\n");
      },
    }),
  ),
  {
    name: "a socket of the host in a mounted folder cannot be connected to, by whatever name",
    async run(scene) {
      const { sandbox, folder } = await sandboxWith(scene, {}, EMULATED, { mode: "mount" });
      const seen = await listenOutside(scene, join(folder, "host.sock"));
      const script = "ln -s host.sock link; ln host.sock hard; mv host.sock moved; true";
      await shell(sandbox, script);
      for (const name of ["host.sock", "link", "hard", "moved"]) {
        const path = `/workspace/${name}`;
        for (const connect of ["connect", "connect-nonblocking"]) {
          const answer = await callEachWay(sandbox, connect, path);
          expect([name, connect, answer]).toEqual([name, connect, expect.stringMatching(/^E(ACCES|NOENT)$/)]);
        }
        for (const name of [
          "send-unix",
          "send-unix-raw",
          "send-unix-pair",
          "send-unix-raw-pair",
          "connect-unix-sequence",
        ]) {
          expect(await attack(sandbox, name, path)).not.toBe("done");
        }
      }
      expect(seen.connections).toBe(0);
      expect((await denialOf(sandbox, "/workspace/moved")).operation).toBe("connect");
    },
  },
  {
    name: "a FIFO of the host in a mounted folder cannot be opened, and one of the sandbox can",
    async run(scene) {
      const { sandbox, folder } = await sandboxWith(scene, {}, EMULATED, { mode: "mount" });
      execFileSync("mkfifo", ["-m", "0666", join(folder, "host.fifo")]);
      await shell(sandbox, "ln -s host.fifo link; mkfifo own");
      for (const path of ["/workspace/host.fifo", "/workspace/link"]) {
        for (const name of ["open-read", "open-write"]) {
          expect([path, name, await attack(sandbox, name, path)]).toEqual([path, name, "EACCES"]);
        }
        expect(await call(sandbox, "openat-read-write", path)).toBe("EACCES");
      }
      expect(await attack(sandbox, "open-read", "/workspace/own")).toBe("done");
      const { stdout } = await shell(sandbox, "echo through > own & cat own; wait");
      expect(stdout).toBe("through\n");
    },
  },
  {
    name: "connecting to a live socket of the sandbox is denied by a rule on the path that the host gave it",
    async run(scene) {
      const filesystem = { write: ["."], deny: [{ id: "closed", path: "./closed/**" }] };
      const { sandbox, folder } = await sandboxWith(
        scene,
        { "closed/": "", "open/": "" },
        { filesystem },
        { mode: "mount" },
      );
      for (const [name, outcome] of [
        ["open", "pong\n"],
        ["closed", "EACCES\n"],
      ] as const) {
        const served = await serve(sandbox, "/workspace/socket");
        // The agent itself can neither make nor bring one there.
        expect(await call(sandbox, "renameat2", "/workspace/socket", "/workspace/closed/socket")).toBe("EACCES");
        expect(await call(sandbox, "bind", "/workspace/closed/socket")).toBe("EACCES");
        renameSync(join(folder, "socket"), join(folder, name, "socket"));
        expect([name, await askServer(sandbox, `/workspace/${name}/socket`)]).toEqual([name, outcome]);
        if (name === "open") await served.hear("served ping");
      }
      await shell(sandbox, "ln -s closed/socket link");
      expect(await askServer(sandbox, "/workspace/link")).toBe("EACCES\n");
      const connects = sandbox.decisions().filter(({ operation }) => operation === "connect");
      expect(connects.map(({ verdict, object, ruleId }) => [verdict, object, ruleId])).toContainEqual([
        "deny",
        "/workspace/closed/socket",
        "closed",
      ]);
    },
  },
  {
    name: "connecting is decided by hooks: denied, allowed, and asked about",
    async run(scene) {
      const seen: FilesystemAccess[] = [];
      const plugin = definePlugin(() => ({
        name: "sockets",
        hooks: {
          filesystem: {
            access: {
              operations: ["connect"],
              handler: (access) => {
                seen.push(access);
                if (access.path.endsWith("/closed")) return deny("nobody calls here");
                return access.path.includes("/asked-") ? ask() : undefined;
              },
            },
          },
        },
      }))();
      const { sandbox } = await sandboxWith(scene, {}, EMULATED, {
        plugins: [plugin],
        approve: (request) => request.domain === "filesystem" && request.access.path.endsWith("asked-yes"),
      });
      const outcomes = { open: "pong\n", closed: "EACCES\n", "asked-yes": "pong\n", "asked-no": "EACCES\n" };
      for (const [name, outcome] of Object.entries(outcomes)) {
        const path = `/workspace/${name}`;
        await serve(sandbox, path);
        expect([name, await askServer(sandbox, path)]).toEqual([name, outcome]);
      }
      expect(seen.map(({ path, operation }) => `${operation} ${path}`)).toEqual(
        Object.keys(outcomes).map((name) => `connect /workspace/${name}`),
      );
      expect(seen.every(({ binary }) => binary === `${BIN}/guest`)).toBe(true);
      expect(await denialOf(sandbox, "/workspace/closed")).toMatchObject({
        operation: "connect",
        decidedBy: { kind: "plugin", name: "sockets" },
      });
    },
  },
];
