import { EventEmitter, once } from "node:events";
import { expect, test } from "vitest";
import { CredentialStore } from "../../src/credentials/mod.ts";
import { LinkFlow } from "../../src/egress/mod.ts";
import { PluginRegistry } from "../../src/hooks/mod.ts";
import type { HttpRuling } from "../../src/policy/mod.ts";
import { Requests } from "../../src/sandbox/requests.ts";
import { exchangeRaw, pair, SANDBOX } from "../egress/support.ts";
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

/** Sends a request that a hook thinks about while the policy changes to one that says `after`; whether the host is dialed. */
async function meanwhile(after: HttpRuling): Promise<{ dialed: boolean; status: string; reasons: string[] }> {
  const hook = new EventEmitter();
  const request = async (): Promise<undefined> => {
    queueMicrotask(() => hook.emit("asked"));
    await once(hook, "thought");
  };
  const plugins = [{ name: "slow", hooks: { network: { request } } }];
  const registry = await PluginRegistry.open(plugins, { sandbox: "s", onProblem: () => undefined });
  const reasons: string[] = [];
  const records = { decision: ({ reason }: { reason: string }) => reasons.push(reason), problem: () => undefined };
  const trust = { authority: SANDBOX, files: [] };
  const credentials = new CredentialStore({ sources: undefined, environment: {}, taken: undefined });
  const requests = new Requests({ registry, records, trust, certificates: [], credentials });
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
