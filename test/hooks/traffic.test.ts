import { describe, expect, test } from "vitest";
import { HookedMessage, HookedResponse, PluginRegistry } from "../../src/hooks/mod.ts";
import type { MessageHandler, NetworkConnect, NetworkRequest, Plugin, ResponseHandler } from "../../src/mod.ts";
import { allow, ask, deny } from "../../src/mod.ts";

const connect: NetworkConnect = {
  host: "a.test",
  port: 443,
  pid: 1,
  binary: "/usr/bin/curl",
  ancestors: [],
  verdict: "allow",
};
const about: NetworkRequest = {
  method: "GET",
  url: "https://a.test/x",
  path: "/x",
  websocket: false,
  verdict: "allow",
};

const open = (plugins: readonly Plugin[]) => {
  return PluginRegistry.open(plugins, { sandbox: "s", onProblem: () => undefined, approve: () => false });
};

async function decideMessage(...handlers: readonly MessageHandler[]) {
  const registry = await open(
    handlers.map((message, index) => ({ name: `p${index}`, hooks: { network: { message } } })),
  );
  const hooked = new HookedMessage(connect, about, { direction: "to-host", kind: "text", data: "a", verdict: "allow" });
  const decided = await registry.decideMessage(hooked, { verdict: "allow" });
  return { decided, hooked };
}

async function decideResponse(...handlers: readonly ResponseHandler[]) {
  const registry = await open(
    handlers.map((response, index) => ({ name: `p${index}`, hooks: { network: { response } } })),
  );
  const make = () => new Response("body", { status: 201 });
  const hooked = new HookedResponse({ connect, about, make, makeRequest: () => new Request(about.url) });
  return { decided: await registry.decideResponse(hooked), hooked };
}

describe("hooks of messages", () => {
  test("see what the one before made of it, and the last one counts", async () => {
    const { decided, hooked } = await decideMessage(
      ({ data }) => `${String(data)}b`,
      async ({ data }) => `${String(data)}c`,
      () => undefined,
    );
    expect(decided.verdict).toBe("allow");
    expect([hooked.message.data, hooked.changedBy]).toEqual(["abc", "p1"]);
  });

  test("deny before they ask, and ask before they allow", async () => {
    expect(
      (
        await decideMessage(
          () => ask(),
          () => deny("no"),
          () => allow(),
        )
      ).decided,
    ).toMatchObject({ verdict: "deny", reason: "no" });
    expect(
      (
        await decideMessage(
          () => allow(),
          () => ask("sure?"),
        )
      ).decided,
    ).toMatchObject({
      verdict: "deny",
      decidedBy: { kind: "approver" },
    });
  });

  test("deny where they throw, take too long, or give what is none", async () => {
    const late: Plugin = {
      name: "late",
      hooks: { network: { message: { timeoutMs: 20, handler: () => new Promise<undefined>(() => undefined) } } },
    };
    const registry = await open([late]);
    const message = new HookedMessage(connect, about, {
      direction: "to-host",
      kind: "text",
      data: "a",
      verdict: "allow",
    });
    expect(await registry.decideMessage(message, { verdict: "allow" })).toMatchObject({
      verdict: "deny",
      deadlineMs: 20,
    });
    for (const handler of [() => Promise.reject(new Error("x")), () => 5 as never, () => new Response() as never]) {
      expect((await decideMessage(handler)).decided).toMatchObject({ verdict: "deny", decidedBy: { name: "p0" } });
    }
  });

  test("give no bytes in the place of an event", async () => {
    const registry = await open([{ name: "p", hooks: { network: { message: () => new Uint8Array(1) } } }]);
    const event = new HookedMessage(connect, about, {
      direction: "from-host",
      kind: "event",
      data: "a",
      verdict: "allow",
    });
    expect((await registry.decideMessage(event, { verdict: "allow" })).verdict).toBe("deny");
  });

  test("are asked only about connections that they name", async () => {
    const registry = await open([
      { name: "other", hooks: { network: { message: { hosts: ["b.test"], handler: () => deny("no") } } } },
      { name: "port", hooks: { network: { response: { ports: [80], handler: () => deny("no") } } } },
    ]);
    expect(registry.trafficHooks(connect)).toEqual({ request: [], response: [], message: [] });
    expect(registry.trafficHooks({ ...connect, host: "b.test" }).message).toHaveLength(1);
  });
});

describe("hooks of responses", () => {
  test("see what the one before gave, with the request", async () => {
    const { decided, hooked } = await decideResponse(
      async (response, { request }) => new Response(`${await response.text()} of ${request.url}`, { status: 202 }),
      async (response) => (response.status === 202 ? undefined : deny("it is the first one")),
    );
    expect(decided.verdict).toBe("allow");
    expect([hooked.isChanged, await hooked.current?.text()]).toEqual([true, "body of https://a.test/x"]);
  });

  test("deny where a body was read away, and where they give no response", async () => {
    const eaten = await decideResponse(async (response) => {
      await response.text();
      return undefined;
    });
    expect(eaten.decided).toMatchObject({ verdict: "deny", decidedBy: { name: "p0", hook: "network.response" } });
    expect((await decideResponse(() => "text" as never)).decided.verdict).toBe("deny");
  });

  test("leave alone what they only look at", async () => {
    const { hooked } = await decideResponse((response) => (response.ok ? undefined : deny("no")));
    expect([hooked.isChanged, hooked.current?.bodyUsed]).toEqual([false, false]);
  });
});
