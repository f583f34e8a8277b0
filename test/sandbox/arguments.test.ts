import { describe, expect, test } from "vitest";
import { createSandbox, type SandboxOptions } from "../../src/mod.ts";
import { execCommand } from "../../src/sandbox/exec.ts";
import type { ExecOptions, Text } from "../../src/sandbox/types.ts";
import { failure } from "../link/support.ts";
import { harness } from "./support.ts";

const memory = (options: object = {}) =>
  createSandbox({ version: 1 }, { runtime: "memory", guest: () => 0, ...options } as SandboxOptions);

describe("an option that there is not", () => {
  test.each<[string, object, string]>([
    ["of createSandbox", { plugns: [] }, 'Did you mean "plugins"?'],
    ["of docker", { docker: { socketpath: "/run/docker.sock" } }, 'Did you mean "socketPath"?'],
    ["of a workspace", { workspace: { path: ".", mod: "mount" } }, 'Did you mean "mode"?'],
  ])("is refused: %s", async (_, options, hint) => {
    await expect(memory(options)).rejects.toMatchObject({ code: "ARGUMENT_INVALID", hint });
  });

  test("is refused by every call of a sandbox that takes some, before anything is done", async () => {
    await using sandbox = await memory();
    const calls: readonly [Promise<unknown>, string][] = [
      [sandbox.exec(["true"], { timeout: 1 } as ExecOptions), 'Did you mean "timeoutMs"?'],
      [sandbox.spawn(["true"], { tty: true } as object), 'Did you mean "pty"?'],
      [sandbox.changes({ ignore: true } as object), 'Did you mean "ignored"?'],
      [sandbox.apply({ olny: "docs/**" } as object), 'Did you mean "only"?'],
      [sandbox.discard({ onyl: "docs/**" } as object), 'Did you mean "only"?'],
      [sandbox.setPolicy({ version: 1 }, { runing: "kill" } as object), 'Did you mean "running"?'],
    ];
    for (const [call, hint] of calls) await expect(call).rejects.toMatchObject({ code: "ARGUMENT_INVALID", hint });
  });

  test("is not taken from what is no object", async () => {
    await using sandbox = await memory();
    const call = sandbox.exec(["ls"], ["-l"] as object);
    await expect(call).rejects.toThrow("Cannot use a list as the options of exec");
  });
});

describe("arguments of createSandbox", () => {
  test.each<[string, object, string]>([
    ["a workspace without a path", { workspace: { mode: "copy" } }, "Cannot use undefined as the path of a workspace"],
    ["a list of variables", { env: ["A=1"] }, "Cannot use a list as env"],
    ["a number in env", { env: { PORT: 80 } }, 'Cannot set the variable "PORT" to a number'],
  ])("refuse %s", async (_, options, message) => {
    await expect(memory(options)).rejects.toMatchObject({ code: "ARGUMENT_INVALID", message });
  });

  test("without a workspace, a grant in it says where it would be", async () => {
    const policy = { version: 1, filesystem: { read: ["./src"] } } as const;
    const hint = 'There is no workspace, so it is empty: name its folder, for instance workspace: "."';
    await expect(createSandbox(policy)).rejects.toMatchObject({ code: "PATH_MISSING", hint });
  });
});

describe("arguments of exec", () => {
  test.each<[string, unknown, ExecOptions, string]>([
    ["a line for a shell", "ls -l", {}, 'Cannot use "ls -l" as a program and its arguments'],
    ["no program", [], {}, "Cannot start a program without its name"],
    ["a signal by its name", ["ls"], { signal: "SIGTERM" as never }, 'Cannot use "SIGTERM" as signal'],
    ["a text for a number", ["ls"], { timeoutMs: "1s" as never }, 'Cannot use "1s" as timeoutMs'],
    ["an object for input", ["ls"], { stdin: {} as never }, "Cannot use an object as stdin"],
  ])("refuse %s, and start nothing", async (_, argv, options, message) => {
    const { context } = await harness();
    const error = await failure(execCommand(context, argv as readonly Text[], options));
    expect(error).toMatchObject({ code: "ARGUMENT_INVALID", message });
    expect(context.running.size).toBe(0);
  });

  test("say that arguments are given by themselves, and which folder cannot be entered", async () => {
    await using sandbox = await createSandbox({ version: 1 });
    await expect(sandbox.exec(["ls -l"])).rejects.toMatchObject({ hint: expect.stringContaining('["ls", "-l"]') });
    await expect(sandbox.exec(["ls"], { cwd: "nowhere" })).rejects.toThrow('its working directory "nowhere" cannot');
  });

  test("a shell's source is a template, and no text", async () => {
    await using sandbox = await memory();
    expect(() => (sandbox.sh as (source: unknown) => unknown)("ls -l")).toThrow("Cannot run a string as shell source");
  });
});
