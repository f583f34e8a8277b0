/**
 * The safe template.
 */
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { refused } from "../help.ts";

const HOSTILE = [
  "; touch writable/pwned",
  "$(touch writable/pwned)",
  "`touch writable/pwned`",
  "' ; touch writable/pwned; '",
  '" ; touch writable/pwned; "',
  "a\nb; touch writable/pwned\n",
  "| touch writable/pwned",
  "&& touch writable/pwned",
  "$" + "{IFS}touch",
  "*",
  "~",
  "-rf",
  "\\",
  "!!",
  "",
  "ünï🦀",
];

export const shellCases: readonly Case[] = [
  {
    name: "a value in the template is one argument, whatever is in it",
    async run(scene) {
      const sandbox = await scene.shared();
      for (const value of HOSTILE) {
        const { stdout } = await sandbox.sh`printf '<%s>' ${value} end`;
        expect(stdout).toBe(`<${value}><end>`);
      }
      expect(await sandbox.files.exists("writable/pwned")).toBe(false);
    },
  },
  {
    name: "a list in the template is as many arguments, and numbers are text",
    async run(scene) {
      const sandbox = await scene.shared();
      const { stdout } = await sandbox.sh`printf '<%s>' ${HOSTILE} ${7} ${[1n, true]} ${[]}`;
      expect(stdout).toBe([...HOSTILE, "7", "1", "true"].map((value) => `<${value}>`).join(""));
    },
  },
  {
    name: "a value that is no UTF-8 goes through the template byte for byte",
    async run(scene) {
      const sandbox = await scene.shared();
      const value = Uint8Array.from([0x61, 0xff, 0xfe, 0x62]);
      const { stdoutBytes } = await sandbox.sh`bin/tool arguments ${value}`;
      expect(Buffer.from(stdoutBytes).toString("hex")).toBe("61fffe6200");
    },
  },
  {
    name: "pipes, redirections and variables around the values work as the shell's",
    async run(scene) {
      const sandbox = await scene.shared();
      const file = "writable/out; of 'line'.txt";
      const pattern = "b.*";
      const { stdout } =
        await sandbox.sh`X=5; printf 'a\nbb\nb c\n' > ${file} && grep ${pattern} ${file} | wc -l; echo "$X"`;
      expect(stdout.trim().split(/\s+/)).toEqual(["2", "5"]);
      expect(await sandbox.files.exists(file)).toBe(true);
    },
  },
  {
    name: "a value where it would be source is refused",
    async run(scene) {
      const sandbox = await scene.shared();
      await refused(sandbox.sh`echo "${"x"}"`, "ARGUMENT_INVALID");
      await refused(sandbox.sh`echo '${"x"}'`, "ARGUMENT_INVALID");
      await refused(sandbox.sh`echo $${"x"}`, "ARGUMENT_INVALID");
      await refused(sandbox.sh`echo # ${"x"}`, "ARGUMENT_INVALID");
      await refused(sandbox.sh`echo ${{} as never}`, "ARGUMENT_INVALID");
      await refused(sandbox.sh`echo ${"a\0b"}`, "ARGUMENT_INVALID");
    },
  },
  {
    name: "the template takes options",
    async run(scene) {
      const sandbox = await scene.shared();
      const { stdout } = await sandbox.sh({
        cwd: "/tmp",
        env: { WORD: "hello" },
        stdin: "in",
      })`pwd; echo "$WORD" ${"x y"}; cat`;
      expect(stdout).toBe("/tmp\nhello x y\nin");
      await refused(sandbox.sh({ check: true })`exit ${3}`, "COMMAND_FAILED");
    },
  },
];
