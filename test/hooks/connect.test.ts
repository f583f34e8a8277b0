import { describe, expect, test } from "vitest";
import {
  type ApprovalRequest,
  allow,
  ask,
  type ConnectHandler,
  type ConnectHookOptions,
  deny,
  type NetworkConnect,
  type Plugin,
} from "../../src/mod.ts";
import { open } from "./support.ts";

const connect = (host: string): NetworkConnect => ({
  host,
  port: 443,
  pid: 7,
  binary: "/usr/bin/curl",
  ancestors: [],
  verdict: "ask",
});

const onConnect = (hook: ConnectHandler | ConnectHookOptions<ConnectHandler>): Plugin => ({
  name: "judge",
  hooks: { network: { connect: hook } },
});

describe("hooks of connections", () => {
  test.each([
    ["10.0.0.0/8", "10.1.2.3", true],
    ["10.0.0.0/8", "11.1.2.3", false],
    ["10.0.0.0/8", "10.evil.test", false],
    ["2001:db8::/32", "2001:db8::1", true],
    ["[2001:db8::1]", "2001:db8::1", true],
    ["192.0.2.1", "192.0.2.1", true],
    ["*.test", "a.test", true],
    ["**", "192.0.2.1", true],
    ["**", "2001:db8::1", true],
  ])("with hosts %s are asked about %s: %s", async (pattern, host, isAsked) => {
    const { registry } = await open([onConnect({ hosts: [pattern], handler: () => deny("no") })]);
    const decided = await registry.decideConnect(connect(host), { verdict: "allow" });
    expect(decided.verdict).toBe(isAsked ? "deny" : "allow");
  });

  test.each(["10.0.0.0/33", "10.1.0.0/8", "a/b", ""])(
    "with hosts %j are refused: they would guard nothing",
    async (host) => {
      const plugin = onConnect({ hosts: [host], handler: () => deny("no") });
      await expect(open([plugin])).rejects.toMatchObject({ code: "PLUGIN_INVALID" });
    },
  );
});

describe("access that a program asks for", () => {
  const requested = { connect: connect("a.test"), requested: "the task says so" };

  test("goes to the approver with the program's words", async () => {
    const requests: ApprovalRequest[] = [];
    const approve = (request: ApprovalRequest) => requests.push(request) > 0;
    const { registry } = await open([], { approve });
    expect(await registry.decideRequested(requested)).toMatchObject({
      verdict: "allow",
      decidedBy: { kind: "approver" },
    });
    expect(requests).toMatchObject([{ domain: "network", connect: { host: "a.test" }, requested: "the task says so" }]);
  });

  test.each<[string, ConnectHandler, "allow" | "deny", string]>([
    ["allows everything", () => allow("fine"), "deny", "approve"],
    ["asks", () => ask("hm"), "deny", "approve"],
    ["has nothing to say", () => undefined, "deny", "approve"],
    ["denies", () => deny("no"), "deny", "judge"],
  ])("is not given by a hook that %s", async (_, handler, verdict, name) => {
    const { registry } = await open([onConnect(handler)], { approve: () => false });
    expect(await registry.decideRequested(requested)).toMatchObject({ verdict, decidedBy: { name } });
  });

  test("is denied where nobody can be asked", async () => {
    const { registry } = await open([onConnect(() => allow("fine"))]);
    expect(await registry.decideRequested(requested)).toMatchObject({
      verdict: "deny",
      reason: expect.stringContaining("there is no approver"),
    });
  });
});
