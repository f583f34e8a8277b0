/**
 * Calls that wait: one that waits for ever holds up nobody else, and ends as soon as its caller does.
 */
import { expect } from "vitest";
import type { Command, Sandbox, SpawnOptions } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { attack, Listener, shell, until, within } from "../help.ts";
import { BIN, call, sandboxWith } from "../mediation.ts";
import type { Scene } from "../scene.ts";

const EMULATED = { filesystem: { write: ["."], deny: ["**/.env"] } };
const CONTROL_C = "\x03";
const BOUND_MS = 20_000;

async function withFifo(scene: Scene): Promise<Sandbox> {
  const { sandbox } = await sandboxWith(scene, { "plain.txt": "plain\n" }, EMULATED);
  expect((await shell(sandbox, "mkfifo fifo other")).exitCode).toBe(0);
  return sandbox;
}

/** Starts a guest that will wait, and comes back when it is about to. */
async function waiting(
  sandbox: Sandbox,
  argv: readonly string[],
  options: SpawnOptions = {},
): Promise<{ command: Command; listener: Listener }> {
  const command = await sandbox.spawn([`${BIN}/guest`, ...argv], options);
  const listener = new Listener(command);
  await listener.hear("waiting");
  return { command, listener };
}

/** The same, but comes back when it is in the call: a signal that comes before it interrupts nothing. */
async function inCall(sandbox: Sandbox, argv: readonly string[], options?: SpawnOptions) {
  const started = await waiting(sandbox, argv, options);
  const script = `
for each in /proc/[0-9]*; do
  case $(tr '\\0' ' ' < $each/cmdline) in "${BIN}/guest $1 "*) cut -d ' ' -f 3 $each/stat; exit ;; esac
done`;
  await until(
    async () => (await shell(sandbox, script, argv[0] ?? "")).stdout === "S\n",
    "the guest sleeps in its call",
  );
  return started;
}

/** Another command opens many files, and a FIFO of its own. */
async function expectOthersGoOn(sandbox: Sandbox): Promise<void> {
  const script = `
i=0; while [ $i -lt 200 ]; do read -r line < plain.txt && [ "$line" = plain ] || exit 1; i=$((i + 1)); done
echo through > other & read -r line < other; echo "$line"; wait`;
  const { stdout } = await within(BOUND_MS, "another command", shell(sandbox, script));
  expect(stdout).toBe("through\n");
}

/** That nobody has the FIFO open for reading any more: only then does a writer that will not wait find nobody. */
async function expectNobodyReads(sandbox: Sandbox): Promise<void> {
  let answer = "";
  await until(async () => {
    answer = await attack(sandbox, "open-write", "/workspace/fifo");
    return answer === "ENXIO";
  }, "nobody reads from the FIFO").catch(() => expect(answer).toBe("ENXIO"));
}

export const blockingCases: readonly Case[] = [
  {
    name: "a FIFO that waits for its writer holds up no other command, and gets what is written in the end",
    async run(scene) {
      const sandbox = await withFifo(scene);
      const { command, listener } = await waiting(sandbox, ["wait-open", "/workspace/fifo"]);
      await expectOthersGoOn(sandbox);
      await within(BOUND_MS, "the writer", shell(sandbox, "echo written > fifo"));
      await listener.hear("read written");
      expect((await within(BOUND_MS, "the reader", command.exited)).exitCode).toBe(0);
    },
  },
  {
    name: "a full backlog of a unix socket holds up no other command",
    async run(scene) {
      const sandbox = await withFifo(scene);
      const { command } = await waiting(sandbox, ["wait-connect", "/workspace/full"]);
      await expectOthersGoOn(sandbox);
      const server = await sandbox.spawn([`${BIN}/guest`, "serve", "/workspace/served"]);
      const heard = new Listener(server);
      await heard.hear("listening");
      const asked = await within(
        BOUND_MS,
        "another socket",
        sandbox.exec([`${BIN}/guest`, "ask", "/workspace/served"]),
      );
      expect(asked.stdout).toBe("pong\n");
      await within(BOUND_MS, "kill()", command.kill());
    },
  },
  {
    name: "sockets that take an hour to be closed hold up no other command",
    async run(scene) {
      const sandbox = await withFifo(scene);
      // As many commands as there can be supervisors: each has one of them.
      const commands = await Promise.all(
        Array.from({ length: 4 }, () => sandbox.spawn([`${BIN}/attack`, "lingering"])),
      );
      const listeners = commands.map((command) => new Listener(command));
      await within(BOUND_MS, "the sockets", Promise.all(listeners.map((listener) => listener.hear("left"))));
      await expectOthersGoOn(sandbox);
      await within(BOUND_MS, "kill()", Promise.all(commands.map((command) => command.kill())));
    },
  },
  {
    name: "killing a command that waits in a call frees the call",
    async run(scene) {
      const sandbox = await withFifo(scene);
      for (const argv of [
        ["wait-open", "/workspace/fifo"],
        ["wait-connect", "/workspace/full"],
      ]) {
        const { command } = await waiting(sandbox, argv);
        await within(BOUND_MS, "kill()", command.kill());
        expect((await command.exited).signal).toBe("SIGKILL");
      }
      await expectNobodyReads(sandbox);
      await expectOthersGoOn(sandbox);
    },
  },
  {
    name: "a signal that is not caught ends a command that waits in a call, and so does its time",
    async run(scene) {
      const sandbox = await withFifo(scene);
      const { command } = await waiting(sandbox, ["wait-open", "/workspace/fifo"]);
      command.signal("SIGTERM");
      expect((await within(BOUND_MS, "the command", command.exited)).signal).toBe("SIGTERM");
      const timed = sandbox.exec([`${BIN}/guest`, "wait-open", "/workspace/fifo"], { timeoutMs: 300 });
      expect((await within(BOUND_MS, "the command", timed)).timedOut).toBe(true);
      await expectNobodyReads(sandbox);
    },
  },
  {
    name: "a caught signal interrupts a call that waits, as EINTR",
    async run(scene) {
      const sandbox = await withFifo(scene);
      for (const argv of [
        ["wait-open", "/workspace/fifo"],
        ["wait-connect", "/workspace/full"],
      ]) {
        const { command, listener } = await inCall(sandbox, argv);
        command.signal("SIGINT");
        await listener.hear("caught SIGINT");
        await listener.hear("EINTR");
        expect((await within(BOUND_MS, "the command", command.exited)).exitCode).toBe(0);
      }
      await expectNobodyReads(sandbox);
    },
  },
  {
    name: "Ctrl-C interrupts a call that waits",
    async run(scene) {
      const sandbox = await withFifo(scene);
      const { command, listener } = await inCall(sandbox, ["wait-open", "/workspace/fifo"], { pty: true });
      await command.stdin.write(CONTROL_C);
      await listener.hear("caught SIGINT");
      await listener.hear("EINTR");
      expect((await within(BOUND_MS, "the command", command.exited)).exitCode).toBe(0);
    },
  },
  {
    name: "a call that waits starts anew after a signal whose handler says so",
    async run(scene) {
      const sandbox = await withFifo(scene);
      const { command, listener } = await inCall(sandbox, ["wait-open", "/workspace/fifo", "restart"]);
      command.signal("SIGUSR1");
      await listener.hear("caught");
      await expectOthersGoOn(sandbox);
      await within(BOUND_MS, "the writer", shell(sandbox, "echo written > fifo"));
      await listener.hear("read written");
      expect((await within(BOUND_MS, "the reader", command.exited)).exitCode).toBe(0);
    },
  },
  {
    name: "forty opens of one command that wait do not stop other commands",
    async run(scene) {
      const sandbox = await withFifo(scene);
      const { command } = await waiting(sandbox, ["wait-opens", "/workspace/fifo", "40"]);
      await expectOthersGoOn(sandbox);
      const again = await waiting(sandbox, ["wait-open", "/workspace/other"]);
      await within(BOUND_MS, "the writer", shell(sandbox, "echo written > other"));
      await again.listener.hear("read written");
      await within(BOUND_MS, "kill()", command.kill());
      await expectNobodyReads(sandbox);
      await expectOthersGoOn(sandbox);
    },
  },
  {
    name: "a sandbox can be stopped while calls wait in it",
    async run(scene) {
      const sandbox = await withFifo(scene);
      await waiting(sandbox, ["wait-opens", "/workspace/fifo", "40"]);
      await waiting(sandbox, ["wait-connect", "/workspace/full"]);
      await within(BOUND_MS, "stop()", sandbox.stop());
    },
  },
  {
    name: "a FIFO works without waiting, and both ways at once",
    async run(scene) {
      const sandbox = await withFifo(scene);
      expect(await attack(sandbox, "open-read", "/workspace/fifo")).toBe("done");
      expect(await attack(sandbox, "open-write", "/workspace/fifo")).toBe("ENXIO");
      expect(await within(BOUND_MS, "the call", call(sandbox, "openat-read-write", "/workspace/fifo"))).toBe("OK");
    },
  },
];
