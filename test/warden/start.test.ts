/**
 * What judges the start of a program, on its own: its parts by a driver, and the whole of it under a small supervisor that
 * agents race against.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { removeFolder, scratchFolder } from "../faults/support.ts";

const native = fileURLToPath(new URL("../../src/warden/native/", import.meta.url));
const here = fileURLToPath(new URL("./native/", import.meta.url));
const directory = scratchFolder("start");
const driver = join(directory, "drive_start");
const racer = join(directory, "race_start");
const folder = join(directory, "agents");
const ROUNDS = process.env.COFFERDAM_TEST_START_ROUNDS ?? "300";

const parts = ["sha256", "hash_cache", "shebang", "elf_image", "loader_variables", "bytes", "die"];
const judge = ["start_judge", "start_image", "start_stop", "start_parents", "caller_strings", "processes"];
const strict = ["-std=c17", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-I", native, "-I", here];
const sanitized = [...strict, "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-pthread"];

function compile(...args: string[]): void {
  execFileSync("cc", args, { stdio: "pipe" });
}

const inNative = (names: string[]): string[] => names.map((name) => join(native, `${name}.c`));
const inHere = (...names: string[]): string[] => names.map((name) => join(here, `${name}.c`));

beforeAll(() => {
  mkdirSync(join(folder, "writable"), { recursive: true });
  compile(...sanitized, "-o", driver, ...inHere("drive_start", "stub_supervisor"), ...inNative(parts));
  // The agents share memory with their children as vfork does, which the sanitizers cannot follow.
  const agents = join(directory, "agents.o");
  compile(...strict, "-c", "-o", agents, ...inHere("race_agents"));
  const sources = [...inHere("race_start", "stub_supervisor"), ...inNative([...judge, ...parts])];
  compile(...sanitized, "-o", racer, agents, ...sources);
  for (const [name, define] of [
    ["allowed", "ALLOWED"],
    ["denied", "DENIED"],
    ["print", "PRINT"],
    ["sleeper", "SLEEPER"],
  ] as const)
    compile("-std=c17", "-O1", "-static", `-D${define}`, "-o", join(folder, name), ...inHere("race_program"));
  symlinkSync("allowed", join(folder, "1"));
  symlinkSync("denied", join(folder, "2"));
  put("nonsense", "nonsense\n");
}, 120_000);

afterAll(() => removeFolder(directory));

function put(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, 0o755);
  return path;
}

function drive(operation: string, path = "", input: string | Buffer = ""): string {
  return execFileSync(driver, [operation, path], { input, encoding: "utf8", timeout: 60_000 }).trimEnd();
}

/** The loader of this machine, as its own programs name it. */
function loader(): string {
  const [, path] = drive("elf", process.execPath).split(" ");
  return realpathSync(path ?? "");
}

describe("sha256", () => {
  const vectors: [string, string][] = [
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    [
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
    ],
    ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ];

  test.each(vectors)("is right for the vectors of FIPS 180", (text, digest) => {
    expect(drive("sha256", "", text)).toBe(`${digest}\n${digest}`);
  });

  test("is right at every length around a block, with the processor's instructions and without", () => {
    for (const length of [1, 54, 55, 56, 57, 63, 64, 65, 111, 119, 120, 127, 128, 129, 8191]) {
      const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 7 + length) % 256));
      const digest = createHash("sha256").update(bytes).digest("hex");
      expect(drive("sha256", "", bytes), String(length)).toBe(`${digest}\n${digest}`);
    }
  });

  test("is the same for a file through the cache and past it", () => {
    const digest = createHash("sha256")
      .update(readFileSync(join(folder, "allowed")))
      .digest("hex");
    expect(drive("hash_file", join(folder, "allowed"))).toBe([digest, digest, digest].join("\n"));
  });
});

describe("shebang_parse", () => {
  const lines: [string, string][] = [
    ["", "none"],
    ["#", "none"],
    ["#!", "[]"],
    ["#!\n", "none"],
    ["#! \t \n/bin/sh\n", "none"],
    [" #!/bin/sh\n", "none"],
    ["#!/bin/sh\n", "[/bin/sh]"],
    ["#!/bin/sh", "[/bin/sh]"],
    ["#! \t/bin/sh \t\n", "[/bin/sh]"],
    ["#!/usr/bin/env  node --flag  x \n", "[/usr/bin/env] [node --flag  x]"],
    ["#!sh\t-e\n", "[sh] [-e]"],
    ["#!/bin/sh -e", "[/bin/sh] [-e]"],
    ["#!/bin/sh\r\n", "[/bin/sh\r]"],
    ["#!/bin/sh\0-e\n", "[/bin/sh]"],
    [`#!/${"x".repeat(252)}\n`, `[/${"x".repeat(252)}]`],
    [`#!/${"x".repeat(253)}\n`, "none"],
    [`#!/bin/sh ${"y".repeat(300)}\n`, `[/bin/sh] [${"y".repeat(245)}]`],
    [`#!${" ".repeat(254)}`, "none"],
  ];

  test.each(lines)("reads %j", (line, expected) => expect(drive("shebang", "", line)).toBe(expected));
});

describe("elf_look", () => {
  test("tells loaders from programs, under any name", () => {
    expect(drive("elf", loader())).toBe("loader");
    const copy = put("innocent", readFileSync(loader()));
    expect(drive("elf", copy)).toBe("loader");
    expect(drive("elf", process.execPath)).toMatch(/^program \/.*ld/);
    expect(drive("elf", join(folder, "allowed"))).toBe("program");
    expect(drive("elf", "/etc/passwd")).toBe("not");
  });

  test("takes a position-independent static program for a program", () => {
    const path = join(folder, "pie");
    compile("-std=c17", "-O1", "-static-pie", "-fPIE", "-o", path, ...inHere("race_program"));
    expect(drive("elf", path)).toBe("program");
  });

  test("refuses what is cut, and what the kernel would not load", () => {
    const whole = readFileSync(loader());
    for (const size of [4, 16, 63, 64, 100])
      expect(drive("elf", put("cut", whole.subarray(0, size))), String(size)).toBe("broken");
    const program = readFileSync(process.execPath).subarray(0, 65_536);
    const changed: [number, number, string][] = [
      [0, 0, "not"],
      [4, 1, "broken"],
      [5, 2, "broken"],
      [16, 1, "broken"],
      [18, 3, "foreign"],
      [54, 0, "broken"],
      [56, 0, "broken"],
      [57, 0xff, "broken"],
      [39, 0xff, "broken"],
    ];
    for (const [offset, byte, expected] of changed) {
      const bytes = Buffer.from(program);
      bytes[offset] = byte;
      expect(drive("elf", put("changed", bytes)).trimEnd(), `${offset}`).toBe(expected);
    }
  });

  test("refuses a loader that hides its name", () => {
    const bytes = readFileSync(loader());
    const headers = Number(bytes.readBigUInt64LE(32));
    for (let at = headers; at < headers + bytes.readUInt16LE(56) * 56; at += 56)
      if (bytes.readUInt32LE(at) === 2) bytes.writeBigUInt64LE(1n << 62n, at + 8);
    expect(drive("elf", put("hiding", bytes))).toBe("loader");
  });

  test.each([process.execPath, "the loader"])("holds for 20,000 broken variants of %s", { timeout: 90_000 }, (name) => {
    const said = drive("broken_elfs", name === "the loader" ? loader() : name);
    expect(said).toMatch(/^not \d+ foreign \d+ broken [1-9]\d* program \d+ loader \d+$/);
  });

  test("knows loaders by name", () => {
    const names = "/lib64/ld-linux-x86-64.so.2 /lib/ld-2.31.so /lib/ld-musl-aarch64.so.1 /lib/ld.so /lib64/ld64.so.2";
    for (const name of names.split(" ")) expect(drive("loader_name", name), name).toBe("loader");
    const others = "/usr/bin/ld /usr/bin/ld.lld /usr/bin/ld64.lld /usr/bin/x86_64-ld /lib/libdl.so.2";
    for (const name of others.split(" ")) expect(drive("loader_name", name), name).toBe("other");
  });
});

describe("loader_variables_are_safe", () => {
  const judged: [string, "safe" | "unsafe"][] = [
    ["", "safe"],
    ["LD_PRELOAD=", "safe"],
    ["LD_PRELOADED=/writable/x.so", "safe"],
    ["LD_PRELOAD=/usr/lib/x.so", "safe"],
    ["LD_PRELOAD=/usr/lib/x.so  /etc/passwd:/usr/lib/y.so", "safe"],
    ["LD_PRELOAD=x.so", "unsafe"],
    ["LD_PRELOAD=/usr/lib/x.so ./y.so", "unsafe"],
    ["LD_PRELOAD=/writable/x.so", "unsafe"],
    ["LD_PRELOAD=/usr/lib/../lib/x.so", "unsafe"],
    ["LD_PRELOAD=/usr/$LIB/x.so", "unsafe"],
    ["LD_PRELOAD=/usr/lib/x.so\n/usr/lib/y.so", "unsafe"],
    ["LD_PRELOAD=/proc/self/cwd/x.so", "unsafe"],
    ["LD_PRELOAD=/usr//..//proc/self/fd/3", "unsafe"],
    ["LD_PRELOAD=//proc//self/fd/3", "unsafe"],
    ["LD_PRELOAD=/dev/fd/3", "unsafe"],
    ["LD_AUDIT=/usr/lib/x.so", "safe"],
    ["LD_AUDIT=/writable/x.so", "unsafe"],
    ["LD_LIBRARY_PATH=/usr/lib:/lib/", "safe"],
    ["LD_LIBRARY_PATH=/usr/lib:", "unsafe"],
    ["LD_LIBRARY_PATH=:/usr/lib", "unsafe"],
    ["LD_LIBRARY_PATH=/usr/lib;/writable", "unsafe"],
    ["LD_LIBRARY_PATH=/usr/lib /lib", "unsafe"],
    ["LD_LIBRARY_PATH=.", "unsafe"],
    [`LD_LIBRARY_PATH=${"/usr/lib:".repeat(63)}/lib`, "safe"],
    [`LD_LIBRARY_PATH=${"/usr/lib:".repeat(64)}/lib`, "unsafe"],
    [`LD_LIBRARY_PATH=${"/none".repeat(20)}`, "unsafe"],
    [`LD_LIBRARY_PATH=/${"x".repeat(5000)}`, "unsafe"],
    ["GCONV_PATH=/writable", "unsafe"],
  ];

  test.each(judged)("judges %j", (variable, expected) => {
    const environment = Buffer.from(`A=1\0${variable}\0LD_BIND_NOW=1\0`);
    expect(drive("variables", "", environment).split(" ")[1]).toBe(expected);
  });

  test("looks at each of several of one name, and through links", () => {
    const twice = Buffer.from("LD_PRELOAD=/usr/lib/x.so\0LD_PRELOAD=/writable/x.so\0");
    expect(drive("variables", "", twice)).toMatch(/unsafe/);
    symlinkSync(join(folder, "writable"), join(folder, "into"));
    symlinkSync(join(folder, "writable/missing"), join(folder, "nowhere"));
    for (const name of ["into", "into/x.so", "nowhere", "nowhere/x.so"])
      expect(drive("variables", "", `LD_LIBRARY_PATH=${join(folder, name)}\0`), name).toMatch(/unsafe/);
    expect(drive("variables", "", `LD_LIBRARY_PATH=${join(folder, "missing")}\0`)).toMatch(/ safe/);
  });
});

type Way = "verify" | "continue" | "free";

/** Runs agents of one kind, and returns what they print. The supervisor must end well, and leak nothing. */
function run(way: Way, scenario: string, rounds: string = ROUNDS): string[] {
  copyFileSync(join(folder, "allowed"), join(folder, "writable/hashed"));
  const ended = spawnSync(racer, [way, scenario, folder, rounds], { encoding: "utf8", timeout: 110_000 });
  expect(ended.stderr).toBe("");
  expect(ended.status).toBe(0);
  return ended.stdout.trimEnd().split("\n");
}

function counts(lines: string[]): Record<string, number> {
  const pairs = [...lines.join(" ").matchAll(/([a-z]+) (\d+)/g)];
  return Object.fromEntries(pairs.map(([, name, count]) => [name, Number(count)]));
}

describe("start_judge and start_stopped", { timeout: 120_000 }, () => {
  test("let run what is allowed and nothing else", () => {
    const rounds = Number(ROUNDS);
    const seen = counts(run("verify", "plain"));
    expect(seen).toMatchObject({ allowed: rounds, denied: 0, killed: 0, others: 0, mismatches: 0, stops: rounds });
  });

  const raced = ["path", "argument", "environment", "link", "content"];
  test.each(raced)("lose no race about the %s, which a continued call loses", (scenario) => {
    if (scenario === "link") symlinkSync("allowed", join(folder, "link"));
    const control = counts(run("continue", scenario));
    expect(control.denied).toBeGreaterThan(0);
    const seen = counts(run("verify", scenario));
    expect(seen.denied).toBe(0);
    expect(seen.allowed).toBeGreaterThan(0);
    expect(seen.killed).toBe(seen.mismatches);
    expect(seen.others).toBe(0);
  });

  test.each(["thread", "threads", "failures", "signals"])("hold for starts with %s", (scenario) => {
    const seen = counts(run("verify", scenario));
    expect(seen).toMatchObject({ allowed: Number(ROUNDS), denied: 0, killed: 0, others: 0, mismatches: 0 });
  });

  test("take a process that is killed meanwhile for no other program", () => {
    expect(counts(run("verify", "kills"))).toMatchObject({ killed: Number(ROUNDS), others: 0, mismatches: 0 });
  });

  test("agree with the kernel on scripts of every kind", () => {
    const words = ["./print", "print", "/bin/true", " ", "\t", "\n", "\0", "-x", "#", "./n0", "x".repeat(120)];
    const names: string[] = [];
    let seed = 42;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    for (let index = 0; index < 80; index++) {
      const line = Array.from({ length: 1 + random(6) }, () => words[random(words.length)]).join("");
      put(`s${index}`, `#!${index % 2 ? " ./print" : ""}${line}`);
      names.push(`s${index}`);
    }
    for (let level = 0; level < 7; level++) {
      put(`n${level}`, `#!./${level ? `n${level - 1}` : "print"} -${level}\n`);
      names.push(`n${level}`, `./n${level}`);
    }
    put("script", "#!./print\n");
    writeFileSync(join(folder, "list"), `${names.join("\n")}\n`);
    const listed = (way: Way): string[] => run(way, "everything", "1").slice(0, names.length);
    const expected = listed("free");
    expect(listed("verify")).toEqual(expected);
    expect(expected).toContain("n4: [./print][-0][./n0][-1][./n1][-2][./n2][-3][./n3][-4][n4][one]");
    expect(expected).toContain("n5: ELOOP");
    expect(new Set(expected.map((line) => line.replace(/^.*?: /, ""))).size).toBeGreaterThan(20);
  });

  test("answer every kind of call as the kernel would, and refuse what they must", () => {
    put("script", "#!./print\n");
    put("by-denied", "#!./denied\n");
    put("by-loader", "#!./loader\n");
    put("by-missing", "#!./missing\n");
    put("by-folder", "#!.\n");
    put("hidden", readFileSync(join(folder, "allowed")));
    put("unmatched", "#!./print\n");
    put("gone", readFileSync(join(folder, "allowed")));
    put("copy", readFileSync(loader()));
    put("plain", "no x bit\n");
    chmodSync(join(folder, "plain"), 0o644);
    for (const [name, target] of [
      ["loader", loader()],
      ["link", "allowed"],
    ] as const)
      if (!existsSync(join(folder, name))) symlinkSync(target, join(folder, name));
    const names = ["by-denied", "by-loader", "by-missing", "by-folder", "hidden", "unmatched", "plain", "missing", "."];
    writeFileSync(join(folder, "list"), `${names.join("\n")}\n`);
    const said = run("verify", "everything", "1");
    // Descriptors have whatever numbers are free.
    expect(said.slice(0, -1).map((line) => line.replace(/fd\/\d+/, "fd/N"))).toEqual([
      "by-denied: EACCES",
      "by-loader: EACCES",
      "by-missing: ENOENT",
      "by-folder: EACCES",
      "hidden: EACCES",
      "unmatched: [./print][unmatched][one]",
      "plain: EACCES",
      "missing: ENOENT",
      ".: EACCES",
      "no arguments: []",
      "script without arguments: [./print][script]",
      "from a directory: [./print][/dev/fd/N/script][one]",
      "by descriptor: [./print][/dev/fd/N][one]",
      "program by descriptor: ran",
      "empty path: ENOENT",
      "link not followed: ELOOP",
      "unknown flag: EINVAL",
      "loader: EACCES",
      "loader's copy: EACCES",
      "in memory: EACCES",
      "unlinked: EACCES",
      "bad address: EFAULT",
      "too many: E2BIG",
      "too long: E2BIG",
    ]);
    expect(said.at(-1)).toContain("mismatches 0");
    expect(readdirSync(folder)).not.toContain("gone");
  });
});
