import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import { CredentialStore } from "../../src/credentials/mod.ts";
import { LinkFlow } from "../../src/egress/mod.ts";
import { type Plugin, PluginRegistry } from "../../src/hooks/mod.ts";
import type { HttpRuling } from "../../src/policy/mod.ts";
import { Requests } from "../../src/sandbox/requests.ts";
import { exchangeRaw, pair, SANDBOX, Scene } from "../egress/support.ts";
import { pair as linked } from "../link/support.ts";

const ASKED = {
  port: 80,
  pid: 7,
  flags: 0,
  host: Buffer.from("a.test"),
  binary: Buffer.from("/bin/x"),
  sha256: new Uint8Array(0),
  ancestors: [],
};

async function requestsOf(plugins: readonly Plugin[], reasons: string[]): Promise<Requests> {
  const registry = await PluginRegistry.open(plugins, { sandbox: "s", onProblem: () => undefined });
  const records = { decision: ({ reason }: { reason: string }) => reasons.push(reason), problem: () => undefined };
  const trust = { authority: SANDBOX, files: [] };
  const credentials = new CredentialStore({ sources: undefined, environment: {}, taken: undefined });
  return new Requests({ registry, records, trust, certificates: [], credentials });
}

/** Sends a request that a hook thinks about while the policy changes to one that says `after`; whether the host is dialed. */
async function meanwhile(after: HttpRuling): Promise<{ dialed: boolean; status: string; reasons: string[] }> {
  const hook = new EventEmitter();
  const request = async (): Promise<undefined> => {
    queueMicrotask(() => hook.emit("asked"));
    await once(hook, "thought");
  };
  const reasons: string[] = [];
  const requests = await requestsOf([{ name: "slow", hooks: { network: { request } } }], reasons);
  const [inside, outside] = pair();
  inside.on("error", () => undefined);
  let ruling: HttpRuling = { verdict: "allow", ruleId: "before" };
  let dialed = false;
  const dial = () => {
    dialed = true;
    return Promise.reject(new Error("nobody is there"));
  };
  const flow = new LinkFlow(linked().link, 1, ASKED);
  void requests.serve(outside, { flow, judge: () => ruling, addresses: [], dial });
  const answer = exchangeRaw(inside, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "\r\n\r\n");
  await once(hook, "asked");
  ruling = after;
  requests.policyChanged();
  hook.emit("thought");
  const status = (await answer).slice(9, 12);
  requests.close();
  return { dialed, status, reasons };
}

test("a request that a hook thought about while the policy changed is judged by the one in force", async () => {
  expect(await meanwhile({ verdict: "deny", ruleId: "no" })).toEqual({
    dialed: false,
    status: "403",
    reasons: ["the policy was changed meanwhile: rule no denies the request"],
  });
  expect(await meanwhile({ verdict: "ask", ruleId: "who" })).toMatchObject({ dialed: false, status: "403" });
  expect(await meanwhile({ verdict: "allow", ruleId: "other" })).toMatchObject({ dialed: true, status: "502" });
});

/** What a program sends, and the host that answers it, so that both go on. */
const ONGOING: readonly [what: string, request: string, answer: string][] = [
  ["events", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"],
  [
    "an upload",
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
  ],
  [
    "an upload that was answered",
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  ],
  [
    "a WebSocket",
    "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  ],
];

describe.each(ONGOING)("%s that a change of the policy meets", (_what, request, answer) => {
  test.each<[string, HttpRuling, boolean]>([
    ["ends where it is denied", { verdict: "deny" }, true],
    ["ends where somebody would be asked", { verdict: "ask", ruleId: "who" }, true],
    ["goes on where it is allowed", { verdict: "allow", ruleId: "other" }, false],
  ])("%s", async (_how, after, ends) => {
    await using scene = new Scene();
    const hosts: Duplex[] = [];
    const port = await scene.rawServer((socket) => {
      hosts.push(socket.on("error", () => undefined).resume());
      socket.once("data", () => socket.write(answer));
    });
    const reasons: string[] = [];
    const requests = await requestsOf([], reasons);
    let ruling: HttpRuling = { verdict: "allow", ruleId: "before" };
    const [inside, outside] = pair();
    inside.on("error", () => undefined).resume();
    const flow = new LinkFlow(linked().link, 1, ASKED);
    const dial = async () => {
      const socket = connect({ host: "127.0.0.1", port });
      await once(socket, "connect");
      return socket;
    };
    void requests.serve(outside, { flow, judge: () => ruling, addresses: [], dial });
    const answered = answer.includes("100") ? undefined : once(inside, "data");
    inside.write(request);
    await vi.waitFor(() => expect(hosts[0]?.listenerCount("data")).toBe(0));
    await answered;
    ruling = after;
    requests.policyChanged();
    if (ends) {
      await vi.waitFor(() => expect([inside.closed, hosts[0]?.closed]).toEqual([true, true]));
      expect(reasons.at(-1)).toMatch(/^it was cut off by a change of the policy/);
    } else {
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect([inside.destroyed, hosts[0]?.destroyed]).toEqual([false, false]);
    }
    requests.close();
  });
});
