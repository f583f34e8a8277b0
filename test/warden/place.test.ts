/**
 * Where paths of a sandboxed caller lead, as the warden's supervisor finds them: the ways of the kernel, without what
 * they would give to whoever goes them. A small C program plays the warden of a sandbox with two commands.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scratchFolder } from "../faults/support.ts";
import { FOLLOW, GROUPS, type Place, type Question } from "./place-questions.ts";

const native = fileURLToPath(new URL("../../src/warden/native/", import.meta.url));
const drivers = fileURLToPath(new URL("./native/", import.meta.url));
const scratch = scratchFolder("place");
const program = join(scratch, "drive_place");
const world = join(scratch, "world");
const SOURCES = ["place", "place_open", "own_descriptors", "place_zone", "place_mounts", "path_walk", "bound_sockets"];
const CALLER_SOURCES = [
  "caller",
  "caller_cards",
  "caller_memory",
  "caller_kin",
  "caller_status",
  "closer",
  "interrupt",
  "thread",
  "die",
];
const CHANCES = 5000;

function compile(target: string, mine: readonly string[], sources: readonly string[]): void {
  const inputs = [...mine.map((name) => join(drivers, name)), ...sources.map((name) => join(native, `${name}.c`))];
  const flags = ["-std=c17", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", native];
  execFileSync("cc", [...flags, "-o", target, ...inputs], { stdio: "pipe" });
}

function makeWorld(): void {
  const long = "n".repeat(255);
  for (const name of ["work/chain", "directory/below", "directory/deep", "foreign", "again", "second", "part"]) {
    mkdirSync(join(world, name), { recursive: true });
  }
  for (const name of ["file", "part-file", "directory/file", "work/plain", "work/new\nline", "work/x (deleted)"]) {
    writeFileSync(join(world, name), name);
  }
  writeFileSync(join(world, "work", long), "");
  const links: [string, string][] = [
    ["to-file", "file"],
    ["to-directory", "directory"],
    ["dangling", "nowhere"],
    ["loop", "loop"],
    ["directory/up", ".."],
    ["directory/to-file", "../file"],
    ["work/maps", "/proc/self/maps"],
    ["work/warden-maps", "/proc/1/maps"],
    ["work/thread-maps", "/proc/thread-self/maps"],
    ["work/inside", "/plain"],
    ["work/dangling", "/nowhere"],
    ["work/chain/near", "../../directory/made"],
    ["work/chain/far", "near"],
    ["work/chain/wide", "./".repeat(2000)],
    ["work/chain/1", "../plain"],
    ["work/chain/p1", "/proc/self/cwd/plain"],
  ];
  for (let number = 2; number <= 41; number++) {
    links.push([`work/chain/${number}`, `${number - 1}`], [`work/chain/p${number}`, `p${number - 1}`]);
  }
  for (const [name, target] of links) symlinkSync(target, join(world, name));
  // Deeper than a path can say, by a link.
  const top = join(world, "work/deep");
  const deep = join(top, ...Array.from({ length: Math.floor((4000 - top.length) / 241) }, () => "d".repeat(240)));
  mkdirSync(deep, { recursive: true });
  symlinkSync(deep, join(world, "work/deep-link"));
  mkdirSync(join(world, "work/deep-link", long));
  writeFileSync(join(world, "work/deep-link", long, "plain"), "");
}

function encode(path: string): string {
  return path.replaceAll("%", "%25").replaceAll("\n", "%0A").replaceAll(" ", "%20");
}

type Pids = Readonly<Record<string, number>>;

function replacePids(text: string, pids: Pids): string {
  return text.replace(/\{(\w+)\}/g, (_whole, name: string) => String(pids[name]));
}

function parse(output: string): Record<string, unknown>[] {
  const lines = output.trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Asks everything of one sandbox. */
function drive(lines: readonly string[]): { pids: Pids; answers: Record<string, unknown>[] } {
  const input = `${lines.join("\n")}\n`;
  const [pids, ...answers] = parse(execFileSync(program, [world], { encoding: "utf8", timeout: 60_000, input }));
  return { pids: pids as Pids, answers };
}

function words(question: Question): string {
  const { who = "caller", base = "cwd", flags = FOLLOW, how = 0, path } = question;
  return `find ${who} ${base} ${flags} ${how} ${encode(path)}`;
}

function expected(question: Question, pids: Pids): Place {
  if (typeof question.expected === "string") return { error: question.expected };
  const { path, ...rest } = question.expected;
  if (path === undefined) return rest;
  return { ...rest, path: replacePids(path.replace(/^\.\//, `${scratch}/`), pids) };
}

beforeAll(() => {
  compile(program, ["drive_place.c", "place_scene.c", "place_chance.c"], [...SOURCES, ...CALLER_SOURCES]);
  makeWorld();
}, 120_000);

// Some of its paths are longer than Node can say.
afterAll(() => execFileSync("rm", ["-rf", scratch]));

describe.each(GROUPS)("place_find: %s", (_group, questions) => {
  let pids: Pids;
  let answers: Record<string, unknown>[];

  beforeAll(() => {
    ({ pids, answers } = drive(questions.map(words)));
  }, 60_000);

  test.each(questions.map((question, index) => [question.name, question, index] as const))(
    "%s",
    (_name, question, i) => {
      const found = { ...answers[i] };
      for (const key of ["path", "name"]) {
        if (typeof found[key] === "string") found[key] = decodeURIComponent(found[key]);
      }
      expect(found).toMatchObject(expected(question, pids));
    },
  );
});

test("the kernel alone gives the warden's own, which is what place_find is for", () => {
  const { answers } = drive(["naive work/maps", "naive work/thread-maps", "naive work/warden-maps"]);
  const paths = answers.map(({ path }) => path);
  expect(paths).toEqual(["/proc/1/maps", "/proc/1/task/1/maps", "/proc/1/maps"]);
});

test("paths of chance lead where the kernel says", { timeout: 60_000 }, () => {
  const { answers } = drive([1, 2, 3].map((seed) => `random ${seed} ${CHANCES}`));
  for (const { found } of answers) expect(found).toBeGreaterThan(CHANCES / 20);
});

test("caller.h tells what the caller passed and is, and nothing of another", () => {
  const { pids, answers } = drive(["caller"]);
  const said = answers[0] as Record<string, unknown>;
  const inode = (name: string): string => String(statSync(join(world, name)).ino);
  expect(said).toMatchObject({
    string: "hello",
    "string before an unmapped page": "end",
    "string into an unmapped page": "EFAULT",
    "string of no end": "ENAMETOOLONG",
    "string of just the capacity": "hello",
    "string of one more": "ENAMETOOLONG",
    "string at null": "EFAULT",
    "string beyond memory": "EFAULT",
    "bytes over pages": "read",
    "bytes into an unmapped page": "EFAULT",
    file: inode("file"),
    "file of the thread": inode("directory/below"),
    "open file of the thread": inode("directory/below"),
    "descriptor that is not there": "EBADF",
    "open descriptor that is not there": "EBADF",
    "negative descriptor": "EBADF",
    "open negative descriptor": "EBADF",
    "working directory": inode("work"),
    "working directory of the thread": inode("directory"),
    umasks: [0o027, 0o111],
    processes: [pids.caller, pids.caller],
    binary: program,
    "string of the dead": "ESRCH",
    "file of the dead": "ESRCH",
    "open file of the dead": "ESRCH",
    dead: [0o077, 0],
  });
  expect(said.pipe).toBe(said["open pipe"]);
});

test("caller_kinship knows a command from another, and the warden and its shepherds from both", () => {
  const { answers } = drive(["caller"]);
  // The caller, its thread, its child; its shepherd; a stranger and its shepherd; we and our thread; nobody.
  const kin = ["kin", "kin", "kin", "keeper", "stranger", "keeper", "keeper", "keeper", "gone", "gone", "gone"];
  expect(answers[0]?.kinship).toEqual(kin);
});

test("notice.h answers a call, gives a descriptor whole or not at all, and knows when nobody waits", () => {
  const notifier = join(scratch, "drive_notice");
  compile(notifier, ["drive_notice.c"], ["notice"]);
  const answers = parse(execFileSync(notifier, { encoding: "utf8", timeout: 30_000 }));
  expect(answers).toEqual([
    { failed: "EPERM" },
    { failed: "EACCES" },
    { returned: 1234 },
    { continued: 1 },
    { given: 1, closeOnExec: 1 },
    { given: 1, closeOnExec: 0 },
    { refused: "EBADF", so: "EIO" },
    { interrupted: 1, right: 3000 },
    { live: 1, gone: 1, givenToNobody: 1 },
  ]);
});

test("socket_was_bound_here knows a socket of the sandbox from one of the host", () => {
  expect(drive(["sockets"]).answers).toEqual([{ work: 1, inside: 1, outside: 0, file: 0, closed: 0 }]);
});
