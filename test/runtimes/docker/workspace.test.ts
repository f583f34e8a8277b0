import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { verifyMount } from "../../../src/runtimes/docker/workspace-mounts.ts";
import type { WorkspaceRequest } from "../../../src/runtimes/runtime.ts";
import { docker, filesystemOf, hasEngine, run, shellRuntime, uniqueId } from "./support.ts";

const isRoot = process.geteuid?.() === 0;
const OWNER = isRoot ? 4321 : (process.geteuid?.() ?? 0);
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A workspace with `src/a.ts`, `docs/b.md` and `.env`. */
function makeWorkspace(): string {
  const path = mkdtempSync(join(tmpdir(), "cofferdam-ws-"));
  folders.push(path);
  mkdirSync(join(path, "src"));
  mkdirSync(join(path, "docs"));
  writeFileSync(join(path, "src/a.ts"), "a");
  writeFileSync(join(path, "docs/b.md"), "b");
  writeFileSync(join(path, ".env"), "SECRET");
  return path;
}

function request(path: string, mode: "mount" | "copy"): { workspace: WorkspaceRequest } {
  if (isRoot && mode === "mount") execFileSync("chown", ["-R", `${OWNER}:${OWNER}`, path]);
  const { uid, gid } = statSync(path);
  return { workspace: { path, mode, uid, gid } };
}

describe.skipIf(!hasEngine)("a mounted workspace", () => {
  const runtime = shellRuntime();

  test("is the folder itself, as its owner", async () => {
    const path = makeWorkspace();
    const started = await runtime.start({ ...request(path, "mount"), filesystem: filesystemOf({ write: ["."] }) });
    expect(started).toMatchObject({ uid: OWNER, gid: OWNER, liveMounts: true, notes: [] });
    expect(await run(started, "id -u; cd /workspace; cat src/a.ts; echo new > docs/new.md && mv docs/new.md src")).toBe(
      `${OWNER}\na`,
    );
    expect(readFileSync(join(path, "src/new.md"), "utf8")).toBe("new\n");
    expect(lstatSync(join(path, "src/new.md")).uid).toBe(OWNER);
  });

  test("is read-only where nothing in it may be written, for its owner as well", async () => {
    const path = makeWorkspace();
    const started = await runtime.start({
      ...request(path, "mount"),
      filesystem: filesystemOf({ read: [".", "src"] }),
    });
    expect(started.notes).toEqual([]);
    const attempts = ["chmod 777 src/a.ts", "touch src/a.ts", "chown 0 src/a.ts", "rm src/a.ts", "touch new"];
    for (const attempt of attempts)
      expect(await run(started, `cd /workspace; ${attempt}`)).toMatch(/Read-only file system/);
  });

  test("is one mount where a part may be written: what is finer is for the warden to hold", async () => {
    const path = makeWorkspace();
    const filesystem = filesystemOf({ read: ["src"], write: ["docs", "out/of/nothing"] });
    const started = await runtime.start({ ...request(path, "mount"), filesystem });
    expect(await run(started, "grep -c ' /workspace' /proc/self/mountinfo")).toBe("1");
    expect(await run(started, "cd /workspace; mv docs out/of/nothing/x && touch out/of/nothing/x/y && echo ok")).toBe(
      "ok",
    );
    expect(existsSync(join(path, "out/of/nothing/x/y"))).toBe(true);
    expect(lstatSync(join(path, "out/of")).uid).toBe(OWNER);
  });

  test("leaves alone what is optional and missing", async () => {
    const path = makeWorkspace();
    await runtime.start({ ...request(path, "mount"), filesystem: filesystemOf({ optional: ["build"] }) });
    expect(existsSync(join(path, "build"))).toBe(false);
  });

  test("is refused where it is not possible", async () => {
    const path = makeWorkspace();
    const asked = request(path, "mount");
    symlinkSync("/etc", join(path, "link"));
    const unusable = { code: "WORKSPACE_UNUSABLE" };
    await expect(runtime.start({ ...asked, filesystem: filesystemOf({ write: ["link"] }) })).rejects.toMatchObject(
      unusable,
    );
    await expect(runtime.start({ ...asked, filesystem: filesystemOf({ write: ["link/x"] }) })).rejects.toMatchObject(
      unusable,
    );
    await expect(runtime.start({ workspace: { ...asked.workspace, uid: 0 } })).rejects.toMatchObject({
      ...unusable,
      hint: expect.stringContaining("copy"),
    });
    await expect(runtime.start({ ...asked, filesystem: filesystemOf({ read: ["nothing"] }) })).rejects.toMatchObject({
      code: "PATH_MISSING",
      details: { rule: "read:nothing" },
    });
    expect(existsSync("/etc/x")).toBe(false);
  });

  test("is what was looked at", async () => {
    const path = makeWorkspace();
    const id = uniqueId();
    await runtime.start({ id, ...request(path, "mount"), filesystem: filesystemOf({ read: ["."], write: ["docs"] }) });
    const { default: Docker } = await import("dockerode");
    const container = new Docker().getContainer(`cofferdam-${id}`);
    const { workspace } = request(path, "mount");
    const { dev: device, ino: inode } = lstatSync(path);
    const known = { ...workspace, identity: { device, inode } };
    await expect(verifyMount(container, known)).resolves.toBeUndefined();
    const other = { ...workspace, identity: { device, inode: inode + 1 } };
    await expect(verifyMount(container, other)).rejects.toMatchObject({ code: "WORKSPACE_UNUSABLE" });
  });

  test("shows nothing that is mounted below what is only readable", async (context) => {
    if (!isRoot) return context.skip();
    const path = makeWorkspace();
    mkdirSync(join(path, "src/mounted"));
    execFileSync("mount", ["-t", "tmpfs", "none", join(path, "src/mounted")]);
    try {
      writeFileSync(join(path, "src/mounted/x"), "");
      const started = await runtime.start({ ...request(path, "mount"), filesystem: filesystemOf({ read: ["."] }) });
      expect(await run(started, "ls /workspace/src/mounted")).toBe("");
    } finally {
      execFileSync("umount", [join(path, "src/mounted")]);
    }
  });
});

describe.skipIf(!hasEngine)("a copied workspace", () => {
  const runtime = shellRuntime();

  test("holds what is granted, and nothing else", async () => {
    const path = makeWorkspace();
    const filesystem = filesystemOf({ read: ["src"], write: ["docs", "new/folder"] });
    const started = await runtime.start({ ...request(path, "copy"), filesystem });
    expect(started).toMatchObject({ uid: 1000, gid: 1000, liveMounts: false, notes: [] });
    expect(await run(started, "cd /workspace; find . | sort")).toBe(
      [".", "./docs", "./docs/b.md", "./new", "./new/folder", "./src", "./src/a.ts"].join("\n"),
    );
    expect(
      await run(started, "cd /workspace; stat -c '%n %u:%g %a' . docs docs/b.md new new/folder src src/a.ts"),
    ).toBe(
      [
        ". 0:1000 750",
        "docs 1000:1000 755",
        "docs/b.md 1000:1000 644",
        "new 0:1000 750",
        "new/folder 1000:1000 755",
        "src 0:1000 755",
        "src/a.ts 0:1000 644",
      ].join("\n"),
    );
    expect(await run(started, "cd /workspace; cat src/a.ts; echo x > docs/y && echo ok")).toBe("aok");
    expect(existsSync(join(path, "docs/y"))).toBe(false);
    expect(existsSync(join(path, "new"))).toBe(false);
  });

  test("cannot be changed where it is only readable", async () => {
    const path = makeWorkspace();
    chmodSync(join(path, "src/a.ts"), 0o700);
    const started = await runtime.start({ ...request(path, "copy"), filesystem: filesystemOf({ read: ["."] }) });
    for (const attempt of ["chmod 777 src/a.ts", "touch src/a.ts", "chown 1000 src/a.ts", "rm src/a.ts", "touch new"]) {
      expect(await run(started, `cd /workspace; ${attempt}`)).toMatch(/not permitted|denied/);
    }
    expect(await run(started, "cd /workspace; cat src/a.ts && test -x src/a.ts && echo runs")).toBe("aruns");
  });

  test("keeps links, odd names, and times, and drops what is dangerous", async () => {
    const path = makeWorkspace();
    const odd = Buffer.from("odd \xff\nname", "latin1");
    writeFileSync(Buffer.concat([Buffer.from(`${path}/`), odd]), "odd");
    const long = `${"d".repeat(120)}/${"e".repeat(250)}`;
    mkdirSync(join(path, "d".repeat(120)));
    writeFileSync(join(path, long), "long");
    symlinkSync("src/a.ts", join(path, "inside"));
    symlinkSync("../../etc/passwd", join(path, "src/outside"));
    symlinkSync("/etc/passwd", join(path, "absolute"));
    symlinkSync("é".repeat(90), join(path, "dangling"));
    writeFileSync(join(path, ".wh.src"), "not a whiteout");
    execFileSync("mkfifo", [join(path, "fifo")]);
    chmodSync(join(path, "docs/b.md"), 0o6755);
    execFileSync("touch", ["-d", "2012-03-04 05:06:07 UTC", join(path, "src/a.ts")]);
    // Engines know no time before 1970.
    execFileSync("touch", ["-d", "1960-01-01 00:00:00 UTC", join(path, "docs")]);
    const started = await runtime.start({ ...request(path, "copy"), filesystem: filesystemOf({ write: ["."] }) });
    expect(started.notes).toEqual(["1 sockets, FIFOs or devices of the workspace were not copied"]);
    const script = (text: string): Promise<string> => run(started, `cd /workspace; ${text}`);
    expect(await script("for l in inside src/outside absolute; do readlink $l; done")).toBe(
      "src/a.ts\n../../etc/passwd\n/etc/passwd",
    );
    expect(Buffer.from(await script("readlink dangling"), "latin1").toString()).toBe("é".repeat(90));
    expect(await script("stat -c '%u %F' src/outside")).toBe("1000 symbolic link");
    expect(await script(`cat ${long} .wh.src; cat odd*`)).toBe("longnot a whiteoutodd");
    expect(await script("for f in odd*; do printf %s \"$f\"; done | od -An -tx1 | tr -d ' \\n'")).toBe(
      odd.toString("hex"),
    );
    expect(await script("stat -c %a docs/b.md; stat -c %Y src/a.ts docs")).toBe("755\n1330837567\n0");
    expect(await script("test -e fifo || echo none")).toBe("none");
  });

  test("is complete for many files and for large ones", async () => {
    const path = makeWorkspace();
    execFileSync("sh", [
      "-c",
      `cd ${path} && for i in $(seq 3000); do echo $i > f$i; done; dd if=/dev/urandom of=big bs=1M count=30 2>&1; truncate -s 100M sparse`,
    ]);
    const since = performance.now();
    const started = await runtime.start({ ...request(path, "copy"), filesystem: filesystemOf({ read: ["."] }) });
    console.info(`copy of 3000 files and 130 MB, with the start: ${Math.round(performance.now() - since)} ms`);
    const script = "cat f* big sparse | md5sum";
    const here = execFileSync("sh", ["-c", `cd ${path}; LC_ALL=C; ${script}`], { encoding: "utf8" }).trim();
    expect(await run(started, `cd /workspace; LC_ALL=C; ${script}`)).toBe(here);
  });

  test("belongs to a user of its own where the folder is root's", async (context) => {
    if (!isRoot) return context.skip();
    const path = makeWorkspace();
    chownSync(path, 0, 0);
    const started = await runtime.start({ ...request(path, "copy"), filesystem: filesystemOf({ write: ["."] }) });
    expect(await run(started, "echo new > /workspace/src/a.ts && id -u")).toBe("1000");
  });
});

describe.skipIf(!hasEngine)("an empty workspace", () => {
  const runtime = shellRuntime();

  test("has the folders that may be written", async () => {
    const started = await runtime.start({ filesystem: filesystemOf({ read: ["."], write: ["out/put"] }) });
    expect(await run(started, "cd /workspace; stat -c '%n %u:%g %a' . out out/put; touch x")).toMatch(
      /^\. 0:1000 755\nout 0:1000 755\nout\/put 1000:1000 755\ntouch: x: Permission denied$/,
    );
  });

  test("has nothing that may only be read", async () => {
    const start = runtime.start({ filesystem: filesystemOf({ read: ["src"] }) });
    await expect(start).rejects.toMatchObject({ code: "PATH_MISSING" });
  });

  test("is closed where nothing in it is granted", async () => {
    const started = await runtime.start({ filesystem: filesystemOf({}) });
    expect(await run(started, "touch /workspace/x")).toMatch(/denied/);
  });
});

describe.skipIf(!hasEngine)("a copy that is given up", () => {
  test("leaves nothing", async () => {
    const path = makeWorkspace();
    execFileSync("truncate", ["-s", "2G", join(path, "huge")]);
    const runtime = shellRuntime();
    await (await runtime.start()).end();
    const id = uniqueId();
    const signal = AbortSignal.timeout(500);
    const start = runtime.start({ id, signal, ...request(path, "copy"), filesystem: filesystemOf({ read: ["."] }) });
    await expect(start).rejects.toMatchObject({ code: "ABORTED" });
    expect(docker("ps", "-a", "-q", "--filter", `name=cofferdam-${id}`)).toBe("");
  });
});
