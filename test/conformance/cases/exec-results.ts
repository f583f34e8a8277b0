/**
 * `sandbox.exec`: what comes back.
 */
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { countMarked, mark, patterned, refused, shell, until, within } from "../help.ts";

export const execResultCases: readonly Case[] = [
  {
    name: "exec() gives the exit code, and the two outputs apart",
    async run(scene) {
      const sandbox = await scene.shared();
      const result = await shell(sandbox, "echo out; echo err >&2; exit 7");
      expect(result).toMatchObject({ exitCode: 7, signal: null, stdout: "out\n", stderr: "err\n" });
      expect(result).toMatchObject({ timedOut: false, truncated: false });
      expect(result.durationMs).toBeGreaterThan(0);
    },
  },
  {
    name: "exec() gives every exit code as it is",
    async run(scene) {
      const sandbox = await scene.shared();
      for (const code of [0, 1, 126, 127, 128, 137, 255]) {
        expect((await shell(sandbox, 'exit "$1"', String(code))).exitCode).toBe(code);
      }
    },
  },
  {
    name: "exec() names the signal that ended a command",
    async run(scene) {
      const sandbox = await scene.shared();
      for (const name of ["TERM", "KILL", "SEGV", "HUP", "USR1"]) {
        const result = await shell(sandbox, `kill -${name} $$; sleep 60`);
        expect(result).toMatchObject({ exitCode: null, signal: `SIG${name}`, timedOut: false });
      }
    },
  },
  {
    name: "exec() rejects with EXEC_FAILED ENOENT where there is no such program",
    async run(scene) {
      const sandbox = await scene.shared();
      for (const program of ["no-such-program", "/no/such/program", "bin/no-such-program"]) {
        const error = await refused(sandbox.exec([program]), "EXEC_FAILED");
        expect(error.details).toEqual({ program, errno: "ENOENT", stage: "exec" });
        expect(error.hint).toContain("PATH");
      }
    },
  },
  {
    name: "exec() rejects with EXEC_FAILED EACCES where a file is not executable, or is a folder",
    async run(scene) {
      const sandbox = await scene.shared();
      for (const program of ["readonly/not-executable", "readonly/folder"]) {
        expect((await refused(sandbox.exec([program]), "EXEC_FAILED")).details.errno).toBe("EACCES");
      }
    },
  },
  {
    name: "exec() rejects where a script's interpreter is missing, and where a file is no program",
    async run(scene) {
      const sandbox = await scene.shared();
      await sandbox.files.write("writable/orphan", "#!/no/such/interpreter\n", { mode: 0o755 });
      expect((await refused(sandbox.exec(["writable/orphan"]), "EXEC_FAILED")).details.errno).toBe("ENOENT");
      await sandbox.files.write("writable/garbage", "garbage", { mode: 0o755 });
      expect((await refused(sandbox.exec(["writable/garbage"]), "EXEC_FAILED")).details.errno).toBe("ENOEXEC");
    },
  },
  {
    name: "exec() with check rejects with COMMAND_FAILED, which carries the result",
    async run(scene) {
      const sandbox = await scene.shared();
      const error = await refused(
        sandbox.exec(["sh", "-c", "echo out; echo why >&2; exit 3"], { check: true }),
        "COMMAND_FAILED",
      );
      expect(error.details).toMatchObject({
        exitCode: 3,
        signal: null,
        timedOut: false,
        stdout: "out\n",
        stderr: "why\n",
      });
      expect(error.hint).toContain("why");
      const killed = await refused(sandbox.exec(["sh", "-c", "kill -9 $$"], { check: true }), "COMMAND_FAILED");
      expect(killed.details).toMatchObject({ exitCode: null, signal: "SIGKILL" });
      expect((await sandbox.exec(["true"], { check: true })).exitCode).toBe(0);
    },
  },
  {
    name: "exec() gives output that is no text byte for byte",
    async run(scene) {
      const sandbox = await scene.shared();
      const bytes = patterned(3_000_000);
      await sandbox.files.write("writable/bytes", bytes);
      const { stdoutBytes, stdout } = await sandbox.exec(["cat", "writable/bytes"]);
      expect(bytes.equals(stdoutBytes)).toBe(true);
      expect(stdout).toContain("\uFFFD");
    },
  },
  {
    name: "exec() takes output that looks like the link's own frames for output",
    async run(scene) {
      const sandbox = await scene.shared();
      // Lengths, types, streams and payloads of every small number, again and again.
      const forged = Buffer.alloc(200_000);
      for (let at = 0; at + 12 <= forged.length; at += 12) {
        forged.writeUInt32LE(at % 40, at);
        forged.writeUInt8((at / 12) % 32, at + 4);
        forged.writeUInt32LE((at / 12) % 9, at + 8);
      }
      await sandbox.files.write("writable/forged", forged);
      const { stdoutBytes, stderrBytes } = await shell(sandbox, "cat writable/forged; cat writable/forged >&2");
      expect(forged.equals(stdoutBytes)).toBe(true);
      expect(forged.equals(stderrBytes)).toBe(true);
    },
  },
  {
    name: "exec() keeps maxOutputBytes of each output, and says that there was more",
    async run(scene) {
      const sandbox = await scene.shared();
      const argv = ["sh", "-c", "printf 1234567890; printf abcdefghij >&2"];
      const cut = await sandbox.exec(argv, { maxOutputBytes: 9 });
      expect(cut).toMatchObject({ exitCode: 0, stdout: "123456789", stderr: "abcdefghi", truncated: true });
      const whole = await sandbox.exec(argv, { maxOutputBytes: 10 });
      expect(whole).toMatchObject({ stdout: "1234567890", stderr: "abcdefghij", truncated: false });
      expect(await sandbox.exec(argv, { maxOutputBytes: 0 })).toMatchObject({
        stdout: "",
        stderr: "",
        truncated: true,
      });
      expect(await sandbox.exec(["true"], { maxOutputBytes: 0 })).toMatchObject({ stdout: "", truncated: false });
    },
  },
  {
    name: "exec() lets a command that prints a gigabyte end, and keeps only what it was asked to",
    async run(scene) {
      const sandbox = await scene.shared();
      const before = process.memoryUsage().rss;
      const argv = ["sh", "-c", "head -c 1073741824 /dev/zero; echo end >&2"];
      const result = await sandbox.exec(argv, { maxOutputBytes: 1000, timeoutMs: 50_000 });
      expect(result).toMatchObject({ exitCode: 0, signal: null, truncated: true, stderr: "end\n" });
      expect(result.stdoutBytes.length).toBe(1000);
      expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
    },
  },
  {
    name: "exec() waits for a command that closes its outputs and goes on",
    async run(scene) {
      const sandbox = await scene.shared();
      const result = await shell(sandbox, "echo first; exec >&- 2>&-; sleep 0.3; : > writable/went-on; exit 4");
      expect(result).toMatchObject({ exitCode: 4, stdout: "first\n" });
      expect(await sandbox.files.exists("writable/went-on")).toBe(true);
    },
  },
  {
    name: "exec() does not wait for what a command left running, and gives all that the command printed itself",
    async run(scene) {
      const sandbox = await scene.own();
      const marked = mark();
      const command = sandbox.exec(["sh", "-c", `sleep ${marked} & head -c 500000 /dev/zero; echo last >&2`]);
      const result = await within(20_000, "exec()", command);
      expect(result).toMatchObject({ exitCode: 0, stderr: "last\n" });
      expect(result.stdoutBytes.length).toBe(500_000);
      expect(await countMarked(sandbox, marked)).toBe(1);
    },
  },
  {
    name: "what a command left running may go on printing, and is not held up by it",
    async run(scene) {
      const sandbox = await scene.own();
      await shell(sandbox, "(sleep 0.2; head -c 3000000 /dev/zero; echo x > writable/printed) & exit 0");
      await until(() => sandbox.files.exists("writable/printed"), "it has printed what nobody reads");
    },
  },
  {
    name: "commands and their ends are recorded, in order",
    async run(scene) {
      const sandbox = await scene.own();
      const seen: string[] = [];
      const stop = sandbox.events.on("record", (record) => {
        if (record.kind === "command.start") seen.push(`start ${record.argv.join(" ")}`);
        if (record.kind === "command.end") seen.push(`end ${record.argv.join(" ")} ${record.exitCode}`);
        if (record.kind === "command.failed") seen.push(`failed ${record.argv.join(" ")} ${record.errno}`);
      });
      await sandbox.exec(["false"]);
      await refused(sandbox.exec(["no-such-program"]), "EXEC_FAILED");
      stop();
      expect(seen).toEqual(["start false", "end false 1", "failed no-such-program ENOENT"]);
    },
  },
];
