/**
 * `sandbox.spawn` with a terminal.
 */
import { expect } from "vitest";
import type { Command, Sandbox, SpawnOptions } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { countMarked, Listener, mark, until, within } from "../help.ts";

const CONTROL_C = "\x03";
const CONTROL_D = "\x04";
const CONTROL_Z = "\x1a";
const CONTROL_BACKSLASH = "\x1c";

async function terminal(
  sandbox: Sandbox,
  script: string,
  options: SpawnOptions = {},
): Promise<{ command: Command; listener: Listener }> {
  const command = await sandbox.spawn(["sh", "-c", script], { pty: true, ...options });
  return { command, listener: new Listener(command) };
}

export const terminalCases: readonly Case[] = [
  {
    name: "a command with a terminal has one on all three descriptors, and as /dev/tty",
    async run(scene) {
      const sandbox = await scene.shared();
      const script = "test -t 0 && test -t 1 && test -t 2 && tty; echo direct > /dev/tty; echo $TERM; exit 3";
      const { command, listener } = await terminal(sandbox, script);
      expect((await command.exited).exitCode).toBe(3);
      await listener.ended;
      expect(listener.text).toMatch(/^\/dev\/pts\/\d+\r\ndirect\r\nxterm-256color\r\n$/);
    },
  },
  {
    name: "a command without a terminal has none",
    async run(scene) {
      const sandbox = await scene.shared();
      const script = "test -t 0 || test -t 1 || test -t 2 || echo none; (echo x > /dev/tty) 2>/dev/null || echo no tty";
      expect((await sandbox.exec(["sh", "-c", script])).stdout).toBe("none\nno tty\n");
    },
  },
  {
    name: "a terminal has 24 rows and 80 columns, or the size that was asked for",
    async run(scene) {
      const sandbox = await scene.shared();
      const sizes: [SpawnOptions["pty"], string][] = [
        [true, "24 80"],
        [{ rows: 50, columns: 133 }, "50 133"],
      ];
      for (const [pty, size] of sizes) {
        const { command, listener } = await terminal(sandbox, "stty size", pty === undefined ? {} : { pty });
        await command.exited;
        await listener.ended;
        expect(listener.text).toBe(`${size}\r\n`);
      }
    },
  },
  {
    name: "resize() changes the size, and the command is told",
    async run(scene) {
      const sandbox = await scene.shared();
      const { command, listener } = await terminal(
        sandbox,
        "trap 'echo told; stty size; exit 4' WINCH; echo ready; while :; do sleep 0.05; done",
      );
      await listener.hear("ready");
      command.resize({ rows: 41, columns: 97 });
      await listener.hear("told");
      await listener.hear("41 97");
      expect((await command.exited).exitCode).toBe(4);
      expect(() => command.resize({ rows: 0, columns: 1 })).toThrow();
    },
  },
  {
    name: "what is typed is echoed and read by lines",
    async run(scene) {
      const sandbox = await scene.shared();
      const { command, listener } = await terminal(sandbox, 'echo ready; read -r line; echo "<$line>"');
      await listener.hear("ready");
      await command.stdin.write("hello\x7fO\n");
      await listener.hear("<hellO>");
      expect((await command.exited).exitCode).toBe(0);
    },
  },
  {
    name: "Ctrl-C interrupts what runs in the foreground",
    async run(scene) {
      const sandbox = await scene.shared();
      const marked = mark();
      const { command, listener } = await terminal(
        sandbox,
        `trap 'echo interrupted; exit 5' INT; echo ready; sleep ${marked}`,
      );
      await listener.hear("ready");
      await until(async () => (await countMarked(sandbox, `sleep\0${marked}`)) === 1, "it sleeps");
      await command.stdin.write(CONTROL_C);
      await listener.hear("interrupted");
      expect(await within(20_000, "the command", command.exited)).toMatchObject({ exitCode: 5 });
      await command.gone;
      expect(await countMarked(sandbox, marked)).toBe(0);
    },
  },
  {
    name: "Ctrl-C and Ctrl-\\ end a command that does not catch them",
    async run(scene) {
      const sandbox = await scene.shared();
      for (const [key, signal] of [
        [CONTROL_C, "SIGINT"],
        [CONTROL_BACKSLASH, "SIGQUIT"],
      ] as const) {
        const { command, listener } = await terminal(sandbox, "echo ready; exec sleep 60");
        await listener.hear("ready");
        await command.stdin.write(key);
        expect(await within(20_000, "the command", command.exited)).toMatchObject({ exitCode: null, signal });
      }
    },
  },
  {
    name: "the end of the input is typed: Ctrl-D, or end()",
    async run(scene) {
      const sandbox = await scene.shared();
      const typed = await terminal(sandbox, "echo ready; cat; echo after");
      await typed.listener.hear("ready");
      await typed.command.stdin.write(`line\n${CONTROL_D}`);
      await typed.listener.hear("after");
      expect((await typed.command.exited).exitCode).toBe(0);
      const ended = await terminal(sandbox, "echo ready; cat; echo after");
      await ended.listener.hear("ready");
      await ended.command.stdin.write("line\n");
      ended.command.stdin.end();
      await ended.listener.hear("after");
      expect((await within(20_000, "the command", ended.command.exited)).exitCode).toBe(0);
    },
  },
  {
    name: "much output goes through a terminal whole",
    async run(scene) {
      const sandbox = await scene.shared();
      const { command, listener } = await terminal(sandbox, "stty raw; seq 1 40000; exit 6");
      expect((await within(30_000, "the command", command.exited)).exitCode).toBe(6);
      await listener.ended;
      const lines = listener.text.trim().split("\n");
      expect([lines.length, lines[0], lines.at(-1)]).toEqual([40_000, "1", "40000"]);
    },
  },
  {
    name: "kill() ends everything on a terminal",
    async run(scene) {
      const sandbox = await scene.shared();
      const marked = mark();
      const { command, listener } = await terminal(
        sandbox,
        `trap '' HUP INT TERM; sleep ${marked} & setsid sleep ${marked} & echo ready; sleep ${marked}`,
      );
      await listener.hear("ready");
      await within(20_000, "kill()", command.kill());
      expect(await countMarked(sandbox, marked)).toBe(0);
    },
  },
  {
    name: "two terminals are apart",
    async run(scene) {
      const sandbox = await scene.shared();
      const one = await terminal(sandbox, "tty; read -r x; echo one got $x");
      const two = await terminal(sandbox, "tty; read -r x; echo two got $x");
      await one.listener.hear("/dev/pts/");
      await two.listener.hear("/dev/pts/");
      await one.command.stdin.write("first\n");
      await one.listener.hear("one got first");
      await one.command.exited;
      await two.command.stdin.write("second\n");
      await two.listener.hear("two got second");
      await two.command.exited;
      await two.listener.ended;
      expect(two.listener.text).not.toContain("first");
    },
  },
  {
    name: "job control works: Ctrl-Z stops a job, fg goes on with it, Ctrl-C ends it",
    tools: true,
    async run(scene) {
      const sandbox = await scene.shared();
      const marked = mark();
      const command = await sandbox.spawn(["bash", "--norc", "--noprofile", "-i"], { pty: true, env: { PS1: "> " } });
      const listener = new Listener(command);
      await listener.hear("> ");
      await command.stdin.write(`sleep ${marked}\n`);
      await until(async () => (await countMarked(sandbox, marked)) === 1, "it sleeps");
      await command.stdin.write(CONTROL_Z);
      await listener.hear("Stopped");
      await command.stdin.write("echo still $((40 + 2))\n");
      await listener.hear("still 42");
      await command.stdin.write("fg\n");
      await listener.hear(`sleep ${marked}`);
      await command.stdin.write(CONTROL_C);
      await until(async () => (await countMarked(sandbox, marked)) === 0, "it was interrupted");
      await command.stdin.write("exit 7\n");
      expect((await within(20_000, "bash", command.exited)).exitCode).toBe(7);
      await listener.ended;
      expect(listener.text).not.toContain("no job control");
    },
  },
];
