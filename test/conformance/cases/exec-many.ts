/**
 * Many commands at a time, and commands that meet one another.
 */
import { setMaxListeners } from "node:events";
import { expect } from "vitest";
import { SandboxError } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { countMarked, Listener, mark, refused, shell, until, within } from "../help.ts";

export const execManyCases: readonly Case[] = [
  {
    name: "two hundred commands run at a time, each with its own input and output",
    async run(scene) {
      const sandbox = await scene.own();
      const commands = Array.from({ length: 200 }, (_, index) =>
        sandbox.exec(
          ["sh", "-c", 'read -r line; echo "$1 $line"; echo "e$1" >&2; exit $(($1 % 100))', "sh", String(index)],
          {
            stdin: `input ${index}\n`,
          },
        ),
      );
      const results = await within(50_000, "two hundred commands", Promise.all(commands));
      results.forEach((result, index) => {
        expect(result).toMatchObject({
          exitCode: index % 100,
          stdout: `${index} input ${index}\n`,
          stderr: `e${index}\n`,
        });
      });
    },
  },
  {
    name: "two hundred commands that sleep are all there at once, and are all killed at once",
    async run(scene) {
      const sandbox = await scene.own();
      const marked = mark();
      const controller = new AbortController();
      // Node warns of more listeners than ten.
      setMaxListeners(200, controller.signal);
      const commands = Array.from({ length: 200 }, () =>
        refused(sandbox.exec(["sleep", marked], { signal: controller.signal }), "ABORTED"),
      );
      await until(async () => (await countMarked(sandbox, marked)) === 200, "all of them sleep", 30_000);
      controller.abort();
      await within(30_000, "the end of all", Promise.all(commands));
      expect(await countMarked(sandbox, marked)).toBe(0);
    },
  },
  {
    name: "more commands than the link has streams wait for their turn",
    // The sanitizers make each start long.
    anyUser: "root",
    async run(scene) {
      const sandbox = await scene.own();
      const commands = Array.from({ length: 1100 }, (_, index) =>
        sandbox.exec(["sh", "-c", "exit $1", "sh", `${index % 7}`]),
      );
      const results = await within(50_000, "eleven hundred commands", Promise.all(commands));
      expect(results.map(({ exitCode }) => exitCode)).toEqual(results.map((_, index) => index % 7));
    },
  },
  {
    name: "three hundred commands, one after another, leave nothing behind",
    // The sanitizers make each start long.
    anyUser: "root",
    async run(scene) {
      const sandbox = await scene.own();
      const look = async () => (await shell(sandbox, "ls -d /proc/[0-9]* | wc -l")).stdout.trim();
      const before = await look();
      for (let index = 0; index < 300; index++) {
        const { stdout } = await sandbox.exec(["echo", String(index)]);
        expect(stdout).toBe(`${index}\n`);
      }
      await until(async () => (await look()) === before, `there are ${before} processes again`);
    },
  },
  {
    name: "a background command outlives the one that started it, and another reaches it through a file",
    async run(scene) {
      const sandbox = await scene.shared();
      const script =
        "(while :; do if [ -e writable/question ]; then echo yes > writable/answer; exit; fi; sleep 0.02; done) &";
      expect((await shell(sandbox, script)).exitCode).toBe(0);
      await sandbox.files.write("writable/question", "?");
      await until(() => sandbox.files.exists("writable/answer"), "it answers");
    },
  },
  {
    name: "a server that one command started answers another over the loopback",
    async run(scene) {
      const sandbox = await scene.shared();
      const starter = await sandbox.spawn(["sh", "-c", "setsid bin/tool serve 7077 'hello from the server' & exit 0"]);
      await starter.exited;
      await until(async () => (await shell(sandbox, "bin/tool ask 127.0.0.1 7077")).exitCode === 0, "it listens");
      expect((await shell(sandbox, "bin/tool ask 127.0.0.1 7077")).stdout).toBe("hello from the server\n");
      await starter.kill();
      expect((await shell(sandbox, "bin/tool ask 127.0.0.1 7077")).stdout).toBe("ECONNREFUSED\n");
    },
  },
  {
    name: "one command may end what another started",
    async run(scene) {
      const sandbox = await scene.shared();
      const command = await sandbox.spawn(["sleep", mark()]);
      await shell(sandbox, 'kill "$1"', String(command.pid));
      expect(await within(20_000, "the command", command.exited)).toMatchObject({ signal: "SIGTERM" });
    },
  },
  {
    name: "commands talk through a FIFO",
    async run(scene) {
      const sandbox = await scene.shared();
      await shell(sandbox, "mkfifo writable/pipe");
      const [reader, writer] = await within(
        20_000,
        "the two",
        Promise.all([sandbox.exec(["cat", "writable/pipe"]), shell(sandbox, "echo through the pipe > writable/pipe")]),
      );
      expect([reader.stdout, writer.exitCode]).toEqual(["through the pipe\n", 0]);
    },
  },
  {
    name: "a fork bomb stays within process.limits.pids, ends with its timeout, and others answer meanwhile",
    async run(scene) {
      const policy = {
        version: 1,
        filesystem: { read: ["./bin"] },
        process: { limits: { pids: 64, mode: "best-effort" } },
      } as const;
      const sandbox = await scene.own({}, policy);
      const other = await sandbox.spawn(["cat"], { stdin: "pipe" });
      const listener = new Listener(other);
      const watcher = await sandbox.spawn(["sh", "-c", "while read -r x; do set -- /proc/[0-9]*; echo $#; done"], {
        stdin: "pipe",
      });
      const counts = new Listener(watcher);
      let most = 0;
      const count = async () => {
        counts.text = "";
        await watcher.stdin.write("\n");
        await until(() => /\d+\n/.test(counts.text), "it counts");
        most = Math.max(most, Number.parseInt(counts.text, 10));
      };
      let isOver = false;
      const bomb = sandbox.exec(["bin/tool", "fork-bomb"], { timeoutMs: 2000 }).finally(() => {
        isOver = true;
      });
      while (!isOver && most <= 20) await count();
      for (let round = 0; round < 20; round++) {
        await other.stdin.write(`round ${round}\n`);
        await listener.hear(`round ${round}\n`);
        await count();
        const attempt = await within(
          20_000,
          "another command",
          sandbox.exec(["true"]).catch((error: unknown) => error),
        );
        if (SandboxError.is(attempt, "EXEC_FAILED")) expect(attempt.details.errno).toBe("EAGAIN");
        else expect(attempt).toMatchObject({ exitCode: expect.any(Number) });
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(await within(30_000, "the bomb", bomb)).toMatchObject({ timedOut: true });
      expect(most).toBeGreaterThan(20);
      // The limit, and what is set aside for the threads of the warden and a shepherd for each command.
      expect(most).toBeLessThanOrEqual(64 + 48 + 1);
      expect((await shell(sandbox, "echo on")).stdout).toBe("on\n");
    },
  },
];
