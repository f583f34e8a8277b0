import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { childPath, closeDirectory, makeChild, makeLink, openRoot } from "../../../src/runtimes/workspace/mod.ts";

test("a name that is no text is written as it is, or not at all", () => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "directory-"));
  const directory = openRoot(folder);
  const odd = Buffer.from([0x61, 0xff]);
  const failures: unknown[] = [];
  const attempt = (make: () => unknown): void => {
    try {
      make();
    } catch (error) {
      failures.push((error as NodeJS.ErrnoException).code);
    }
  };
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
  attempt(() => closeSync(openSync(childPath(directory, odd), flags)));
  attempt(() => makeChild(directory, Buffer.concat([odd, odd])));
  attempt(() => makeLink(childPath(directory, Buffer.from("link")), odd));
  closeDirectory(directory);
  const shell = "ls | od -An -tx1 -v | tr -d ' \\n'; readlink link | od -An -tx1 | tr -d ' \\n'";
  const there = execFileSync("sh", ["-c", shell], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  rmSync(folder, { recursive: true });
  const whole = "61ff0a61ff61ff0a6c696e6b0a61ff0a";
  expect([there, failures]).toEqual("deno" in process.versions ? ["", ["EILSEQ", "EILSEQ", "EILSEQ"]] : [whole, []]);
});
