/**
 * `sandbox.spawn`: a handle on a command that runs.
 */
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { countMarked, Listener, mark, refused, shell, until, within } from "../help.ts";

const MEGABYTE = 1024 * 1024;

/** A command that counts, in a file, the blocks of 64 KiB that it could print. */
const PRINTER = "i=0; while head -c 65536 /dev/zero; do i=$((i+1)); echo $i > writable/printed; done";

/** The count, when it has stopped growing. */
async function settledCount(sandbox: Sandbox): Promise<number> {
  let before = -1;
  let now = 0;
  await until(async () => {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 150));
    now = Number((await shell(sandbox, "cat writable/printed 2>/dev/null")).stdout || 0);
    return now > 0 && now === before;
  }, "the command waits");
  return now;
}

export const spawnCases: readonly Case[] = [
  {
    name: "spawn() gives a pid of the sandbox, and tells how the command ended",
    async run(scene) {
      const sandbox = await scene.shared();
      const command = await sandbox.spawn(["sh", "-c", "echo $$; exit 9"]);
      const listener = new Listener(command);
      const exit = await command.exited;
      expect(exit).toMatchObject({ exitCode: 9, signal: null, timedOut: false });
      await listener.ended;
      await command.gone;
      expect(listener.text).toBe(`${command.pid}\n`);
    },
  },
  {
    name: "spawn() talks both ways while the command runs",
    async run(scene) {
      const sandbox = await scene.shared();
      const command = await sandbox.spawn(["cat"], { stdin: "pipe" });
      const listener = new Listener(command);
      for (const word of ["one", "two", "three"]) {
        expect(await command.stdin.write(`${word}\n`)).toBe(true);
        await listener.hear(`${word}\n`);
      }
      command.stdin.end();
      expect((await command.exited).exitCode).toBe(0);
      expect(await command.stdin.write("more")).toBe(false);
    },
  },
  {
    name: "iterating over a command gives both outputs, each in its own order",
    async run(scene) {
      const sandbox = await scene.shared();
      const command = await sandbox.spawn(["sh", "-c", "for i in 1 2 3; do echo o$i; echo e$i >&2; sleep 0.02; done"]);
      const texts = { stdout: "", stderr: "" };
      for await (const chunk of command) texts[chunk.channel] += Buffer.from(chunk.bytes).toString();
      expect(texts).toEqual({ stdout: "o1\no2\no3\n", stderr: "e1\ne2\ne3\n" });
    },
  },
  {
    name: "the two outputs can be read as streams, and not in both ways",
    async run(scene) {
      const sandbox = await scene.shared();
      const command = await sandbox.spawn(["sh", "-c", "head -c 300000 /dev/zero; echo err >&2"]);
      const [stdout, stderr] = await Promise.all([
        new Response(command.stdout).arrayBuffer(),
        new Response(command.stderr).text(),
      ]);
      expect([stdout.byteLength, stderr]).toEqual([300_000, "err\n"]);
      await refused((async () => command[Symbol.asyncIterator]().next())(), "ARGUMENT_INVALID");
    },
  },
  {
    name: "output that was there before anybody asked for it is not lost",
    async run(scene) {
      const sandbox = await scene.shared();
      const command = await sandbox.spawn(["sh", "-c", "echo early; echo early >&2"]);
      await command.exited;
      expect(await new Response(command.stderr).text()).toBe("early\n");
      expect(await new Response(command.stdout).text()).toBe("early\n");
    },
  },
  {
    name: "a command whose output nobody reads waits, and goes on when somebody does",
    async run(scene) {
      const sandbox = await scene.own();
      const command = await sandbox.spawn(["sh", "-c", PRINTER]);
      const first = await settledCount(sandbox);
      expect(first * 65_536).toBeLessThan(4 * MEGABYTE);
      let read = 0;
      for await (const chunk of command) {
        read += chunk.bytes.length;
        if (read > 8 * MEGABYTE) break;
      }
      await until(async () => (await settledCountOrNow(sandbox)) > first, "the command goes on");
      await command.kill();
    },
  },
  {
    name: "whoever stops reading lets the command go on",
    async run(scene) {
      const sandbox = await scene.shared();
      const command = await sandbox.spawn(["sh", "-c", "head -c 5000000 /dev/zero; exit 3"]);
      for await (const chunk of command) if (chunk.bytes.length > 0) break;
      expect((await within(20_000, "the command", command.exited)).exitCode).toBe(3);
      const other = await sandbox.spawn(["sh", "-c", "head -c 5000000 /dev/zero; exit 4"]);
      await other.stdout.cancel();
      expect((await within(20_000, "the command", other.exited)).exitCode).toBe(4);
    },
  },
  {
    name: "a command that nobody reads does not hold up others",
    async run(scene) {
      const sandbox = await scene.own();
      const command = await sandbox.spawn(["sh", "-c", PRINTER]);
      await settledCount(sandbox);
      const result = await within(20_000, "exec()", sandbox.exec(["head", "-c", "3000000", "/dev/zero"]));
      expect(result.stdoutBytes.length).toBe(3_000_000);
      await command.kill();
    },
  },
  {
    name: "signal() reaches the whole process group, and the command may catch it",
    async run(scene) {
      const sandbox = await scene.shared();
      const marked = mark();
      const script = `trap 'echo caught; exit 5' USR1; echo ready; sleep ${marked}`;
      const command = await sandbox.spawn(["sh", "-c", script]);
      const listener = new Listener(command);
      await listener.hear("ready");
      await until(async () => (await countMarked(sandbox, `sleep\0${marked}`)) === 1, "it sleeps");
      command.signal("SIGUSR1");
      await listener.hear("caught");
      expect(await within(20_000, "the command", command.exited)).toMatchObject({ exitCode: 5, signal: null });
      await within(20_000, "the rest", command.gone);
      expect(await countMarked(sandbox, marked)).toBe(0);
      expect(() => command.signal("SIGNOTHING")).toThrow();
      command.signal("SIGTERM");
    },
  },
  {
    name: "signal() stops a command and lets it go on",
    async run(scene) {
      const sandbox = await scene.shared();
      const command = await sandbox.spawn(["sh", "-c", "while :; do echo x; sleep 0.02; done"]);
      const listener = new Listener(command);
      await listener.hear("x\n");
      command.signal("SIGSTOP");
      let seen = "";
      await until(async () => {
        seen = listener.text;
        await new Promise((resolve) => setTimeout(resolve, 150));
        return seen === listener.text;
      }, "it stands still");
      command.signal("SIGCONT");
      await until(() => listener.text.length > seen.length, "it goes on");
      await command.kill();
    },
  },
  {
    name: "kill() ends the command and everything that it started",
    async run(scene) {
      const sandbox = await scene.shared();
      const marked = mark();
      const script = `trap '' TERM HUP INT; setsid sleep ${marked} & sleep ${marked} & echo ready; sleep ${marked}`;
      const command = await sandbox.spawn(["sh", "-c", script]);
      await new Listener(command).hear("ready");
      await within(20_000, "kill()", command.kill());
      expect(await countMarked(sandbox, marked)).toBe(0);
      expect(await command.exited).toMatchObject({ exitCode: null, signal: "SIGKILL" });
      await command.kill();
    },
  },
  {
    name: "a command that is disposed of is gone",
    async run(scene) {
      const sandbox = await scene.shared();
      const marked = mark();
      {
        await using command = await sandbox.spawn(["sleep", marked]);
        expect(command.pid).toBeGreaterThan(1);
      }
      expect(await countMarked(sandbox, marked)).toBe(0);
    },
  },
  {
    name: "exited settles with the command, gone with the last of what it started; kill() reaches that too",
    async run(scene) {
      const sandbox = await scene.shared();
      const marked = mark();
      const command = await sandbox.spawn(["sh", "-c", `setsid sleep ${marked} & exit 2`]);
      expect((await within(20_000, "exited", command.exited)).exitCode).toBe(2);
      const gone = await Promise.race([
        command.gone.then(() => "gone"),
        new Promise((resolve) => setTimeout(resolve, 100, "not yet")),
      ]);
      expect(gone).toBe("not yet");
      expect(await countMarked(sandbox, marked)).toBe(1);
      await within(20_000, "kill()", command.kill());
      expect(await countMarked(sandbox, marked)).toBe(0);
    },
  },
  {
    name: "spawn() rejects where exec() does",
    async run(scene) {
      const sandbox = await scene.shared();
      expect((await refused(sandbox.spawn(["no-such-program"]), "EXEC_FAILED")).details.errno).toBe("ENOENT");
      await refused(sandbox.spawn(["no-such-program"], { pty: true }), "EXEC_FAILED");
      await refused(sandbox.spawn(["true"], { signal: AbortSignal.abort() }), "ABORTED");
    },
  },
];

async function settledCountOrNow(sandbox: Sandbox): Promise<number> {
  return Number((await shell(sandbox, "cat writable/printed")).stdout || 0);
}
