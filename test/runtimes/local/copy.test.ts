import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { copyWorkspace } from "../../../src/runtimes/local/copy.ts";
import { surveyFolder } from "../../../src/runtimes/local/survey.ts";
import {
  BaselineRecorder,
  describeReport,
  hostIdentity,
  type WorkspaceGrant,
} from "../../../src/runtimes/workspace/mod.ts";
import { withLauncher } from "./launcher.ts";

const isRoot = process.geteuid?.() === 0;
const scratch = mkdtempSync(join(tmpdir(), "cofferdam-copy-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let source = "";
let target = "";
beforeEach(() => {
  source = mkdtempSync(join(scratch, "source-"));
  target = mkdtempSync(join(scratch, "target-"));
});

const copy = (grants: WorkspaceGrant[], chown = false, missing: string[] = [], baseline?: BaselineRecorder) =>
  withLauncher((launcher) => {
    const learns = baseline === undefined ? {} : { baseline };
    return copyWorkspace(launcher, source, target, { uid: 77, gid: 78, grants, chown, missing, ...learns });
  });

describe("a copy on this host", () => {
  test("holds what is granted, with its modes and times", async () => {
    mkdirSync(join(source, "a/b"), { recursive: true });
    writeFileSync(join(source, "a/b/script"), "#!", { mode: 0o755 });
    writeFileSync(join(source, "a/b/empty"), "");
    writeFileSync(join(source, "a/secret"), "x");
    writeFileSync(join(source, "secret"), "x");
    chmodSync(join(source, "a/b/script"), 0o4711);
    utimesSync(join(source, "a/b/script"), 5, 6.5);
    utimesSync(join(source, "a/b"), 7, 8);
    const report = await copy([{ relative: "a/b", access: "write" }], false, ["new", "new/folder"]);
    expect(describeReport(report)).toEqual([]);
    expect(
      execFileSync("find", [".", "-printf", "%P\n"], { cwd: target, encoding: "utf8" }).trim().split("\n").sort(),
    ).toEqual(["a", "a/b", "a/b/empty", "a/b/script", "new", "new/folder"]);
    const script = lstatSync(join(target, "a/b/script"));
    expect([script.mode & 0o7777, script.mtimeMs]).toEqual([0o711, 6500]);
    expect(lstatSync(join(target, "a/b")).mtimeMs).toBe(8000);
  });

  test("keeps links as they are and never follows one", async () => {
    symlinkSync("/etc", join(source, "etc"));
    symlinkSync("../../outside", join(source, "out"));
    await copy([{ relative: ".", access: "read" }]);
    expect(readlinkSync(join(target, "etc"))).toBe("/etc");
    expect(readlinkSync(join(target, "out"))).toBe("../../outside");
  });

  test("leaves special files out, says so, and separates hard links", async () => {
    execFileSync("mkfifo", [join(source, "fifo")]);
    writeFileSync(join(source, "one"), "same");
    linkSync(join(source, "one"), join(source, "two"));
    const report = await copy([{ relative: ".", access: "write" }]);
    expect(report).toEqual({ special: 1, unreadable: 0, changed: 0 });
    expect(readdirSync(target).sort()).toEqual(["one", "two"]);
    expect(lstatSync(join(target, "one")).nlink).toBe(1);
  });

  test("takes names that are no text, and large files", async () => {
    const odd = Buffer.from("\xff\xfe\n", "latin1");
    writeFileSync(Buffer.concat([Buffer.from(`${source}/`), odd]), "odd");
    writeFileSync(join(source, "large"), Buffer.alloc(3_000_000, "ab"), { mode: 0o444 });
    await copy([{ relative: ".", access: "read" }]);
    expect(
      readdirSync(target, { encoding: "buffer" })
        .map((name) => name.toString("hex"))
        .sort(),
    ).toEqual([Buffer.from("large").toString("hex"), odd.toString("hex")].sort());
    expect(readFileSync(join(target, "large")).equals(readFileSync(join(source, "large")))).toBe(true);
    expect(lstatSync(join(target, "large")).mode & 0o777).toBe(0o444);
  });

  test.runIf(isRoot)("gives what is only readable to root", async () => {
    mkdirSync(join(source, "docs"));
    writeFileSync(join(source, "docs/w"), "", { mode: 0o644 });
    writeFileSync(join(source, "r"), "", { mode: 0o600 });
    symlinkSync("r", join(source, "docs/l"));
    await copy(
      [
        { relative: ".", access: "read" },
        { relative: "docs", access: "write" },
      ],
      true,
      ["docs/new"],
    );
    const of = (path: string): number[] => {
      const { uid, gid, mode } = lstatSync(join(target, path));
      return [uid, gid, mode & 0o7777];
    };
    expect(of("r")).toEqual([0, 78, 0o640]);
    expect(of("docs/w")).toEqual([77, 78, 0o644]);
    expect(of("docs/l").slice(0, 2)).toEqual([77, 78]);
    expect(of("docs/new")).toEqual([77, 78, 0o755]);
    expect(of(".").slice(0, 2)).toEqual([0, 78]);
  });

  test("goes as deep as the tree", async () => {
    let path = source;
    for (let depth = 0; depth < 300; depth++) path = join(path, "deep");
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "end"), "");
    await copy([{ relative: ".", access: "write" }]);
    expect(existsSync(path.replace(source, target))).toBe(true);
  });

  test("keeps holes, and takes no time for them", async () => {
    const file = openSync(join(source, "sparse"), "w");
    writeSync(file, "begin", 0);
    writeSync(file, "middle", 3_000_000_000);
    ftruncateSync(file, 10_000_000_000);
    closeSync(file);
    await copy([{ relative: ".", access: "write" }]);
    const { size, blocks } = lstatSync(join(target, "sparse"));
    expect([size, blocks < 1000]).toEqual([10_000_000_000, true]);
    const copied = openSync(join(target, "sparse"), "r");
    const read = (at: number) => {
      const bytes = Buffer.alloc(6);
      readSync(copied, bytes, 0, 6, at);
      return bytes.toString();
    };
    expect([read(0), read(3_000_000_000), read(2_999_999_997)]).toEqual(["begin\0", "middle", "\0\0\0mid"]);
    closeSync(copied);
  });

  test("learns what was copied, of what may be written", async () => {
    mkdirSync(join(source, "out"));
    writeFileSync(join(source, "read"), "read");
    writeFileSync(join(source, "out/file"), "write", { mode: 0o640 });
    symlinkSync("file", join(source, "out/link"));
    const recorder = new BaselineRecorder();
    const grants: WorkspaceGrant[] = [
      { relative: ".", access: "read" },
      { relative: "out", access: "write" },
    ];
    await copy(grants, false, [], recorder);
    const entries = await recorder.baseline(undefined, grants).load();
    expect([...entries.keys()].sort()).toEqual(["out/file", "out/link"]);
    const file = entries.get("out/file");
    expect(file).toMatchObject({ kind: "file", mode: 0o640, size: 5 });
    expect(file?.host).toEqual(hostIdentity(lstatSync(join(source, "out/file"))));
    expect(file?.copy?.inode).toBe(lstatSync(join(target, "out/file")).ino);
    expect(entries.get("out/link")?.target?.toString()).toBe("file");
  });

  test("a survey tells the same of a folder, and touches nothing", async () => {
    mkdirSync(join(source, "a/b"), { recursive: true });
    writeFileSync(join(source, "a/b/file"), "text", { mode: 0o640 });
    writeFileSync(join(source, "a/other"), "text");
    symlinkSync("b/file", join(source, "a/link"));
    execFileSync("mkfifo", [join(source, "a/fifo")]);
    const look = (roots: string[]) => withLauncher((launcher) => surveyFolder(launcher, source, roots));
    expect([...(await look(["."])).keys()].sort()).toEqual(["a/b/file", "a/link", "a/other"]);
    const found = await look(["a/b", "a/link", "none"]);
    const stats = lstatSync(join(source, "a/b/file"));
    expect([...found.keys()].sort()).toEqual(["a/b/file", "a/link"]);
    expect(found.get("a/b/file")).toEqual({
      kind: "file",
      mode: 0o640,
      size: 4,
      host: hostIdentity(stats),
      copy: { inode: stats.ino, ctimeMs: Math.floor(stats.ctimeMs) },
    });
    expect(found.get("a/link")?.target?.toString()).toBe("b/file");
  });

  test("a tree that is deeper than anybody's is an error, and costs no memory", async () => {
    const dig = `
import os, sys
os.chdir(sys.argv[1])
for _ in range(1100):
    os.mkdir("d" * 250)
    os.chdir("d" * 250)`;
    const tree = join(source, "tree");
    mkdirSync(tree);
    execFileSync("python3", ["-c", dig, tree]);
    try {
      await expect(copy([{ relative: ".", access: "write" }])).rejects.toMatchObject({ code: "ENAMETOOLONG" });
    } finally {
      execFileSync("rm", ["-rf", tree, join(target, "tree")]);
    }
  });

  test("fails as a whole, with its place, where a part cannot be made", async () => {
    mkdirSync(join(source, "folder"));
    writeFileSync(join(source, "folder/file"), "");
    writeFileSync(join(target, "folder"), "in the way");
    await expect(copy([{ relative: ".", access: "read" }])).rejects.toMatchObject({
      code: expect.stringMatching(/^E(NOTDIR|LOOP)$/),
      message: expect.stringContaining('"folder"'),
    });
  });

  test("copies thousands of small files", async () => {
    for (let folder = 0; folder < 100; folder++) {
      mkdirSync(join(source, `d${folder}`));
      for (let file = 0; file < 50; file++)
        writeFileSync(join(source, `d${folder}/f${file}`), "some text\n".repeat(30));
    }
    await copy([{ relative: ".", access: "write" }]);
    for (const folder of [0, 50, 99]) expect(readdirSync(join(target, `d${folder}`))).toHaveLength(50);
    expect(readFileSync(join(target, "d99/f49"), "utf8")).toBe("some text\n".repeat(30));
  });
});
