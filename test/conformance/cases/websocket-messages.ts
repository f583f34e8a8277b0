/**
 * Messages on WebSockets, both ways: a client of the library `ws` in the sandbox, a server of it outside.
 */
import { expect } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import {
  ask,
  definePlugin,
  deny,
  type MessageHandler,
  type NetworkSection,
  type Sandbox,
  type SandboxOptions,
} from "../../../src/mod.ts";
import { bundle } from "../bundle.ts";
import type { Case } from "../case.ts";
import { until } from "../help.ts";
import { makeFiles } from "../mediation.ts";
import type { Scene } from "../scene.ts";
import { httpSandbox, messageRecord, requestRecord, ruleFor, type StandIn, standIn } from "../stand-in.ts";

/** Sends what its arguments say, one after the other, and prints what comes until it is closed. */
const CLIENT = `
import WebSocket from "ws";
const [url, ...steps] = process.argv.slice(2);
const socket = new WebSocket(url, { perMessageDeflate: true });
const next = () => {
  const step = steps.shift();
  if (step === undefined) return;
  const [kind, value = ""] = [step.slice(0, step.indexOf(":")), step.slice(step.indexOf(":") + 1)];
  if (kind === "text") socket.send(value);
  else if (kind === "binary") socket.send(Buffer.from(value));
  else if (kind === "pieces") value.split("|").forEach((piece, at, all) => socket.send(piece, { fin: at === all.length - 1 }));
  else if (kind === "big") socket.send("x".repeat(Number(value)));
  else if (kind === "ping") socket.ping(value);
  else if (kind === "close") socket.close(Number(value), "bye");
  if (kind === "pieces" || kind === "text" || kind === "binary" || kind === "big") return;
  if (kind !== "ping") next();
};
socket.on("upgrade", (response) => console.log("extensions", response.headers["sec-websocket-extensions"] ?? "none"));
socket.on("open", next);
socket.on("message", (data, isBinary) => { console.log(isBinary ? "binary" : "text", data.toString().slice(0, 60)); next(); });
socket.on("pong", (data) => { console.log("pong", data.toString()); next(); });
socket.on("close", (code, reason) => console.log("close", code, reason.toString()));
socket.on("error", (error) => console.log("error", error.message));
`;

interface Chat extends StandIn {
  /** What came, as the server's library sees it. */
  readonly got: string[];
}

/** Echoes, and says what it is told to say. */
async function chat(scene: Scene): Promise<Chat> {
  const host = await standIn(scene, "chat.test", (_, response) => response.end());
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  const got: string[] = [];
  host.http.on("upgrade", (request, socket, head) => {
    server.handleUpgrade(request, socket, head, (client: WebSocket) => {
      client.on("message", (data: Buffer, isBinary: boolean) => {
        got.push(`${isBinary ? "binary" : "text"} ${data.toString().slice(0, 60)}`);
        const say = /^say (.*)$/s.exec(data.toString());
        client.send(say?.[1] ?? data, { binary: isBinary });
      });
      client.on("ping", (data: Buffer) => got.push(`ping ${data}`));
      client.on("close", (code: number, reason: Buffer) => got.push(`close ${code} ${reason}`));
    });
  });
  scene.defer(() => {
    for (const client of server.clients) client.terminate();
  });
  return { ...host, got };
}

async function talk(sandbox: Sandbox, { host, port }: StandIn, ...steps: string[]): Promise<string[]> {
  const argv = ["node", "client.cjs", `wss://${host}:${port}/chat`, ...steps];
  const { stdout, stderr } = await sandbox.exec(argv, { timeoutMs: 30_000 });
  return `${stdout}${stderr}`.trim().split("\n");
}

async function chatSandbox(scene: Scene, network: NetworkSection, options: SandboxOptions = {}): Promise<Sandbox> {
  const workspace = scene.folder();
  makeFiles(workspace, { "client.cjs": bundle(CLIENT) });
  return httpSandbox(scene, network, { workspace, ...options });
}

const NONE = "extensions none";

export const websocketMessageCases: readonly Case[] = [
  {
    name: "messages of a WebSocket pass where a rule means them, whole or in pieces, and close it where none does",
    tools: true,
    async run(scene) {
      const api = await chat(scene);
      const messages = [
        { direction: "to-host", kind: "text", text: ["hello *", "say *"] },
        { direction: "to-host", jsonrpc: { methods: ["get*"] } },
        { direction: "from-host", kind: "text", text: ["hello *"] },
        { direction: "from-host", jsonrpc: {} },
      ] as const;
      const sandbox = await chatSandbox(scene, {
        allow: [ruleFor(api, { rules: [{ websocket: true, paths: ["/chat"], messages }] })],
      });
      const call = '{"jsonrpc":"2.0","id":1,"method":"getIt"}';
      expect(
        await talk(sandbox, api, "text:hello you", "pieces:hel|lo |there", `text:${call}`, "ping:secret", "close:4001"),
      ).toEqual([NONE, "text hello you", "text hello there", `text ${call}`, "pong secret", "close 4001"]);
      // What pings and closes carry nobody has judged, and it stays here.
      await until(() => api.got.length === 4, "the host hears of the close");
      expect(api.got).toEqual(["text hello you", "text hello there", `text ${call}`, "close 4001 "]);

      const url = `wss://chat.test:${api.port}/chat`.replace("wss", "https");
      expect(await messageRecord(sandbox, `to-host text (${url})`, "allow")).toMatchObject({ ruleId: "it" });
      const counted = () => {
        const records = sandbox.decisions().filter(({ object }) => object === `to-host text (${url})`);
        return records.reduce((sum, { count = 1 }) => sum + count, 0);
      };
      await until(() => counted() === 3, "all three are recorded");
      expect((await requestRecord(sandbox, `GET ${url}`, "allow")).ruleId).toBe("it");

      api.got.length = 0;
      for (const step of [
        "text:goodbye",
        "pieces:good|bye",
        "binary:hello you",
        'text:{"jsonrpc":"2.0","id":1,"method":"setIt"}',
        "pieces:hello\nyou|/a",
      ]) {
        const [, close] = await talk(sandbox, api, step);
        expect([step, close]).toEqual([step, "close 1008 no rule of the policy allows the message"]);
      }
      expect(api.got.filter((line) => !line.startsWith("close"))).toEqual([]);
      const denied = await messageRecord(sandbox, `to-host text (${url})`, "deny");
      expect(denied).toMatchObject({
        decidedBy: { kind: "policy" },
        reason: "no rule of the policy allows the message",
      });

      // In the wrong direction: what the program may say, the host may not.
      expect((await talk(sandbox, api, "text:say say it")).at(-1)).toBe(
        "close 1008 no rule of the policy allows the message",
      );
      await messageRecord(sandbox, `from-host text (${url})`, "deny");
    },
  },
  {
    name: "a message that is longer than what is judged closes its WebSocket, and where no rule is about messages anything passes",
    tools: true,
    async run(scene) {
      const api = await chat(scene);
      const rule = (messages?: { readonly messages: readonly [{ readonly kind: "text" }] }) => {
        return ruleFor(api, { rules: [{ websocket: true, ...messages }] });
      };
      const judged = await chatSandbox(scene, { allow: [rule({ messages: [{ kind: "text" }] })] });
      expect(await talk(judged, api, "big:1000000", "close:1000")).toEqual([
        NONE,
        `text ${"x".repeat(60)}`,
        "close 1000",
      ]);
      expect((await talk(judged, api, "big:1100000")).at(-1)).toMatch(/^close 1009/);
      await until(
        () => judged.decisions().some(({ reason }) => /more than 1048576 bytes/.test(reason)),
        "the message is recorded as too long",
      );
      const free = await chatSandbox(scene, { allow: [rule()] });
      const said = await talk(free, api, "big:3000000", "binary:x", "ping:p", "close:1000");
      expect(said.slice(1)).toEqual([`text ${"x".repeat(60)}`, "binary x", "pong p", "close 1000 bye"]);
      expect(said[0]).toContain("permessage-deflate");
    },
  },
  {
    name: "a denial of messages beats what allows all, an ask of messages is asked each time, and a new policy holds for open WebSockets",
    tools: true,
    async run(scene) {
      const api = await chat(scene);
      const asked: unknown[] = [];
      const about = (json: Record<string, string>) => ({
        rules: [{ websocket: true, messages: [{ direction: "to-host", json }] } as const],
      });
      const network: NetworkSection = {
        allow: [ruleFor(api, { access: "full" })],
        deny: [{ id: "no-admin", host: api.host, http: about({ op: "admin" }) }],
        ask: [{ ...ruleFor(api, about({ op: "write" })), id: "writes" }],
      };
      const sandbox = await chatSandbox(scene, network, {
        approve: (request) => {
          if (request.domain === "network") asked.push(request.message?.data);
          return request.domain === "network" && request.message?.data === '{"op":"write","n":1}';
        },
      });
      const steps = ['text:{"op":"read"}', 'text:{"op":"write","n":1}', 'text:{"op":"write","n":2}'];
      expect((await talk(sandbox, api, ...steps)).slice(1)).toEqual([
        `text ${steps[0]?.slice(5)}`,
        `text ${steps[1]?.slice(5)}`,
        "close 1008 it was not approved",
      ]);
      expect(asked).toEqual([steps[1]?.slice(5), steps[2]?.slice(5)]);
      for (const step of [
        'text:{"op":"admin"}',
        'binary:{"op":"admin"}',
        'text:{"op":"read","op":"admin"}',
        "text:no JSON",
      ]) {
        expect([step, (await talk(sandbox, api, step)).at(-1)]).toEqual([
          step,
          "close 1008 rule no-admin denies the message",
        ]);
      }
      const url = `https://chat.test:${api.port}/chat`;
      expect((await messageRecord(sandbox, `to-host text (${url})`, "deny")).ruleId).toBe("writes");
      expect((await messageRecord(sandbox, `to-host binary (${url})`, "deny")).ruleId).toBe("no-admin");

      // Open where nobody looked, and then somebody must.
      const policy = (section: NetworkSection) =>
        ({ version: 1, filesystem: { write: ["."] }, network: section }) as const;
      await sandbox.setPolicy(policy({ allow: network.allow ?? [] }));
      const command = await sandbox.spawn(["node", "client.cjs", `wss://${api.host}:${api.port}/chat`, "text:free"]);
      let text = "";
      for await (const chunk of command) {
        text += Buffer.from(chunk.bytes);
        if (text.includes("text free")) await sandbox.setPolicy(policy(network));
      }
      expect(text).toMatch(/close 1006|error/);
    },
  },
  {
    name: "a hook of messages sees both directions, decides, and changes what is passed on",
    tools: true,
    async run(scene) {
      const api = await chat(scene);
      const seen: unknown[] = [];
      const message: MessageHandler = async ({ direction, kind, data }, { about, connect }) => {
        seen.push([direction, kind, String(data), connect.host, about.path]);
        if (data === "denied") return deny("not this");
        if (data === "asked") return ask("really?");
        if (data === "thrown") throw new Error("oops");
        if (data === "nonsense") return 5 as never;
        if (direction === "to-host" && data === "key sk-1") return "key ***";
        return direction === "from-host" && kind === "binary" ? new Uint8Array([0x21]) : undefined;
      };
      const plugin = definePlugin(() => ({
        name: "listener",
        hooks: { network: { message: { ports: [api.port], handler: message } } },
      }))();
      const sandbox = await chatSandbox(
        scene,
        {
          allow: [ruleFor(api, undefined)],
          deny: [
            { id: "no", host: api.host, http: { rules: [{ websocket: true, messages: [{ text: ["forbidden"] }] }] } },
          ],
        },
        { plugins: [plugin], approve: () => false },
      );
      expect(await talk(sandbox, api, "text:plain", "text:key sk-1", "binary:b", "text:denied")).toEqual([
        NONE,
        "text plain",
        "text key ***",
        "binary !",
        "close 1008 not this",
      ]);
      expect(api.got.slice(0, 3)).toEqual(["text plain", "text key ***", "binary b"]);
      expect(seen.slice(0, 2)).toEqual([
        ["to-host", "text", "plain", "chat.test", "/chat"],
        ["from-host", "text", "plain", "chat.test", "/chat"],
      ]);
      for (const step of ["text:asked", "text:thrown", "text:nonsense"]) {
        expect([step, (await talk(sandbox, api, step)).at(-1)]).toEqual([step, expect.stringMatching(/^close 1008 /)]);
      }
      seen.length = 0;
      expect((await talk(sandbox, api, "text:forbidden")).at(-1)).toBe("close 1008 rule no denies the message");
      expect(seen).toEqual([]);
      const record = sandbox.decisions().find(({ reason }) => reason === "not this");
      expect(record).toMatchObject({
        operation: "message",
        object: `to-host text (https://chat.test:${api.port}/chat)`,
        verdict: "deny",
        decidedBy: { kind: "plugin", name: "listener", hook: "network.message" },
      });
    },
  },
];
