import { describe, expect, test } from "vitest";
import { decodeMessage } from "../../src/link/codec.ts";
import { lost } from "../../src/link/link.ts";
import { CODES, INITIAL_CREDIT_BYTES, MAX_LIST_LENGTH, type MessageValues } from "../../src/link/protocol.ts";
import { execCommand } from "../../src/sandbox/exec.ts";
import type { ExecOptions, Text } from "../../src/sandbox/types.ts";
import type { FakeStream } from "../link/fake-warden.ts";
import { failure, settle, settled } from "../link/support.ts";
import { harness } from "./support.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

/** A program that echoes its arguments. */
function echo(stream: FakeStream, { argv }: MessageValues<"exec">): void {
  stream.started();
  stream.data(1, argv.slice(1).map(text).join(" "));
  stream.exit();
}

describe("exec() results", () => {
  test("has output, codes and times", async () => {
    const { context, reported } = await harness({
      exec: (stream) => {
        stream.started(7);
        stream.data(1, "out");
        stream.data(2, "err\xff");
        stream.exited({ code: 3 }).end(2).end(1).gone();
      },
    });
    const result = await execCommand(context, ["program"]);
    expect(result).toMatchObject({ exitCode: 3, signal: null, stdout: "out", timedOut: false, truncated: false });
    expect(text(result.stderrBytes)).toBe("err\xff");
    expect(result.durationMs).toBeGreaterThanOrEqual(0);
    expect(reported).toEqual(["started program 7", "ended program 3"]);
  });

  test("keeps bytes that are no text", async () => {
    const bytes = Buffer.from([0xff, 0, 0xfe, 0x0a]);
    const { context } = await harness({
      exec: (stream) => {
        stream.started();
        stream.data(1, bytes);
        stream.exit();
      },
    });
    expect(Buffer.from((await execCommand(context, ["x"])).stdoutBytes).equals(bytes)).toBe(true);
  });

  test("names the signal that ended it", async () => {
    const { context } = await harness({ exec: (stream) => stream.started().exit({ signal: 11 }) });
    expect(await execCommand(context, ["x"])).toMatchObject({ exitCode: null, signal: "SIGSEGV" });
  });

  test("says when it took too long, and waits until nothing is left", async () => {
    const { context, last } = await harness({
      exec: (stream) => void stream.started().exited({ signal: 9, flags: 1 }).end(1).end(2),
    });
    const result = execCommand(context, ["x"]);
    expect(await settled(result)).toBe(false);
    (await last()).gone();
    expect(await result).toMatchObject({ timedOut: true, signal: "SIGKILL" });
  });

  test("does not wait for what it left running, and does not let a late abort kill that", async () => {
    const abort = new AbortController();
    const { context, warden } = await harness({ exec: (stream) => void stream.started().exited().end(1).end(2) });
    await execCommand(context, ["x"], { signal: abort.signal });
    abort.abort();
    await settle();
    expect(warden.all("kill")).toHaveLength(0);
  });

  test("200 at once do not mix", async () => {
    const { context } = await harness({ exec: echo });
    const results = await Promise.all(Array.from({ length: 200 }, (_, i) => execCommand(context, ["echo", `${i}`])));
    expect(results.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`));
  });
});

describe("exec() requests", () => {
  async function request(argv: readonly Text[], options: ExecOptions = {}, timeoutMs?: number) {
    const { context, warden } = await harness({ exec: echo }, { timeoutMs, environment: { PATH: "/bin", A: "1" } });
    await execCommand(context, argv, options);
    return decodeMessage("exec", warden.all("exec")[0]?.payload ?? Buffer.alloc(0));
  }

  test("carries argv, cwd and environment", async () => {
    const asked = await request(["x", Buffer.from([0xff]), ""], { cwd: "src", env: { A: undefined, B: "é=" } });
    expect(asked.argv.map((each) => Buffer.from(each).toString("latin1"))).toEqual(["x", "\xff", ""]);
    expect(text(asked.cwd)).toBe("/workspace/src");
    expect(asked.env.map(text)).toEqual(["PATH=/bin", "B=é="]);
  });

  test.each<[number | undefined, number | undefined, number]>([
    [undefined, undefined, 0],
    [500, undefined, 500],
    [0.2, undefined, 1],
    [undefined, 900, 900],
    [500, 900, 500],
    [1500, 900, 900],
  ])("with timeoutMs %s under a policy's %s is bound to %s", async (asked, policy, sent) => {
    expect((await request(["x"], asked === undefined ? {} : { timeoutMs: asked }, policy)).timeoutMs).toBe(sent);
  });

  const tooMany = Array.from({ length: MAX_LIST_LENGTH + 1 }, () => "");
  test.each<[string, readonly unknown[], object]>([
    ["an empty argv", [], {}],
    ["an empty name", [""], {}],
    ["a NUL in an argument", ["x", "a\0b"], {}],
    ["a NUL in bytes", ["x", Buffer.from([0])], {}],
    ["half a surrogate pair", ["x", "\ud800"], {}],
    ["a number as an argument", ["x", 1], {}],
    ["an argument that is too long", ["x", "a".repeat(131_072)], {}],
    ["too many arguments", ["x", ...tooMany], {}],
    ["arguments that are too long together", ["x", ...Array.from({ length: 9 }, () => "a".repeat(131_000))], {}],
    ["a relative cwd with a NUL", ["x"], { cwd: "a\0" }],
    ["an empty cwd", ["x"], { cwd: "" }],
    ["an environment name with =", ["x"], { env: { "A=B": "1" } }],
    ["an empty environment name", ["x"], { env: { "": "1" } }],
    ["a NUL in the environment", ["x"], { env: { A: "\0" } }],
    ["a number in the environment", ["x"], { env: { A: 1 } }],
    ["a negative timeout", ["x"], { timeoutMs: -1 }],
    ["a timeout that is no number", ["x"], { timeoutMs: Number.NaN }],
    ["a negative maxOutputBytes", ["x"], { maxOutputBytes: -1 }],
    ["a maxOutputBytes that no string can hold", ["x"], { maxOutputBytes: 2 ** 30 }],
    ["a stdin that is no data", ["x"], { stdin: 5 }],
  ])("refuses %s, and starts nothing", async (_what, argv, options) => {
    const { context, warden } = await harness({ exec: echo });
    expect((await failure(execCommand(context, argv as Text[], options))).code).toBe("ARGUMENT_INVALID");
    await settle();
    expect(warden.all("exec")).toHaveLength(0);
    expect((await execCommand(context, ["echo", "still there"])).stdout).toBe("still there");
  });
});

describe("exec() failures", () => {
  test.each<[number, number, string, string, RegExp]>([
    [CODES.stage.exec, 2, "exec", "ENOENT", /PATH/],
    [CODES.stage.exec, 13, "exec", "EACCES", /policy/],
    [CODES.stage.directory, 2, "directory", "ENOENT", /cwd/],
    [CODES.stage.fork, 11, "fork", "EAGAIN", /limit/],
  ])("a program that does not start: stage %d, errno %d", async (stage, errno, name, symbol, hint) => {
    const { context, reported } = await harness({ exec: (stream) => void stream.failed(stage, errno) });
    const error = await failure(execCommand(context, ["missing"], { stdin: "input" }));
    expect(error).toMatchObject({ code: "EXEC_FAILED", details: { program: "missing", stage: name, errno: symbol } });
    expect(error.hint).toMatch(hint);
    expect(reported).toEqual([`refused missing ${symbol}`]);
  });

  test("check makes a failure an error with the result's facts", async () => {
    const { context } = await harness({
      exec: (stream) => {
        stream.started();
        stream.data(2, "no such thing\n");
        stream.exit({ code: 2 });
      },
    });
    expect(await failure(execCommand(context, ["x", "y"], { check: true }))).toMatchObject({
      code: "COMMAND_FAILED",
      details: { argv: ["x", "y"], exitCode: 2, signal: null, timedOut: false, stdout: "", stderr: "no such thing\n" },
      hint: 'It said: "no such thing"',
    });
  });

  test.each<[string, (stream: FakeStream) => void]>([
    ["before it starts", () => undefined],
    ["while it runs", (stream) => void stream.started()],
    ["before its output has ended", (stream) => void stream.started().exited()],
  ])("the end of the link %s", async (_when, exec) => {
    for (const end of ["die", "stop"] as const) {
      const { context, warden } = await harness({ exec });
      const result = failure(execCommand(context, ["x"], { stdin: new ReadableStream() }));
      await settle();
      if (end === "die") warden.die();
      else context.link.close(lost("it says so"));
      expect((await result).code).toBe("LINK_LOST");
      expect((await failure(execCommand(context, ["x"]))).code).toBe("LINK_LOST");
    }
  });
});

describe("exec() with an AbortSignal", () => {
  test("that is aborted already starts nothing", async () => {
    const { context, warden } = await harness({ exec: echo });
    const error = await failure(execCommand(context, ["x"], { signal: AbortSignal.abort("why") }));
    expect(error).toMatchObject({ code: "ABORTED", cause: "why" });
    expect(warden.all("exec")).toHaveLength(0);
  });

  test.each<[string, (stream: FakeStream) => void]>([
    ["before it starts", () => undefined],
    ["while it runs", (stream) => void stream.started()],
    [
      "when it has written more than is read",
      (stream) => {
        stream.started().data(1, Buffer.alloc(INITIAL_CREDIT_BYTES));
      },
    ],
    [
      "after it has exited, before its output ended",
      (stream) => {
        stream.onKill = () => void stream.end(1).end(2).gone();
        stream.started().exited();
      },
    ],
  ])("%s kills everything, and waits for that", async (_when, exec) => {
    const abort = new AbortController();
    const { context, warden } = await harness({ exec });
    const result = failure(execCommand(context, ["x"], { signal: abort.signal, stdin: new ReadableStream() }));
    await settle();
    abort.abort();
    expect((await result).code).toBe("ABORTED");
    expect(warden.all("kill")).toHaveLength(1);
    expect(warden.streams.size).toBe(0);
  });

  test("is not taken for one when the program could not be started because of it", async () => {
    const abort = new AbortController();
    const { context } = await harness({
      exec: (stream) => {
        stream.onKill = () => void stream.failed(CODES.stage.fork, 4);
      },
    });
    const result = failure(execCommand(context, ["x"], { signal: abort.signal }));
    await settle();
    abort.abort();
    expect((await result).code).toBe("ABORTED");
  });
});
