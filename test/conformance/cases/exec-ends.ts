/**
 * How commands end that would not: too late, aborted, hostile.
 */
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { countMarked, Listener, mark, refused, shell, until, within } from "../help.ts";

/** As many processes as this script leaves, each of which tries to outlive it in another way. */
const TREE_SIZE = 6;

/** `$1` is the mark. Says "planted" when all of them run; its own process ignores what it can. */
const TREE = `
trap '' TERM INT HUP QUIT
sleep $1 &
setsid sleep $1 &
( ( setsid sh -c "trap '' TERM HUP INT; sleep $1 & wait" sh & ) & )
sleep $1 & kill -STOP $!
setsid sh -c 'kill -STOP $$; true' &
( setsid setsid sleep $1 > /dev/null 2>&1 < /dev/null & )
sleep 0.3
echo planted
exec sleep $1
`;

function plant(marked: string): string[] {
  return ["sh", "-c", TREE, "sh", marked];
}

/** Without the shell that started them: each `sleep` by itself. */
function sleepers(sandbox: Sandbox, marked: string): Promise<number> {
  return countMarked(sandbox, `sleep\0${marked}`);
}

export const execEndCases: readonly Case[] = [
  {
    name: "exec() kills everything that a command started when it takes too long",
    async run(scene) {
      const sandbox = await scene.shared();
      const marked = mark();
      const result = await within(30_000, "exec()", sandbox.exec(plant(marked), { timeoutMs: 3000 }));
      expect(result).toMatchObject({ timedOut: true, exitCode: null, signal: "SIGKILL", stdout: "planted\n" });
      expect(await countMarked(sandbox, marked)).toBe(0);
      expect((await shell(sandbox, "echo on")).stdout).toBe("on\n");
    },
  },
  {
    name: "exec() kills everything that a command started when its signal is aborted",
    async run(scene) {
      const sandbox = await scene.shared();
      const marked = mark();
      const controller = new AbortController();
      const command = refused(sandbox.exec(plant(marked), { signal: controller.signal }), "ABORTED");
      await until(async () => (await sleepers(sandbox, marked)) >= TREE_SIZE - 1, "the tree is planted");
      controller.abort(new Error("enough"));
      const error = await within(20_000, "exec()", command);
      expect(error.cause).toEqual(new Error("enough"));
      expect(await countMarked(sandbox, marked)).toBe(0);
    },
  },
  {
    name: "kill() of a spawned command ends everything that it started",
    async run(scene) {
      const sandbox = await scene.shared();
      const marked = mark();
      const command = await sandbox.spawn(plant(marked));
      await new Listener(command).hear("planted");
      expect(await sleepers(sandbox, marked)).toBeGreaterThanOrEqual(TREE_SIZE - 1);
      await within(20_000, "kill()", command.kill());
      expect(await countMarked(sandbox, marked)).toBe(0);
    },
  },
  {
    name: "a timeout of one command leaves what others started alone",
    async run(scene) {
      const sandbox = await scene.shared();
      const [ours, theirs] = [mark(), mark()];
      const other = await sandbox.spawn(["sh", "-c", `setsid sleep ${theirs} & exit 0`]);
      await other.exited;
      expect((await sandbox.exec(["sleep", ours], { timeoutMs: 100 })).timedOut).toBe(true);
      expect(await countMarked(sandbox, theirs)).toBe(1);
      await other.kill();
    },
  },
  {
    name: "a timeout or an abort after a command's end leaves what it left running alone",
    async run(scene) {
      const sandbox = await scene.own();
      const marked = mark();
      const controller = new AbortController();
      const argv = ["sh", "-c", `sleep ${marked} & exit 0`];
      await sandbox.exec(argv, { signal: controller.signal });
      await sandbox.exec(argv, { timeoutMs: 300 });
      controller.abort();
      await sandbox.exec(["sleep", "0.5"]);
      expect(await countMarked(sandbox, marked)).toBe(2);
    },
  },
  {
    name: "exec() with a signal that was aborted before starts nothing",
    async run(scene) {
      const sandbox = await scene.shared();
      const argv = ["sh", "-c", ": > writable/started"];
      await refused(sandbox.exec(argv, { signal: AbortSignal.abort() }), "ABORTED");
      expect(await sandbox.files.exists("writable/started")).toBe(false);
    },
  },
  {
    name: "an abort at any moment ends the command",
    async run(scene) {
      const sandbox = await scene.shared();
      const marked = mark();
      for (const delay of [0, 0, 1, 2, 3, 5, 8]) {
        const controller = new AbortController();
        const command = refused(sandbox.exec(["sleep", marked], { signal: controller.signal }), "ABORTED");
        if (delay === 0) queueMicrotask(() => controller.abort());
        else setTimeout(() => controller.abort(), delay);
        await within(20_000, "exec()", command);
      }
      expect(await countMarked(sandbox, marked)).toBe(0);
    },
  },
  {
    name: "the policy's timeout holds for every command, and an option can only shorten it",
    async run(scene) {
      const sandbox = await scene.create({ version: 1, process: { limits: { timeout: "300ms" } } });
      for (const timeoutMs of [undefined, 60_000]) {
        const options = timeoutMs === undefined ? {} : { timeoutMs };
        const result = await within(20_000, "exec()", sandbox.exec(["sleep", "600"], options));
        expect(result).toMatchObject({ timedOut: true, signal: "SIGKILL" });
      }
      const command = await sandbox.spawn(["sleep", "600"], { pty: true });
      expect(await within(20_000, "the command", command.exited)).toMatchObject({ timedOut: true });
      for (const timeoutMs of [0, -1, Number.NaN])
        await refused(sandbox.exec(["true"], { timeoutMs }), "ARGUMENT_INVALID");
    },
  },
  {
    name: "exec() with check rejects when the command takes too long",
    async run(scene) {
      const sandbox = await scene.shared();
      const argv = ["sh", "-c", "echo so far; sleep 600"];
      const error = await refused(sandbox.exec(argv, { check: true, timeoutMs: 500 }), "COMMAND_FAILED");
      expect(error.details).toMatchObject({ timedOut: true, stdout: "so far\n" });
    },
  },
  {
    name: "a command that stops itself is ended by its timeout",
    async run(scene) {
      const sandbox = await scene.shared();
      const result = await within(
        20_000,
        "exec()",
        sandbox.exec(["sh", "-c", "kill -STOP $$; sleep 600"], { timeoutMs: 300 }),
      );
      expect(result).toMatchObject({ timedOut: true, signal: "SIGKILL" });
    },
  },
  {
    name: "a command that kills its parent ends as killed, with everything that it started; the sandbox goes on",
    async run(scene) {
      const sandbox = await scene.own();
      const marked = mark();
      const script = `sleep ${marked} & setsid sleep ${marked} & (setsid sh -c 'sleep ${marked} & wait' &) ; sleep 0.2; kill -9 $PPID; sleep ${marked}`;
      const result = await within(20_000, "exec()", sandbox.exec(["sh", "-c", script]));
      expect(result).toMatchObject({ exitCode: null, signal: "SIGKILL" });
      await until(async () => (await countMarked(sandbox, marked)) === 0, "nothing of it is left");
      expect((await shell(sandbox, "echo on")).stdout).toBe("on\n");
    },
  },
  {
    name: "a command that stops its parent is ended by its timeout all the same",
    async run(scene) {
      const sandbox = await scene.own();
      const marked = mark();
      const script = `setsid sleep ${marked} & kill -STOP $PPID; kill -TSTP $PPID; sleep ${marked}`;
      const result = await within(20_000, "exec()", sandbox.exec(["sh", "-c", script], { timeoutMs: 500 }));
      expect(result.timedOut).toBe(true);
      await until(async () => (await countMarked(sandbox, marked)) === 0, "nothing of it is left");
    },
  },
  {
    name: "a command that kills everything it can reach leaves the sandbox working",
    async run(scene) {
      const sandbox = await scene.own();
      const marked = mark();
      const other = sandbox.exec(["sleep", marked]);
      const background = await sandbox.spawn(["sh", "-c", `setsid sleep ${marked} & exit 0`]);
      await background.exited;
      await until(async () => (await countMarked(sandbox, marked)) === 2, "both sleep");
      const killer = await within(20_000, "exec()", sandbox.exec(["sh", "-c", "kill -9 -1; echo left"]));
      // It is spared by its own kill(), and its shepherd is not.
      expect(killer.signal === "SIGKILL" || killer.exitCode === 0).toBe(true);
      expect(await within(20_000, "the other", other)).toMatchObject({ signal: "SIGKILL", timedOut: false });
      await until(async () => (await countMarked(sandbox, marked)) === 0, "nothing of the others is left");
      expect((await shell(sandbox, "echo on")).stdout).toBe("on\n");
      await sandbox.files.write("writable/on", "on");
    },
  },
  {
    name: "processes that fork and exit all the time do not outrun the end of their command",
    async run(scene) {
      const sandbox = await scene.own();
      const marked = mark();
      // Each one starts the next and ends: no look at the list of processes finds the one that runs.
      await sandbox.files.write("writable/hop", '#!/bin/sh\nsetsid "$0" "$1" &\n', { mode: 0o755 });
      const command = await sandbox.spawn(["sh", "-c", `writable/hop ${marked}; kill -9 $PPID`]);
      await within(30_000, "the command", command.gone);
      expect(await countMarked(sandbox, marked)).toBe(0);
      const hopping = await sandbox.spawn(["writable/hop", marked]);
      await within(30_000, "kill()", hopping.kill());
      expect(await countMarked(sandbox, marked)).toBe(0);
    },
  },
];
