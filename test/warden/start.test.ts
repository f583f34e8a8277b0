/**
 * The parts of the warden that judge the start of a program, each on its own, by a driver.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { removeFolder } from "../faults/support.ts";
import { buildDriver, buildPrograms, compile, directory, drive, folder, inHere, loader, put } from "./start-support.ts";

beforeAll(() => {
  buildDriver();
  buildPrograms();
}, 120_000);

afterAll(() => removeFolder(directory));

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

  test("nobody waits for a long file that the sandbox can write", () => {
    const long = join(folder, "long");
    writeFileSync(long, "");
    truncateSync(long, 65 * 1024 * 1024);
    const digest = createHash("sha256")
      .update(Buffer.alloc(65 * 1024 * 1024))
      .digest("hex");
    // Twice through the cache, which is for others; the third is refused.
    expect(drive("hash_file", long)).toBe([digest, digest].join("\n"));
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

  test("knows a copy of musl's loader, which has no name in it, and no static program that could load for one", () => {
    const source = put("musl.c", "void dlopen(void) {}\nvoid go(void) { for (;;); }\n");
    const bare = ["-nostdlib", "-fPIC", "-Wl,-e,go", source];
    compile("-shared", ...bare, "-o", join(folder, "like-musl"));
    expect(drive("elf", join(folder, "like-musl"))).toBe("loader");
    compile("-static-pie", "-Wl,--export-dynamic", ...bare, "-o", join(folder, "like-pie"));
    expect(readFileSync(join(folder, "like-pie")).includes("\0dlopen\0")).toBe(true);
    expect(drive("elf", join(folder, "like-pie"))).toBe("program");
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

  test("refuses a directory that holds something that the sandbox can write, and one that would", () => {
    for (const name of ["holding", "plain"]) mkdirSync(join(folder, name), { recursive: true });
    for (const variable of ["LD_LIBRARY_PATH", "GCONV_PATH"]) {
      const judge = (name: string) => drive("variables", "", `${variable}=${join(folder, name)}\0`);
      expect(judge("holding")).toMatch(/unsafe/);
      expect(judge("plain/holding")).toMatch(/unsafe/);
      expect(judge("plain")).toMatch(/ safe/);
    }
  });

  test("looks at each of several of one name, and through links", () => {
    const twice = Buffer.from("LD_PRELOAD=/usr/lib/x.so\0LD_PRELOAD=/writable/x.so\0");
    expect(drive("variables", "", twice)).toMatch(/unsafe/);
    // Each is looked for: together they may be no more than one list may hold.
    const list = (name: string) => `${name}=${"/usr/lib:".repeat(39)}/lib\0`;
    expect(drive("variables", "", list("LD_LIBRARY_PATH"))).toMatch(/ safe/);
    expect(drive("variables", "", list("LD_LIBRARY_PATH").repeat(2))).toMatch(/unsafe/);
    expect(drive("variables", "", `${list("LD_LIBRARY_PATH")}${list("GCONV_PATH")}`)).toMatch(/unsafe/);
    symlinkSync(join(folder, "writable"), join(folder, "into"));
    symlinkSync(join(folder, "writable/missing"), join(folder, "nowhere"));
    for (const name of ["into", "into/x.so", "nowhere", "nowhere/x.so"])
      expect(drive("variables", "", `LD_LIBRARY_PATH=${join(folder, name)}\0`), name).toMatch(/unsafe/);
    expect(drive("variables", "", `LD_LIBRARY_PATH=${join(folder, "missing")}\0`)).toMatch(/ safe/);
  });
});
