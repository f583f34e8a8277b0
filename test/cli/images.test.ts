/** `--from`: what is taken of a folder, what is refused, and what a build makes of it. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { readDevcontainer } from "../../src/cli/image/devcontainer.ts";
import { imageFrom } from "../../src/cli/image/from.ts";
import { parseJsonc } from "../../src/cli/image/jsonc.ts";
import { installedHint } from "../../src/cli/run/installed.ts";
import { cleanup, createSandbox } from "../../src/mod.ts";
import { createWardenLocator } from "../../src/warden/mod.ts";
import { describeWith, engineProblem } from "../faults/support.ts";
import { cofferdam, folderOf } from "./support.ts";

const mark = "$";

describe("devcontainer.json", () => {
  const read = async (document: object) => {
    const folder = folderOf({ ".devcontainer/devcontainer.json": JSON.stringify(document) });
    symlinkSync("/etc", join(folder.path, ".devcontainer/linked"));
    try {
      return await readDevcontainer(join(folder.path, ".devcontainer/devcontainer.json"), folder.path);
    } finally {
      folder.remove();
    }
  };

  test("may have comments and commas that nothing follows", () => {
    const text = '// a\n{ "a": "// no /* comment", /* b, */ "b": ["x\\",]", ], // c\n}';
    expect(parseJsonc(text)).toEqual({ a: "// no /* comment", b: ['x",]'] });
    expect(() => parseJsonc('{ "a": , }')).toThrow();
    expect(() => parseJsonc("[1,,]")).toThrow();
    expect(() => parseJsonc("1 /*/")).toThrow(/comment is not closed/);
  });

  test.each([
    ["comments that are not closed", "/*".repeat(200_000)],
    ["commas before them", ",/*".repeat(200_000)],
    ["comments in a comment", `[1,${"// ".repeat(200_000)}\n x]`],
    ["quotation marks", '"'.repeat(300_001)],
    ["commas", `[1${", ".repeat(200_000)}x]`],
  ])("is read once, whatever it holds: %s", (_, text) => {
    const begun = performance.now();
    expect(() => parseJsonc(text)).toThrow(SyntaxError);
    // What looks again from each of them takes minutes.
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  test("says the image, variables and what comes first", async () => {
    expect(
      await read({
        image: "debian:12",
        containerEnv: { A: `${mark}{containerWorkspaceFolder}/a` },
        remoteEnv: { B: null },
        postCreateCommand: { one: "npm ci", two: ["make", "all"] },
        onCreateCommand: "true",
        remoteUser: "vscode",
        forwardPorts: [3000],
      }),
    ).toEqual({
      image: "debian:12",
      env: { A: "/workspace/a" },
      setup: [
        ["/bin/sh", "-c", "true"],
        ["/bin/sh", "-c", "npm ci"],
        ["make", "all"],
      ],
      notes: [expect.stringContaining("vscode")],
    });
  });

  test("builds relative to its own folder", async () => {
    const { image } = await read({
      build: { dockerfile: "Dockerfile", context: "..", args: { V: "1" }, target: "dev" },
    });
    expect(image).toMatchObject({ dockerfile: ".devcontainer/Dockerfile", args: { V: "1" }, target: "dev" });
  });

  test.each([
    ["a command on the host", { image: "a", initializeCommand: "rm -rf ~" }, /initializeCommand .* on the host/],
    ["more rights", { image: "a", privileged: true }, /privileged/],
    ["options of the engine", { image: "a", runArgs: ["--privileged"] }, /runArgs/],
    ["mounts", { image: "a", mounts: ["source=/,target=/host,type=bind"] }, /mounts/],
    ["variables of the host", { image: "a", containerEnv: { A: `${mark}{localEnv:HOME}` } }, /localEnv:HOME/],
    ["no image", {}, /neither an image nor a Dockerfile/],
    ["another type", { image: 1 }, /image/],
    ["files of the host", { build: { dockerfile: "D", context: "../.." } }, /context "..\/.." is outside of/],
    ["files of the host by a link", { dockerFile: "D", context: "linked" }, /context "linked" is outside of/],
  ])("is refused where it asks for %s", async (_, document, line) => {
    await expect(read(document)).rejects.toThrow(line);
  });
});

test.each([
  ["nothing", "./none", /there is nothing/],
  ["a folder without either", "./src/cli", /neither a devcontainer.json nor a Dockerfile/],
])("an image from %s is an error of usage", async (_, from, line) => {
  const { code, stderr } = await cofferdam(["run", "--no-workspace", "--from", from, "--", "true"]);
  expect([code, line.test(stderr)]).toEqual([2, true]);
});

test("an error that a file of a project has a say in moves no cursor", async () => {
  const text = JSON.stringify({ image: "a", containerEnv: { A: `${mark}{\u001b[2J}` } });
  const folder = folderOf({ "devcontainer.json": text });
  const { code, stderr } = await cofferdam(["run", "--no-workspace", "--from", folder.path, "--", "true"]);
  folder.remove();
  expect([code, stderr]).toEqual([2, expect.stringContaining(`${mark}{\\u{1b}[2J} is not put in here`)]);
});

describe("a program that the sandbox does not see", () => {
  let folder = "";

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "installed-")));
    mkdirSync(join(folder, "bin"));
    mkdirSync(join(folder, "lib/node_modules/agent"), { recursive: true });
    writeFileSync(join(folder, "lib/node_modules/agent/cli.js"), "#!/usr/bin/env node\n", { mode: 0o755 });
    symlinkSync("../lib/node_modules/agent/cli.js", join(folder, "bin/agent"));
    writeFileSync(join(folder, "bin/notes"), "");
    vi.stubEnv("PATH", `relative:${folder}/bin:/usr/bin:/bin`);
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  test("says which folders a recipe is to be told of, or a policy is to grant", async () => {
    expect(await installedHint("agent", "local", { recipe: "claude-code" })).toBe(
      `This machine has it in ${folder}/bin, which the sandbox does not see. Add: --param installed=${folder}/bin --param installed=${folder}/lib/node_modules`,
    );
    for (const flags of [{}, { recipe: "ci-docs" }]) {
      expect(await installedHint("agent", "local", flags)).toContain(
        `(filesystem: { read: [${folder}/bin, ${folder}/lib/node_modules] }) and name the program as ${folder}/bin/agent`,
      );
    }
  });

  test.each([
    ["it is nowhere", "nothing-of-that-name", "local", {}],
    ["it is no program", "notes", "local", {}],
    ["the sandbox sees it anyway", "env", "local", {}],
    ["it was named by a path", "./agent", "local", {}],
    ["programs are an image's", "agent", "docker", {}],
    ["programs are a root's", "agent", "local", { from: "./image.tar" }],
  ])("says nothing where %s", async (_, program, runtime, flags) => {
    expect(await installedHint(program, runtime, flags)).toBeUndefined();
  });
});

describeWith(engineProblem(), "an image that is saved", () => {
  const folder = folderOf({});
  // A cache of its own: others clean theirs as well.
  const env: Record<string, string> = { COFFERDAM_CACHE: join(folder.path, "cache") };
  const call = (...args: string[]) => cofferdam(args, { cwd: folder.path, env });
  const run = (...args: string[]) => call("run", "--no-workspace", ...args);

  beforeAll(async () => {
    env.COFFERDAM_WARDEN = (await createWardenLocator()(process.arch === "arm64" ? "arm64" : "x64")).path;
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    folder.remove();
  });

  test("is the root of a local sandbox, as its tree is, until it is cleaned away", async () => {
    execFileSync("docker", ["save", "-o", join(folder.path, "image.tar"), "cofferdam-test-busybox"]);
    const id = execFileSync("docker", ["image", "inspect", "-f", "{{.Id}}", "cofferdam-test-busybox"], {
      encoding: "utf8",
    });
    const script = "readlink -f /bin/sh; ls -d /usr/lib; touch /bin/x";
    const saved = await run("--from", "./image.tar", "--", "sh", "-c", script);
    expect([saved.stdout, saved.code]).toEqual(["/bin/busybox\n", 1]);
    expect(saved.stderr).toMatch(/\/usr\/lib: No such file.*\/bin\/x: Read-only file system.*cofferdam local/s);
    const { removed } = await cleanup({ images: true, dryRun: true });
    const name = removed.find((each) => each.name.endsWith(id.trim().replace("sha256:", "")))?.name ?? "";
    const tree = await run("--from", join(name, "root"), "--", "sh", "-c", script);
    expect([tree.stdout, tree.code]).toEqual([saved.stdout, saved.code]);
    await using sandbox = await createSandbox({ version: 1 }, { root: join(folder.path, "image.tar") });
    const inUse = { kind: "image", name, reason: "a sandbox has it" };
    expect((await cleanup({ images: true })).left).toContainEqual(expect.objectContaining(inUse));
    expect(await sandbox.files.list("/bin")).not.toEqual([]);
    await sandbox.stop();
    const { stdout } = await call("clean", "--images", "--json");
    expect(JSON.parse(stdout).removed).toContainEqual(expect.objectContaining({ kind: "image", name }));
    expect(existsSync(name)).toBe(false);
  });

  test("and one by its name are not taken for each other", async () => {
    const from = (name: string, runtime: "local" | "docker") =>
      imageFrom(name, { runtime, signal: AbortSignal.timeout(10_000) });
    await expect(from(join(folder.path, "image.tar"), "docker")).rejects.toThrow(/docker load/);
    await expect(from("image.tar", "local")).rejects.toThrow(/the file is \.\/image\.tar/);
    await expect(from("cofferdam-test-busybox", "local")).rejects.toThrow(/docker save/);
  });
});

describeWith(engineProblem(), "an image that is built", () => {
  const salt = `${process.pid}-${Date.now()}`;
  const dockerfile = `FROM cofferdam-test-busybox\nARG WHO=nobody\nENV WHO=$WHO\nLABEL salt=${salt}\nCOPY . /usr/context/\n`;
  const folder = folderOf({
    Dockerfile: dockerfile,
    "a.txt": "from the context\n",
    "secrets/key": "secret\n",
    schlüssel: "secret\n",
    ".dockerignore": "# not these\nsecrets\nschlüssel\n",
    "dev/Dockerfile": dockerfile,
    "dev/a.txt": "from the context\n",
    "broken/Dockerfile": "FROM cofferdam-test-busybox\nNONSENSE\n",
    "dev/.devcontainer/devcontainer.json": `{
      // A build, and a step in the sandbox.
      "build": { "dockerfile": "../Dockerfile", "context": "..", "args": { "WHO": "somebody" } },
      "containerEnv": { "GIVEN": "1" },
      "postCreateCommand": "cp /usr/context/a.txt made; echo $GIVEN >> made",
    }`,
  });
  const run = (from: string, ...argv: string[]) =>
    cofferdam(["run", "--no-workspace", "--from", from, "--", ...argv], { cwd: folder.path });
  const names = () =>
    execFileSync("docker", ["images", "--filter", `label=salt=${salt}`, "--format", "{{.Repository}}:{{.Tag}}"], {
      encoding: "utf8",
    })
      .trim()
      .split("\n");

  beforeAll(() => execFileSync("docker", ["image", "inspect", "cofferdam-test-busybox"], { stdio: "ignore" }));
  afterAll(() => {
    for (const name of names()) {
      if (name !== "") execFileSync("docker", ["rmi", "-f", name], { stdio: "ignore" });
    }
    folder.remove();
  });

  test("has what the context has, but for what stays here, and is built once", async () => {
    const first = await run(".", "sh", "-c", "cat /usr/context/a.txt; ls /usr/context; echo $WHO");
    expect([first.code, first.stdout]).toEqual([0, "from the context\nDockerfile\na.txt\nbroken\ndev\nnobody\n"]);
    expect(first.stderr).toMatch(/Step 1\/\d+ : FROM/);
    const again = await run("./Dockerfile", "cat", "/usr/context/a.txt");
    expect([again.code, again.stderr.includes("Step")]).toEqual([0, false]);
    expect(names()).toHaveLength(1);
  });

  test("is what a devcontainer.json says, with its step in the sandbox", async () => {
    const made = await run("./dev", "sh", "-c", "cat made; echo $WHO");
    expect([made.code, made.stdout]).toEqual([0, "from the context\n1\nsomebody\n"]);
  });

  test("is told of in one line where it cannot be", async () => {
    const { code, stderr } = await run("./broken", "true");
    expect(code).toBe(125);
    expect(stderr).toMatch(/Cannot build an image from ".\/broken": .*NONSENSE/i);
  });
});
