/**
 * Parts of the warden on their own, called by small C programs: what removes the leftovers of a sandbox as root.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { removeFolder, scratchFolder } from "../faults/support.ts";

const native = fileURLToPath(new URL("../../src/warden/native/", import.meta.url));
const driver = fileURLToPath(new URL("./native/drive_tree.c", import.meta.url));
// In memory where that is to be had: trees of tens of thousands of folders take their time on a disk.
const directory = existsSync("/dev/shm") ? mkdtempSync("/dev/shm/faults-unit-") : scratchFolder("unit");
const program = join(directory, "drive_tree");
const outside = join(directory, "outside");
const top = join(directory, "top");

beforeAll(() => {
  const sources = ["scratch.c", "file_tree.c"].map((name) => join(native, name));
  const flags = ["-std=c17", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", native];
  execFileSync("cc", [...flags, "-o", program, driver, ...sources], { stdio: "pipe" });
}, 60_000);

afterAll(() => removeFolder(directory));

function drive(operation: string, path: string): string {
  return execFileSync(program, [operation, path], {
    encoding: "utf8",
    timeout: 60_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** What must never change: a file and a folder with modes of their own. */
function makeOutside(): void {
  rmSync(outside, { recursive: true, force: true });
  mkdirSync(join(outside, "folder"), { recursive: true });
  writeFileSync(join(outside, "folder/file"), "precious");
  chmodSync(join(outside, "folder/file"), 0o440);
  chmodSync(join(outside, "folder"), 0o550);
}

function expectOutsideUntouched(): void {
  expect(readFileSync(join(outside, "folder/file"), "utf8")).toBe("precious");
  expect(lstatSync(join(outside, "folder/file")).mode & 0o7777).toBe(0o440);
  expect(lstatSync(join(outside, "folder")).mode & 0o7777).toBe(0o550);
}

beforeEach(() => {
  makeOutside();
  drive("scratch_remove", top);
  mkdirSync(top);
});

const trees: [string, () => void][] = [
  ["nothing in it", () => undefined],
  [
    "files, folders and links",
    () => {
      mkdirSync(join(top, "a/b/c"), { recursive: true });
      for (const name of ["a/1", "a/b/2", "a/b/c/3", "4"]) writeFileSync(join(top, name), name);
      symlinkSync("nowhere", join(top, "a/dangling"));
      symlinkSync("..", join(top, "a/b/up"));
    },
  ],
  [
    "links that lead outside",
    () => {
      symlinkSync(outside, join(top, "folder"));
      mkdirSync(join(top, "deep/er"), { recursive: true });
      symlinkSync(join(outside, "folder"), join(top, "deep/er/link"));
      symlinkSync(join(outside, "folder/file"), join(top, "deep/file"));
      symlinkSync("/", join(top, "deep/root"));
    },
  ],
  [
    "folders that nobody may enter",
    () => {
      mkdirSync(join(top, "closed/below/further"), { recursive: true });
      writeFileSync(join(top, "closed/below/file"), "");
      for (const name of ["closed/below/further", "closed/below", "closed"]) chmodSync(join(top, name), 0);
      mkdirSync(join(top, "readonly/below"), { recursive: true });
      writeFileSync(join(top, "readonly/below/file"), "");
      chmodSync(join(top, "readonly/below"), 0o500);
      chmodSync(join(top, "readonly"), 0o400);
    },
  ],
  [
    "names of every kind",
    () => {
      const names = ["new\nline", "-rf", "...", ".hidden", " ", "*", "\x1b[31m", "é".repeat(120), "n".repeat(255)];
      const bytes = [...names.map((name) => Buffer.from(name)), Buffer.from([0xff, 0xfe, 0x80])];
      for (const name of bytes) {
        const path = Buffer.concat([Buffer.from(`${top}/`), name]);
        mkdirSync(path);
        writeFileSync(Buffer.concat([path, Buffer.from("/"), name]), "");
      }
    },
  ],
  [
    "names that removal itself uses",
    () => {
      for (let index = 0; index < 20; index++) {
        mkdirSync(join(top, `.cofferdam-removed-${index}/below/.cofferdam-removed-${index + 1}/x`), {
          recursive: true,
        });
        writeFileSync(join(top, `.cofferdam-removed-${index}/below/file`), "");
      }
      writeFileSync(join(top, ".cofferdam-removed-21"), "");
    },
  ],
  ["a folder 20,000 deep", () => drive("make_deep", top)],
  ["many folders, each a little deep", () => drive("make_wide", top)],
  ["sockets, pipes and files without rights", () => drive("make_special", top)],
];

describe("scratch_remove", () => {
  test.each(trees)("removes a folder with %s", { timeout: 90_000 }, (_name, make) => {
    make();
    drive("scratch_remove", top);
    expect(existsSync(top)).toBe(false);
    expect(readdirSync(directory).sort()).toEqual(["drive_tree", "outside"]);
    expectOutsideUntouched();
  });

  test("follows no link in the place of its folder", () => {
    rmSync(top, { recursive: true });
    symlinkSync(join(outside, "folder"), top);
    drive("scratch_remove", top);
    expectOutsideUntouched();
    rmSync(top);
  });

  test("takes a folder that is not there for removed", () => {
    drive("scratch_remove", join(directory, "none"));
    expectOutsideUntouched();
  });
});

describe("tree_remove", () => {
  // Depth is bounded here by design: it costs the caller's own descriptors.
  const bounded = trees.filter(([name]) => !name.includes("deep"));
  test.each(bounded)("removes a folder with %s", { timeout: 60_000 }, (_name, make) => {
    make();
    expect(drive("tree_remove", top)).toBe("removed\n");
    expect(existsSync(top)).toBe(false);
    expectOutsideUntouched();
  });

  test("ends with an error, not a crash, at a hostile depth", { timeout: 60_000 }, () => {
    drive("make_deep", top);
    expect(drive("tree_remove", top)).toMatch(/^(failed with|removed)/);
    drive("scratch_remove", top);
    expect(existsSync(top)).toBe(false);
  });

  test("removes a link itself", () => {
    symlinkSync(join(outside, "folder"), join(top, "link"));
    expect(drive("tree_remove", join(top, "link"))).toBe("removed\n");
    expect(readdirSync(top)).toEqual([]);
    expectOutsideUntouched();
  });
});
