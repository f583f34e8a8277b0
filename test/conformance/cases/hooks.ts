/**
 * Hooks that fail in every way: what they were asked about is denied, in their name, and the sandbox goes on.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import {
  type AccessHandler,
  type AccessHookOptions,
  allow,
  definePlugin,
  deny,
  type FilesystemAccess,
  type HookVerdict,
  type Plugin,
  type Policy,
  type Sandbox,
  SandboxError,
  type SandboxOptions,
} from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { Listener, shell, until, within } from "../help.ts";
import { BIN, call, callEachWay, denialOf, recorded, sandboxWith } from "../mediation.ts";
import type { Scene } from "../scene.ts";

const POLICY: Omit<Policy, "version"> = { filesystem: { write: ["."] } };
const FILES = { "watched/file.txt": "file\n", "watched/odd.txt": "odd\n", "other/file.txt": "other\n" };
const WATCHED = "/workspace/watched/file.txt";
const OTHER = "/workspace/other/file.txt";

/** A plugin with one hook on the folder `watched`. */
function watching(handler: AccessHandler, options: Omit<AccessHookOptions<AccessHandler>, "handler"> = {}): Plugin {
  const access = { paths: ["./watched/**"], handler, ...options };
  return definePlugin(() => ({ name: "watcher", hooks: { filesystem: { access } } }))();
}

async function hooked(scene: Scene, plugin: Plugin, options: Omit<SandboxOptions, "workspace"> = {}): Promise<Sandbox> {
  return (await sandboxWith(scene, FILES, POLICY, { plugins: [plugin], ...options })).sandbox;
}

/** That the sandbox goes on: other files, other commands. */
async function expectGoesOn(sandbox: Sandbox): Promise<void> {
  expect(await call(sandbox, "openat-read", OTHER)).toBe("OK:other_");
  expect((await shell(sandbox, "echo alive")).stdout).toBe("alive\n");
}

async function expectDeniedInItsName(sandbox: Sandbox, plugin = "watcher"): Promise<void> {
  expect(await callEachWay(sandbox, "openat-read", WATCHED)).toBe("EACCES");
  const record = await denialOf(sandbox, WATCHED);
  expect(record).toMatchObject({
    domain: "filesystem",
    operation: "read",
    decidedBy: { kind: "plugin", name: plugin },
    subject: { binary: `${BIN}/mediate` },
  });
  await expectGoesOn(sandbox);
}

/** What no hook may answer. */
const NONSENSE: Readonly<Record<string, unknown>> = {
  "a word": "allow",
  true: true,
  null: null,
  "a number": 42,
  "a verdict that there is not": { verdict: "maybe" },
  "content that is no bytes": { verdict: "substitute", content: "text" },
  "a list": [allow()],
};

export const hookCases: readonly Case[] = [
  {
    name: "a hook that throws denies",
    async run(scene) {
      const sandbox = await hooked(
        scene,
        watching(() => {
          throw new Error("the hook is broken");
        }),
      );
      await expectDeniedInItsName(sandbox);
    },
  },
  {
    name: "a hook that rejects denies",
    async run(scene) {
      const sandbox = await hooked(
        scene,
        watching(async () => {
          await sleep(5);
          throw new Error("the hook is broken later");
        }),
      );
      await expectDeniedInItsName(sandbox);
    },
  },
  {
    name: "a hook that never answers denies when its time is up, and is told so",
    async run(scene) {
      let told = 0;
      const sandbox = await hooked(
        scene,
        watching(
          (_, { signal }) =>
            new Promise<undefined>(() => {
              signal.addEventListener("abort", () => told++);
            }),
          { timeoutMs: 300 },
        ),
      );
      await within(30_000, "the calls", expectDeniedInItsName(sandbox));
      await until(() => told === 3, "each call's hook was told");
    },
  },
  {
    name: "a hook that answers nonsense denies",
    async run(scene) {
      for (const [what, answer] of Object.entries(NONSENSE)) {
        const sandbox = await hooked(
          scene,
          watching(() => answer as HookVerdict),
        );
        expect([what, await call(sandbox, "openat-read", WATCHED)]).toEqual([what, "EACCES"]);
        expect((await denialOf(sandbox, WATCHED)).decidedBy).toMatchObject({ kind: "plugin", name: "watcher" });
        await expectGoesOn(sandbox);
        await sandbox.stop();
      }
    },
  },
  {
    name: "a hook cannot use the sandbox that waits for it: it is told so at once, and its throw denies",
    async run(scene) {
      const errors: unknown[] = [];
      let sandbox: Sandbox | undefined;
      const attempts: readonly ((sandbox: Sandbox) => Promise<unknown>)[] = [
        (own) => own.exec(["true"]),
        (own) => own.spawn(["true"]),
        (own) => own.files.read("/workspace/other/file.txt"),
      ];
      for (const attempt of attempts) {
        sandbox = await hooked(
          scene,
          watching(async () => {
            await sleep(1);
            await attempt(sandbox as Sandbox).catch((error: unknown) => {
              errors.push(error);
              throw error;
            });
            return undefined;
          }),
        );
        await within(20_000, "the calls", expectDeniedInItsName(sandbox));
        await sandbox.stop();
      }
      expect(errors.length).toBeGreaterThanOrEqual(attempts.length);
      expect(errors.filter((error) => !SandboxError.is(error))).toEqual([]);
    },
  },
  {
    name: "a command that is killed while a hook thinks about it is gone, and the hook is told",
    async run(scene) {
      let asked = 0;
      let told = 0;
      const sandbox = await hooked(
        scene,
        watching(
          (_, { signal }) =>
            new Promise<undefined>((resolve) => {
              asked++;
              signal.addEventListener("abort", () => {
                told++;
                resolve(undefined);
              });
            }),
          { timeoutMs: 60_000 },
        ),
      );
      const command = await sandbox.spawn(["cat", WATCHED]);
      await until(() => asked === 1, "the hook is asked");
      await within(20_000, "kill()", command.kill());
      await until(() => told === 1, "the hook is told");
      await expectGoesOn(sandbox);
    },
  },
  {
    name: "a hook sees only the paths and operations that it declares",
    async run(scene) {
      const seen: FilesystemAccess[] = [];
      const sandbox = await hooked(
        scene,
        watching((access) => void seen.push(access), { operations: ["read", "rename", "metadata"] }),
      );
      await call(sandbox, "openat-read", OTHER);
      await call(sandbox, "openat-read", WATCHED);
      await call(sandbox, "openat-write", WATCHED);
      await call(sandbox, "fchmodat", WATCHED);
      await call(sandbox, "unlinkat", "/workspace/watched/odd.txt");
      await call(sandbox, "renameat2", WATCHED, "/workspace/watched/renamed.txt");
      await call(sandbox, "renameat2", OTHER, "/workspace/other/renamed.txt");
      expect(seen.map(({ operation, path, target }) => [operation, path, target])).toEqual([
        ["read", WATCHED, undefined],
        ["metadata", WATCHED, undefined],
        ["rename", WATCHED, "/workspace/watched/renamed.txt"],
      ]);
      for (const access of seen) {
        expect(access).toMatchObject({ binary: `${BIN}/mediate`, verdict: "allow" });
        expect(access.pid).toBeGreaterThan(1);
        expect(Buffer.from(access.pathBytes).toString()).toBe(access.path);
      }
    },
  },
  {
    name: "a hook for some programs is not asked about others",
    async run(scene) {
      const seen: string[] = [];
      const handler: AccessHandler = ({ binary }) => {
        seen.push(binary);
        return deny("not for this program");
      };
      const sandbox = await hooked(scene, watching(handler, { binaries: [`${BIN}/guest`] }));
      expect(await call(sandbox, "openat-read", WATCHED)).toBe("OK:file_");
      expect((await sandbox.exec([`${BIN}/guest`, "undumpable", WATCHED])).stdout).toBe("EACCES\n");
      expect(seen).toEqual([`${BIN}/guest`]);
    },
  },
  {
    name: "ten thousand decisions at once: each is answered or denied, and none is allowed that a hook denies",
    async run(scene) {
      let asked = 0;
      const sandbox = await hooked(
        scene,
        watching(async ({ path }) => {
          asked++;
          await sleep(1);
          return path.endsWith("/odd.txt") ? deny("odd") : allow();
        }),
      );
      const argv = [`${BIN}/guest`, "crowd", "500", "20", WATCHED, "/workspace/watched/odd.txt"];
      const { stdout, stderr } = await sandbox.exec(argv, { timeoutMs: 55_000 });
      const counts = /^even (\d+) refused (\d+) odd (\d+) refused (\d+) other (\d+)\n$/.exec(stdout);
      expect(counts === null ? stdout + stderr : "counted").toBe("counted");
      const [even = 0, evenRefused = 0, odd = 0, oddRefused = 0, other = 0] = counts?.slice(1).map(Number) ?? [];
      expect({ odd, other, all: even + evenRefused + oddRefused }).toEqual({ odd: 0, other: 0, all: 10_000 });
      expect(even).toBeGreaterThan(0);
      expect(asked).toBeGreaterThan(0);
      await expectGoesOn(sandbox);
      expect(await call(sandbox, "openat-read", WATCHED)).toBe("OK:file_");
    },
  },
  {
    name: "a command with hundreds of open questions keeps no other command from being answered",
    async run(scene) {
      let asked = 0;
      const sandbox = await hooked(
        scene,
        watching(
          ({ path }, { signal }) => {
            if (path.endsWith("/odd.txt")) return allow();
            asked++;
            return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
          },
          { timeoutMs: 120_000 },
        ),
      );
      const crowd = await sandbox.spawn([`${BIN}/guest`, "crowd", "400", "1", WATCHED, WATCHED]);
      // Not all of them get to the hook, as the others are to have something left.
      await until(() => asked >= 192, "the crowd is asked about");
      for (let index = 0; index < 4; index++) {
        const answer = await within(
          20_000,
          "the other's call",
          call(sandbox, "openat-read", "/workspace/watched/odd.txt"),
        );
        expect(answer).toBe("OK:odd_");
      }
      expect(asked).toBe(192);
      await within(20_000, "kill()", crowd.kill());
      await expectGoesOn(sandbox);
    },
  },
  {
    name: "a hook that blocks the event loop holds up its own question, and no static decision",
    async run(scene) {
      const sandbox = await hooked(
        scene,
        watching(() => {
          const until = performance.now() + 500;
          while (performance.now() < until);
          return undefined;
        }),
      );
      const command = await sandbox.spawn(["sh", "-c", "cat watched/file.txt; cat other/file.txt; echo done"]);
      const listener = new Listener(command);
      await listener.hear("file\nother\ndone\n");
      await expectGoesOn(sandbox);
    },
  },
  {
    name: "where nobody can be asked the answer is no; so it is when the approver throws, hangs or talks nonsense",
    async run(scene) {
      const filesystem = { write: ["."], ask: [{ id: "asks", path: "./watched" }] };
      const approvers: Readonly<Record<string, Pick<SandboxOptions, "approve" | "approveTimeoutMs">>> = {
        nobody: {},
        throws: {
          approve: () => {
            throw new Error("the approver is broken");
          },
        },
        hangs: { approve: () => new Promise<boolean>(() => undefined), approveTimeoutMs: 300 },
        nonsense: { approve: () => "yes" as unknown as boolean },
        no: { approve: async () => false },
      };
      for (const [what, options] of Object.entries(approvers)) {
        const { sandbox } = await sandboxWith(scene, FILES, { filesystem }, options);
        const answer = await within(30_000, "the call", call(sandbox, "openat-read", WATCHED));
        expect([what, answer]).toEqual([what, "EACCES"]);
        expect((await denialOf(sandbox, WATCHED)).ruleId).toBe("asks");
        await expectGoesOn(sandbox);
        await sandbox.stop();
      }
      const { sandbox } = await sandboxWith(scene, FILES, { filesystem }, { approve: async () => true });
      expect(await callEachWay(sandbox, "openat-read", WATCHED)).toBe("OK:file_");
      const record = await recorded(sandbox, ({ object }) => object === WATCHED, "the file was approved");
      expect(record).toMatchObject({ verdict: "allow", decidedBy: { kind: "approver" }, ruleId: "asks" });
    },
  },
];
