/**
 * The warden's dialing by itself, in a network of its own.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { removeFolder, scratchFolder } from "../faults/support.ts";

const native = fileURLToPath(new URL("../../src/warden/native/", import.meta.url));
const directory = scratchFolder("dial");
const program = join(directory, "drive_dial");

beforeAll(() => {
  const driver = fileURLToPath(new URL("./native/drive_dial.c", import.meta.url));
  const sources = ["dial.c", "own_ports.c", "loop.c", "bytes.c", "die.c"].map((name) => join(native, name));
  const flags = ["-std=c17", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", native];
  execFileSync("cc", [...flags, "-o", program, driver, ...sources], { stdio: "pipe" });
}, 60_000);

afterAll(() => removeFolder(directory));

/** What a plain connect() and the warden's dial come to, where the near end can only have the port itself. */
function drive(...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8", timeout: 30_000 }).trim();
}

describe("dial", () => {
  test("takes no connection to itself for a server, as connect(2) does", () => {
    expect(drive("20001")).toBe("connected ECONNREFUSED");
  });

  test("leads to none of the warden's own ports", () => {
    expect(drive("20001", "own")).toBe("connected EACCES");
  });
});
