/**
 * `sandbox.exec`: what a command starts with.
 */
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { refused, shell } from "../help.ts";

/** The variables of every command. What the shell sets for itself is not among them. */
const NAMES = ["PATH", "LANG", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR"];
const GIT_NAMES = ["GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"];
const OWN_NAMES = ["COFFERDAM_DENIALS"];

async function environmentOf(
  sandbox: Sandbox,
  env?: Record<string, string | undefined>,
): Promise<Record<string, string>> {
  const { stdout } = await sandbox.exec(["env"], env === undefined ? {} : { env });
  return Object.fromEntries(
    stdout
      .split("\n")
      .flatMap((line) => [/^(\w+)=(.*)$/.exec(line)?.slice(1) ?? []].filter((pair) => pair.length === 2)),
  );
}

async function argumentsSeen(sandbox: Sandbox, args: readonly (string | Uint8Array)[]): Promise<Buffer[]> {
  const { stdoutBytes, exitCode } = await sandbox.exec(["bin/tool", "arguments", ...args]);
  expect(exitCode).toBe(0);
  const seen: Buffer[] = [];
  const all = Buffer.from(stdoutBytes);
  for (let at = 0; at < all.length; ) {
    const end = all.indexOf(0, at);
    seen.push(all.subarray(at, end));
    at = end + 1;
  }
  return seen;
}

const INVALID_UTF8 = Uint8Array.from([0x66, 0xff, 0xfe, 0x80, 0xc3, 0x28]);

export const execArgumentCases: readonly Case[] = [
  {
    name: "arguments arrive byte for byte: newlines, quotes, invalid UTF-8, nothing at all, 4,096 bytes",
    async run(scene) {
      const args = [
        "",
        "two\nlines\n",
        "$(echo x) `echo x` 'a' \"b\" \\ * ? ~ # ;",
        "-n",
        "--",
        "ünïcödé 🦀",
        "\u001b[31mred\u001b[0m\r\b\t",
        INVALID_UTF8,
        Buffer.alloc(4096, "x"),
        Buffer.alloc(4096, 0xfe),
        "a=b",
        "",
      ];
      const seen = await argumentsSeen(await scene.shared(), args);
      expect(seen.map((each) => each.toString("hex"))).toEqual(
        args.map((each) => Buffer.from(each as string).toString("hex")),
      );
    },
  },
  {
    name: "a hundred arguments of 4,096 bytes arrive, and one of 131,071",
    async run(scene) {
      const sandbox = await scene.shared();
      const args = Array.from({ length: 100 }, (_, index) => String(index).padEnd(4096, "y"));
      expect((await argumentsSeen(sandbox, args)).map(String)).toEqual(args);
      const [long] = await argumentsSeen(sandbox, ["z".repeat(131_071)]);
      expect(long?.length).toBe(131_071);
    },
  },
  {
    name: "arguments that the kernel would cut or refuse are refused with a typed error",
    async run(scene) {
      const sandbox = await scene.shared();
      for (const argv of [
        [],
        [""],
        ["echo", "a\0b"],
        ["echo", "x".repeat(131_072)],
        ["echo", 5 as unknown as string],
      ]) {
        await refused(sandbox.exec(argv), "ARGUMENT_INVALID");
      }
      const tooLong = Array.from({ length: 60 }, () => "x".repeat(100_000));
      const tooMany = Array.from({ length: 240_000 }, () => "");
      for (const rest of [tooLong, tooMany]) await refused(sandbox.exec(["echo", ...rest]), "ARGUMENT_INVALID");
      expect((await sandbox.exec(["echo", "still here"])).stdout).toBe("still here\n");
    },
  },
  {
    name: "nothing of the host's environment is in a command's",
    async run(scene) {
      const sandbox = await scene.shared();
      expect(process.env.COFFERDAM_TEST_CANARY).toBeDefined();
      const found = await environmentOf(sandbox);
      expect(Object.keys(found).sort()).toEqual([...NAMES, ...GIT_NAMES, ...OWN_NAMES].sort());
      expect(found).toMatchObject({
        HOME: "/home/agent",
        USER: "agent",
        LOGNAME: "agent",
        TMPDIR: "/tmp",
        SHELL: "/bin/sh",
      });
    },
  },
  {
    name: "variables of the sandbox, and of one command over them, reach it; undefined removes one",
    async run(scene) {
      const sandbox = await scene.own({ env: { FROM_OWNER: "owner", SHARED: "owner", LANG: "C" } });
      expect(await environmentOf(sandbox)).toMatchObject({ FROM_OWNER: "owner", SHARED: "owner", LANG: "C" });
      const found = await environmentOf(sandbox, {
        SHARED: "command",
        FROM_OWNER: undefined,
        EMPTY: "",
        EQUALS: "a=b=c",
      });
      expect(found).toMatchObject({ SHARED: "command", EMPTY: "", EQUALS: "a=b=c" });
      expect(found).not.toHaveProperty("FROM_OWNER");
      const lines = await sandbox.exec(["sh", "-c", 'printf %s "$LINES_OF_IT"'], { env: { LINES_OF_IT: "a\nb\n" } });
      expect(lines.stdout).toBe("a\nb\n");
      for (const name of ["", "A=B", "A\0"])
        await refused(sandbox.exec(["true"], { env: { [name]: "x" } }), "ARGUMENT_INVALID");
    },
  },
  {
    name: "a command starts in the workspace, or where cwd says",
    async run(scene) {
      const sandbox = await scene.shared();
      const where = async (cwd?: string) =>
        (await sandbox.exec(["pwd"], cwd === undefined ? {} : { cwd })).stdout.trim();
      expect(await where()).toBe("/workspace");
      expect(await where("readonly/folder")).toBe("/workspace/readonly/folder");
      expect(await where("/tmp")).toBe("/tmp");
      for (const cwd of ["nowhere", "readonly/file.txt"]) {
        const error = await refused(sandbox.exec(["pwd"], { cwd }), "EXEC_FAILED");
        expect(error.details.stage).toBe("directory");
      }
    },
  },
  {
    name: "a program is looked up on the sandbox's PATH, never on the host's, and not in the working directory",
    async run(scene) {
      const sandbox = await scene.shared();
      await sandbox.files.write("writable/path/found-me", "#!/bin/sh\necho found\n", {
        mode: 0o755,
        createParents: true,
      });
      const env = { PATH: "/nowhere:/workspace/readonly:/workspace/writable/path:/bin:/usr/bin" };
      expect((await sandbox.exec(["found-me"], { env })).stdout).toBe("found\n");
      await refused(sandbox.exec(["found-me"], { cwd: "writable/path" }), "EXEC_FAILED");
      await refused(sandbox.exec(["sh", "-c", "true"], { env: { PATH: "/nowhere" } }), "EXEC_FAILED");
      await refused(sandbox.exec(["sh", "-c", "true"], { env: { PATH: undefined } }), "EXEC_FAILED");
      const hidden = await refused(sandbox.exec(["not-executable"], { env }), "EXEC_FAILED");
      expect(hidden.details.errno).toBe("EACCES");
    },
  },
  {
    name: "a path with a slash is not looked up, and is relative to cwd",
    async run(scene) {
      const sandbox = await scene.shared();
      expect((await sandbox.exec(["./tool", "arguments", "x"], { cwd: "bin" })).stdout).toBe("x\0");
      expect((await sandbox.exec(["/workspace/bin/tool", "arguments", "y"], { cwd: "/tmp" })).stdout).toBe("y\0");
    },
  },
  {
    name: "Node, git, Python and bash run",
    tools: true,
    async run(scene) {
      const sandbox = await scene.shared();
      expect((await sandbox.exec(["node", "-p", "6 * 7"])).stdout).toBe("42\n");
      expect((await sandbox.exec(["python3", "-c", "print(6 * 7)"])).stdout).toBe("42\n");
      expect((await sandbox.exec(["bash", "-c", "echo $((6 * 7))"])).stdout).toBe("42\n");
      const { stdout, stderr } = await shell(
        sandbox,
        "cd writable && git init -q repository && cd repository && echo x > x && git add x && git -c user.name=a -c user.email=a@b commit -qm x && git log --format=%s",
      );
      expect([stdout, stderr]).toEqual(["x\n", ""]);
    },
  },
  {
    name: "a working directory with a newline and invalid UTF-8 in its name can be entered",
    async run(scene) {
      const sandbox = await scene.shared();
      const cwd = Buffer.concat([Buffer.from("writable/strange\n"), INVALID_UTF8]);
      await sandbox.files.mkdir(cwd);
      const { stdoutBytes } = await sandbox.exec(["pwd"], { cwd });
      expect(Buffer.from(stdoutBytes).toString("hex")).toBe(
        Buffer.concat([Buffer.from("/workspace/"), cwd, Buffer.from("\n")]).toString("hex"),
      );
    },
  },
];
