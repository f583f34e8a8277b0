import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SandboxError } from "../../src/errors.ts";
import { decodeMessage, encodeMessage } from "../../src/link/codec.ts";
import { lost } from "../../src/link/link.ts";
import { LinkProcess } from "../../src/link/process.ts";
import { CODES, MAX_STREAMS, PROTOCOL_VERSION } from "../../src/link/protocol.ts";
import { HELLO } from "./fake-warden.ts";
import { CONFIG, failure, pair, ready, settle, settled } from "./support.ts";

const SILENT_EVENTS = {
  stdout: { onData: () => undefined, onEnd: () => undefined },
  stderr: { onData: () => undefined, onEnd: () => undefined },
  onStarted: () => undefined,
  onExited: () => undefined,
  onFailed: () => undefined,
  onGone: () => undefined,
  onLost: () => undefined,
};
const EXEC = {
  flags: 0,
  rows: 24,
  columns: 80,
  timeoutMs: 0,
  cwd: Buffer.from("/"),
  argv: [Buffer.from("x")],
  env: [],
};

function open(link: Parameters<typeof LinkProcess.open>[0], signal?: AbortSignal): Promise<LinkProcess> {
  return LinkProcess.open(
    link,
    () => SILENT_EVENTS,
    (stream) => encodeMessage("exec", EXEC, stream),
    signal,
  );
}

describe("configure()", () => {
  test("sends config, rules and start in one write, before any hello", async () => {
    const { link, warden } = pair({ answersStart: false });
    const rule = encodeMessage("rule", { access: CODES.access.read, flags: 0, path: Buffer.from("/usr") });
    const facts = link.configure(CONFIG, [rule, rule]);
    await settle(1);
    expect(warden.received.map(({ name }) => name)).toEqual(["config", "rule", "rule", "start"]);
    expect(warden.writes).toHaveLength(1);
    warden.send("hello", HELLO);
    warden.send("ready", { rules: 2, skipped: 0 });
    expect((await facts).ready.rules).toBe(2);
    link.close(lost("the test is over"));
  });

  test("gives what the warden said", async () => {
    const { facts, link } = await ready();
    expect(facts.hello.landlockAbi).toBe(5);
    expect(Buffer.from(facts.hello.kernel).toString()).toBe("6.12.0");
    expect(facts.ready).toEqual({ rules: 1, skipped: 0 });
    link.close(lost("the test is over"));
  });

  test("bounds the warden's patience to what a message can say", async () => {
    const { link, warden } = pair({ answersStart: false }, 2 ** 31);
    const facts = failure(link.configure(CONFIG, []));
    await settle(1);
    link.close(lost("the test is over"));
    expect((await facts).code).toBe("LINK_LOST");
    expect(decodeMessage("config", warden.all("config")[0]?.payload ?? Buffer.alloc(0)).linkTimeoutMs).toBe(
      0xffff_ffff,
    );
  });

  test.each([
    ["another protocol", { protocol: PROTOCOL_VERSION + 1 }, "WARDEN_UNAVAILABLE"],
    ["no Landlock", { landlockAbi: 0 }, "ENFORCEMENT_MISSING"],
    ["a Landlock that is too old", { landlockAbi: 2 }, "ENFORCEMENT_MISSING"],
  ])("refuses %s", async (_what, change, code) => {
    const { link, warden } = pair();
    const facts = failure(link.configure(CONFIG, []));
    warden.send("hello", { ...HELLO, ...change });
    expect((await facts).code).toBe(code);
    expect((await link.closed).code).toBe(code);
  });

  test.each([
    [{ stage: CODES.stage.namespace, errno: 1 }, "START_FAILED", { stage: "namespace", errno: "EPERM" }],
    [{ stage: CODES.stage.rule, errno: 13 }, "START_FAILED", { stage: "rule", errno: "EACCES" }],
    [{ stage: CODES.stage.rule, errno: 2 }, "PATH_MISSING", { path: "/x", rule: "" }],
    [{ stage: 999, errno: 4000 }, "START_FAILED", { stage: "stage 999", errno: "errno 4000" }],
  ])("tells what was fatal: %o", async (fatal, code, details) => {
    const { link, warden } = pair({ answersStart: false });
    const facts = failure(link.configure(CONFIG, []));
    warden.send("fatal", { ...fatal, subject: Buffer.from("/x") });
    expect(await facts).toMatchObject({ code, details });
  });

  test.each(["user notification", "ptrace of a child", "sock_diag of unix sockets"])(
    "names what is missing: %s",
    async (means) => {
      const { link, warden } = pair({ answersStart: false });
      const facts = failure(link.configure(CONFIG, []));
      warden.send("fatal", { stage: CODES.stage.selfTest, errno: 38, subject: Buffer.from(means) });
      expect(await facts).toMatchObject({ code: "ENFORCEMENT_MISSING", details: { feature: means, found: "ENOSYS" } });
    },
  );

  test("fails at once on a link that has ended", async () => {
    const { link } = pair();
    link.close(lost("a reason"));
    expect((await failure(link.configure(CONFIG, []))).code).toBe("LINK_LOST");
  });
});

describe("open()", () => {
  test("uses odd numbers, and one again only after gone", async () => {
    const { link, warden } = await ready();
    for (let i = 0; i < 3; i++) await open(link);
    await settle(1);
    expect([...warden.streams.keys()]).toEqual([1, 3, 5]);
    expect(await settled(link.closed)).toBe(false);
  });

  test("lets those who find no place wait, in order, and lets one of them leave", async () => {
    const { link, warden } = await ready();
    await Promise.all(Array.from({ length: MAX_STREAMS }, () => open(link)));
    const order: string[] = [];
    const abort = new AbortController();
    const first = open(link).then(() => order.push("first"));
    const second = open(link, abort.signal).catch((reason: unknown) => order.push(String(reason)));
    const third = open(link).then(() => order.push("third"));
    expect(await settled(Promise.race([first, second, third]))).toBe(false);
    abort.abort("left");
    await settle();
    warden.streams.get(1)?.exit();
    // Whoever comes now must not overtake those in the line.
    const late = open(link).then(() => order.push("late"));
    warden.streams.get(3)?.exit();
    await settle();
    expect(order).toEqual(["left", "first", "third"]);
    warden.streams.get(5)?.exit();
    await late;
    expect(warden.streams.size).toBe(MAX_STREAMS);
  });

  test("sends frames of one turn in one write", async () => {
    const { link, warden } = await ready();
    warden.writes.length = 0;
    await Promise.all(Array.from({ length: 200 }, () => open(link)));
    await settle(1);
    expect(warden.all("exec")).toHaveLength(200);
    expect(warden.writes.length).toBeLessThanOrEqual(2);
  });
});

describe("close()", () => {
  test("lets everyone who waits go, and keeps the first reason", async () => {
    const { link } = await ready();
    await Promise.all(Array.from({ length: MAX_STREAMS }, () => open(link)));
    const waiting = failure(open(link));
    link.close(new SandboxError("SANDBOX_STOPPED", "stopped", { details: { id: "x" } }));
    link.close(lost("another reason"));
    expect((await waiting).code).toBe("SANDBOX_STOPPED");
    expect((await link.closed).code).toBe("SANDBOX_STOPPED");
    expect((await failure(open(link))).code).toBe("SANDBOX_STOPPED");
  });

  test.each<[string, (both: ReturnType<typeof pair>) => void]>([
    ["the warden's end", ({ warden }) => warden.die()],
    ["a close without an end", ({ warden }) => warden.input.destroy()],
    ["an error of the input", ({ warden }) => warden.input.destroy(new Error("reset"))],
    ["an error of the output", ({ warden }) => warden.output.destroy(new Error("broken pipe"))],
    ["a close of the output", ({ warden }) => warden.output.destroy()],
  ])("%s ends the link in every state", async (_what, end) => {
    const fresh = pair({ answersStart: false });
    end(fresh);
    expect((await fresh.link.closed).code).toBe("LINK_LOST");

    const configuring = pair({ answersStart: false });
    const facts = failure(configuring.link.configure(CONFIG, []));
    end(configuring);
    expect((await facts).code).toBe("LINK_LOST");

    const running = await ready();
    await open(running.link);
    end(running);
    expect((await running.link.closed).code).toBe("LINK_LOST");
    expect((await failure(open(running.link))).code).toBe("LINK_LOST");
  });
});

describe("heartbeat", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("goes on as long as it is answered", async () => {
    const { link, warden } = await ready({}, 1000);
    for (let beat = 0; beat < 20; beat++) {
      vi.advanceTimersByTime(1000);
      await settle(1);
    }
    expect(warden.all("ping")).toHaveLength(20);
    expect(await settled(link.closed)).toBe(false);
    link.close(lost("the test is over"));
    vi.advanceTimersByTime(10_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    ["after the start", true],
    ["during the start", false],
  ])("ends the link of a warden that is silent %s", async (_when, answersStart) => {
    const { link, warden } = pair({ answersStart, answersPings: false }, 1000);
    warden.send("hello", HELLO);
    const facts = link.configure(CONFIG, []).catch((error: unknown) => error);
    await settle();
    vi.advanceTimersByTime(3000);
    expect(await settled(link.closed)).toBe(false);
    vi.advanceTimersByTime(1000);
    expect(await link.closed).toMatchObject({
      code: "LINK_LOST",
      details: { reason: expect.stringContaining("3 heartbeats") },
    });
    await facts;
  });

  test("can be had at once, and more often than the warden was told", async () => {
    const { link, warden } = await ready({ answersPings: false });
    const alive = link.alive();
    expect(await settled(alive)).toBe(false);
    warden.send("pong", { nonce: 1 });
    await alive;
    link.beatEvery(100);
    vi.advanceTimersByTime(500);
    await expect(link.alive()).rejects.toMatchObject({ code: "LINK_LOST" });
  });

  test("refuses an answer that was not asked for, or twice given", async () => {
    const unasked = await ready();
    unasked.warden.send("pong", { nonce: 1 });
    expect((await unasked.link.closed).code).toBe("PROTOCOL_VIOLATION");

    const twice = await ready({}, 1000);
    vi.advanceTimersByTime(1000);
    await settle();
    twice.warden.send("pong", { nonce: 1 });
    expect((await twice.link.closed).code).toBe("PROTOCOL_VIOLATION");
  });
});
