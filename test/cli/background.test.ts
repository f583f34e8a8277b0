/** Sandboxes in the background, as other terminals see them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { DetachKeys, parseKeys } from "../../src/cli/control/detach-keys.ts";
import { OutputHub } from "../../src/cli/owner/hub.ts";
import { cofferdam, Terminal } from "./support.ts";

const runtime = mkdtempSync(join(tmpdir(), "bg-"));
chmodSync(runtime, 0o700);
const env = { XDG_RUNTIME_DIR: runtime };
const folder = join(runtime, "cofferdam");
const call = (args: readonly string[], input?: string) =>
  cofferdam(args, { env, ...(input === undefined ? {} : { input }) });
const begin = (name: string, script: string, ...flags: string[]) =>
  call(["run", "--detach", "--no-workspace", "--name", name, ...flags, "--", "sh", "-c", script]);
const facts = async (): Promise<readonly { name: string; pid: number; attached: number; argv: string[] }[]> =>
  JSON.parse((await call(["ps", "--json"])).stdout);

afterAll(async () => {
  await call(["stop", "-t", "1s", "one"]);
  rmSync(runtime, { recursive: true, force: true });
});

/** One line over the socket, and all that comes back. */
async function talk(name: string, line: string): Promise<string> {
  const socket = connect(join(folder, `${name}.sock`));
  let said = "";
  socket.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(line);
  await new Promise((resolve) => socket.once("close", resolve));
  return said;
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(50);
}

describe("cofferdam run --detach", () => {
  const script = 'trap "stty size" WINCH; echo ready; while :; do read line && echo "got $line"; done';

  test("says its name, and is listed; its files are this user's alone", async () => {
    const started = await begin("one", script);
    expect([started.stderr.includes("attach one"), started.stdout, started.code]).toEqual([true, "one\n", 0]);
    expect(await facts()).toMatchObject([{ name: "one", runtime: "local", attached: 0, argv: ["sh", "-c", script] }]);
    expect((await call(["ps"])).stdout).toMatch(/^NAME .*\none +local /);
    const modes = ["", "one.sock", "one.log"].map((file) => statSync(join(folder, file)).mode & 0o777);
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });

  test("gives its terminal to who attaches, which follows, is left by keys, and shows what was before", async () => {
    const terminal = new Terminal(["attach", "one"], { env });
    await terminal.shows("ready");
    terminal.resize(31, 99);
    await terminal.shows("31 99");
    terminal.type("hello\r");
    await terminal.shows("got hello");
    expect(await facts()).toMatchObject([{ attached: 1 }]);
    terminal.type("\u0010\u0011");
    await terminal.shows("Detached from one");
    expect(await terminal.ended()).toBe(0);
    expect(await facts()).toMatchObject([{ name: "one" }]);
  });

  test("runs more programs, with their input, outputs and exit codes", async () => {
    const ran = await call(["exec", "one", "-e", "A=b", "--", "sh", "-c", 'cat; echo "$A" >&2; exit 4'], "input\n");
    expect(ran).toEqual({ code: 4, stdout: "input\n", stderr: "b\n" });
    const terminal = new Terminal(["exec", "one", "--", "sh", "-c", "stty size; read line; exit 3"], { env });
    await terminal.shows("24 80");
    terminal.type("x\r");
    expect(await terminal.ended()).toBe(3);
    expect(await call(["exec", "one", "--", "no-such-program"])).toMatchObject({ code: 127 });
  });

  test("keeps what it printed", async () => {
    // Who attaches while it starts changes the size of its terminal first.
    expect((await call(["logs", "one"])).stdout).toMatch(/^ready\r\n.*got hello/ms);
  });

  test.each([
    [
      "a name that is taken",
      ["run", "-d", "--no-workspace", "--name", "one", "--", "true"],
      2,
      /a sandbox "one" already/,
    ],
    [
      "a name that is none",
      ["run", "-d", "--no-workspace", "--name", "A b", "--", "true"],
      2,
      /Cannot call a sandbox "A b"/,
    ],
    ["a name of nothing", ["run", "--no-workspace", "--name", "x", "--", "true"], 2, /--name is for --detach/],
    ["changes that nobody decides", ["run", "-d", "--", "true"], 2, /--apply, --patch or --discard/],
    ["a program that is not there", ["run", "-d", "--no-workspace", "--", "no-such"], 127, /Cannot start "no-such"/],
    ["a policy that is none", ["run", "-d", "--no-workspace", "-p", "no.yaml", "--", "true"], 125, /no\.yaml/],
    ["nobody to attach to", ["attach", "nobody"], 2, /There is no sandbox "nobody"/],
    ["no keys", ["attach", "--detach-keys", "f13", "one"], 2, /Cannot detach with "f13"/],
    ["nobody's log", ["logs", "nobody"], 2, /no log of a sandbox "nobody"/],
    ["a way out of the folder", ["stop", "../one"], 2, /Cannot call a sandbox/],
  ])("tells the caller in one line of %s", async (_, args, code, line) => {
    const result = await call(args);
    expect([result.code, result.stdout]).toEqual([code, ""]);
    expect(result.stderr).toMatch(line);
  });

  test.each([
    ["no JSON", "hello\n"],
    ["no object", "[1]\n"],
    ["no line", "x".repeat(400_000)],
    ["no UTF-8", Buffer.from([0xff, 0x0a]).toString("latin1")],
  ])("closes on who says %s", async (_, line) => {
    expect(await talk("one", line)).toBe("");
  });

  test.each([
    ["no method", '{"method":"__proto__"}\n', /there is no method/],
    ["more than a call", '{"method":"info","x":1}\n', /that is no call/],
    ["parameters that are none", '{"method":"stop","params":{"graceMs":-1}}\n', /graceMs/],
  ])("answers with an error to %s", async (_, line, said) => {
    expect(JSON.parse(await talk("one", line)).error.message).toMatch(said);
  });

  test("ends on stop, and leaves only its log", async () => {
    expect(await call(["stop", "one"])).toMatchObject({ code: 0, stdout: "one\n" });
    expect(await facts()).toEqual([]);
    expect(existsSync(join(folder, "one.sock"))).toBe(false);
    expect((await call(["logs", "-f", "one"])).stdout).toContain("cofferdam local");
  });

  test("leaves nothing when its owner is killed, and its name is free again", async () => {
    const mark = `${process.pid}.${Date.now() % 100_000}`;
    const runs = () =>
      readdirSync("/proc").some((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith(`sleep\0${mark}`);
        } catch {
          return false;
        }
      });
    await begin("two", `exec sleep ${mark}`);
    await until(runs);
    process.kill((await facts())[0]?.pid ?? 0, "SIGKILL");
    await until(() => !runs());
    expect(existsSync(join(folder, "two.sock"))).toBe(true);
    expect(await begin("two", "true")).toMatchObject({ code: 0 });
    await until(async () => (await facts()).length === 0);
    expect(readdirSync(folder).filter((file) => file.endsWith(".sock"))).toEqual([]);
  });

  test("is brought back by a service, with its volume", async () => {
    const config = join(runtime, "config");
    const state = { ...env, XDG_CONFIG_HOME: config, COFFERDAM_STATE: join(runtime, "state") };
    const script = "echo x >> ~/.memory/log; wc -l < ~/.memory/log; read line";
    const flags = [
      "run",
      "--unit",
      "--name",
      "four",
      "--no-workspace",
      "-v",
      "notes:~/.memory",
      "--",
      "sh",
      "-c",
      script,
    ];
    const lines = join(runtime, "a\nExecStartPre=true");
    mkdirSync(lines);
    expect(await cofferdam(flags, { env: state, cwd: lines })).toMatchObject({ code: 2, stdout: "" });
    const written = await cofferdam(flags, { env: state });
    const unit = written.stdout.startsWith("[Unit]") ? written.stdout : readFileSync(written.stdout.trim(), "utf8");
    const command = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "";
    expect(unit).toContain("WantedBy=default.target");
    for (const count of ["1", "2"]) {
      const service = spawn("bash", ["-c", `exec ${command}`], { env: { ...process.env, ...state }, stdio: "ignore" });
      await until(async () => (await call(["logs", "four"])).stdout === `${count}\r\n`);
      expect(await call(["stop", "four"])).toMatchObject({ code: 0 });
      if (service.exitCode === null) await once(service, "exit");
    }
  });

  test("uses no folder that others may enter", async () => {
    chmodSync(folder, 0o755);
    const result = await call(["ps"]);
    chmodSync(folder, 0o700);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringMatching(/not a folder that only you may enter/) });
    writeFileSync(join(folder, "three.sock"), "");
    const stderr = expect.stringMatching(/Cannot reach the sandbox "three": .*is no socket of yours/);
    expect(await call(["attach", "three"])).toMatchObject({ code: 1, stderr });
  });
});

describe("the keys that leave a program", () => {
  test("are found across pieces, and what only began like them is typed", () => {
    const keys = new DetachKeys(parseKeys("ctrl-p,ctrl-q"));
    const typed = (text: string) => {
      const { bytes, detached } = keys.take(Buffer.from(text));
      return [bytes.toString(), detached];
    };
    expect(typed("a\u0010")).toEqual(["a", false]);
    expect(typed("b")).toEqual(["\u0010b", false]);
    expect(typed("\u0010\u0010")).toEqual(["\u0010", false]);
    expect(typed("\u0011rest")).toEqual(["", true]);
  });
});

test("a viewer that cannot keep up is left, and one that comes late sees the end of what was", () => {
  const logged: number[] = [];
  const hub = new OutputHub((bytes) => logged.push(bytes.length));
  const seen: string[] = [];
  hub.add(() => false);
  for (let turn = 0; turn < 40; turn++) hub.write("stdout", Buffer.alloc(4096, String(turn % 10)));
  expect(hub.viewers).toBe(0);
  hub.add((_, bytes) => seen.push(Buffer.from(bytes).toString()[0] ?? "") > 0);
  expect(seen.join("")).toBe("4567890123456789");
  expect(logged.length).toBe(40);
});
