import { describe, expect, test } from "vitest";
import { type FlowErrno, LinkFlow } from "../../src/egress/flow.ts";
import { encodeMessage, frame } from "../../src/link/codec.ts";
import { errnoNumber } from "../../src/link/errno.ts";
import type { FlowHandler } from "../../src/link/handlers.ts";
import { Link } from "../../src/link/link.ts";
import {
  CHANNELS,
  INITIAL_CREDIT_BYTES,
  MAX_STREAMS,
  type MessageValues,
  RAW_FRAMES,
} from "../../src/link/protocol.ts";
import { FakeWarden, HELLO } from "../link/fake-warden.ts";
import { CONFIG, settle, UNASKED } from "../link/support.ts";

const ASKED: MessageValues<"flow"> = {
  port: 443,
  pid: 7,
  flags: 0,
  host: Buffer.from("a.test"),
  binary: Buffer.from("/bin/x"),
  sha256: new Uint8Array(0),
  ancestors: [Buffer.from("/bin/sh")],
};
const { data, end } = RAW_FRAMES;

/** A link on which the warden opens flows. */
async function opened() {
  const warden = new FakeWarden();
  const flows: LinkFlow[] = [];
  const handler: FlowHandler = {
    onFlow: (stream, values) => {
      const flow = new LinkFlow(link, stream, values);
      flows.push(flow);
      return flow;
    },
  };
  const options = { input: warden.input, output: warden.output, heartbeatMs: 10_000 };
  const link: Link = new Link(options);
  link.serve({ decisions: UNASKED, flows: handler });
  warden.send("hello", HELLO);
  await link.configure(CONFIG, []);
  let ended: string | undefined;
  void link.closed.then(({ message }) => {
    ended = message;
  });
  return { warden, link, flows, reason: () => ended };
}

async function oneFlow() {
  const both = await opened();
  both.warden.send("flow", ASKED, 2);
  await settle();
  const [flow] = both.flows;
  if (flow === undefined) throw new Error("there is no flow");
  return { ...both, flow };
}

describe("LinkFlow", () => {
  test("tells whereto and who", async () => {
    const { flow } = await oneFlow();
    expect(flow).toMatchObject({ host: "a.test", port: 443, nonBlocking: false });
    expect(flow.subject).toEqual({ pid: 7, binary: "/bin/x", ancestors: ["/bin/sh"] });
  });

  test.each<FlowErrno>(["ECONNREFUSED", "EACCES", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"])(
    "refuses with %s, once",
    async (errno) => {
      const { flow, warden } = await oneFlow();
      flow.refuse(errno);
      flow.refuse("EACCES");
      await settle();
      expect(warden.all("flowRefuse").map(({ payload }) => payload.readUInt32LE(0))).toEqual([errnoNumber(errno)]);
      warden.send("gone", {}, 2);
      await settle();
      warden.send("flow", ASKED, 2);
      await settle();
      expect(flow.signal.aborted).toBe(true);
    },
  );

  test("carries bytes both ways once it is accepted, as far as each side reads", async () => {
    const { flow, warden } = await oneFlow();
    const stream = flow.accept();
    stream.write("to the program");
    warden.raw(frame(data, CHANNELS.stdout, 2, Buffer.from("from it")));
    warden.raw(frame(end, CHANNELS.stdout, 2, new Uint8Array(0)));
    let heard = "";
    stream.on("data", (chunk) => {
      heard += chunk;
    });
    stream.end();
    await settle();
    expect(heard).toBe("from it");
    expect(warden.all("flowAccept")).toHaveLength(1);
    expect(Buffer.concat(warden.all("data").map(({ payload }) => payload)).toString()).toBe("to the program");
    expect(warden.all("end")).toHaveLength(1);
  });

  test("is reset when it is destroyed, and breaks when the program breaks it", async () => {
    const { warden, flows } = await opened();
    warden.send("flow", ASKED, 2);
    warden.send("flow", ASKED, 4);
    await settle();
    flows[0]?.accept().destroy();
    const other = flows[1]?.accept();
    const broken = new Promise<NodeJS.ErrnoException>((resolve) => other?.once("error", resolve));
    warden.send("failed", { stage: 18, errno: 104 }, 4);
    warden.send("gone", {}, 4);
    expect((await broken).code).toBe("ECONNRESET");
    expect(warden.all("kill").map(({ stream }) => stream)).toEqual([2]);
  });

  test("says when nobody waits for it any more", async () => {
    const { flow, warden } = await oneFlow();
    warden.send("failed", { stage: 18, errno: 4 }, 2);
    warden.send("gone", {}, 2);
    await settle();
    expect(flow.signal.aborted).toBe(true);
    const late = flow.accept();
    await settle();
    expect([late.destroyed, warden.all("flowAccept")]).toEqual([true, []]);
  });

  test.each<[string, (warden: FakeWarden) => void]>([
    ["an odd stream", (warden) => warden.send("flow", ASKED, 3)],
    ["the sandbox itself", (warden) => warden.send("flow", ASKED, 0)],
    ["a stream that is open", (warden) => warden.send("flow", ASKED, 2)],
    ["a port that is none", (warden) => warden.send("flow", { ...ASKED, port: 65_536 }, 4)],
    ["a host that is none", (warden) => warden.send("flow", { ...ASKED, host: Buffer.from("a b\n") }, 4)],
    ["an empty host", (warden) => warden.send("flow", { ...ASKED, host: Buffer.from("") }, 4)],
    ["a name with a final dot", (warden) => warden.send("flow", { ...ASKED, host: Buffer.from("a.test.") }, 4)],
    ["a name with an empty label", (warden) => warden.send("flow", { ...ASKED, host: Buffer.from("a..test") }, 4)],
    ["a number for a name", (warden) => warden.send("flow", { ...ASKED, host: Buffer.from("2130706433") }, 4)],
    ["an address in parts that are none", (warden) => warden.send("flow", { ...ASKED, host: Buffer.from("127.1") }, 4)],
    ["a program past any path", (warden) => warden.send("flow", { ...ASKED, binary: Buffer.alloc(4096, "x") }, 4)],
    ["too many parents", (warden) => warden.send("flow", { ...ASKED, ancestors: Array(9).fill(ASKED.binary) }, 4)],
    ["half a hash", (warden) => warden.send("flow", { ...ASKED, sha256: new Uint8Array(16) }, 4)],
    ["data before an answer", (warden) => warden.raw(frame(data, 1, 2, Buffer.from("x")))],
    ["an end before an answer", (warden) => warden.raw(frame(end, 1, 2, new Uint8Array(0)))],
    ["a program's start", (warden) => warden.send("started", { pid: 1 }, 2)],
    ["a program's exit", (warden) => warden.send("exited", { code: 0, signal: 0, flags: 0 }, 2)],
    ["a flow that is cut short", (warden) => warden.raw(encodeMessage("flow", ASKED, 4).subarray(0, 20))],
    [
      "more than may be open",
      (warden) => {
        for (let stream = 4; stream <= 2 * MAX_STREAMS + 2; stream += 2) warden.send("flow", ASKED, stream);
      },
    ],
  ])("a warden that sends %s is not ours", async (what, attack) => {
    const { warden, reason } = await oneFlow();
    attack(warden);
    // What is cut short only shows with what comes after it.
    if (what.includes("cut short")) warden.raw(Buffer.alloc(200, 0xff));
    await settle();
    expect(reason()).toMatch(/Cannot go on with the link/);
  });

  test("more than was granted is not taken", async () => {
    const { flow, warden, reason } = await oneFlow();
    flow.accept();
    const piece = Buffer.alloc(65_536);
    for (let sent = 0; sent <= INITIAL_CREDIT_BYTES; sent += piece.length) warden.raw(frame(data, 1, 2, piece));
    await settle();
    expect(reason()).toMatch(/more data came than was granted/);
  });
});
