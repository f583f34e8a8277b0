import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { CredentialStore } from "../../src/credentials/mod.ts";
import { LinkFlow } from "../../src/egress/mod.ts";
import { PluginRegistry } from "../../src/hooks/mod.ts";
import { Requests } from "../../src/sandbox/requests.ts";
import { fetchOver, pair, SANDBOX, Scene } from "../egress/support.ts";
import { pair as linked } from "../link/support.ts";

test("a kept connection is not another program's: the address may be denied to it", async () => {
  await using scene = new Scene();
  const port = await scene.server((_, response) => response.end("reached"));
  const registry = await PluginRegistry.open([], { sandbox: "s", onProblem: () => undefined });
  const records = { decision: () => undefined, problem: () => undefined };
  const trust = { authority: SANDBOX, files: [] };
  const credentials = new CredentialStore({ sources: undefined, environment: {}, taken: undefined });
  const requests = new Requests({ registry, records, trust, certificates: [], credentials });
  const { link } = linked();
  const dialed: string[] = [];
  const ask = async (binary: string): Promise<void> => {
    const asked = { port: 80, pid: 7, flags: 0, host: Buffer.from("a.test"), binary: Buffer.from(binary) };
    const flow = new LinkFlow(link, 1, { ...asked, sha256: new Uint8Array(0), ancestors: [] });
    const dial = async () => {
      dialed.push(binary);
      const socket = connect({ host: "127.0.0.1", port });
      await once(socket, "connect");
      return socket;
    };
    const [inside, outside] = pair();
    inside.on("error", () => undefined);
    void requests.serve(outside, { flow, judge: () => ({ verdict: "allow" }), addresses: [], dial });
    expect((await fetchOver(inside, { headers: { Host: "a.test" } })).body).toBe("reached");
    inside.destroy();
  };
  for (const binary of ["/bin/x", "/bin/x", "/bin/y"]) await ask(binary);
  requests.close();
  expect(dialed).toEqual(["/bin/x", "/bin/y"]);
});
