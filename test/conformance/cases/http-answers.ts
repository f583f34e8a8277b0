/**
 * Hooks that see what hosts answer, and events as they come.
 */
import { expect } from "vitest";
import { ask, definePlugin, deny, type MessageHandler, type ResponseHandler } from "../../../src/mod.ts";
import { bundle } from "../bundle.ts";
import type { Case } from "../case.ts";
import { Listener } from "../help.ts";
import { makeFiles } from "../mediation.ts";
import { curl, httpSandbox, messageRecord, ruleFor, standIn } from "../stand-in.ts";

const plugin = (hooks: { readonly response?: ResponseHandler; readonly message?: MessageHandler }, port: number) => {
  const network = {
    ...(hooks.response === undefined ? {} : { response: { ports: [port], handler: hooks.response } }),
    ...(hooks.message === undefined ? {} : { message: { ports: [port], handler: hooks.message } }),
  };
  return definePlugin(() => ({ name: "watcher", hooks: { network } }))();
};

const lastLine = (text: string) => text.split("\n").at(-1);

/** An EventSource that prints what comes. */
const EVENTS = `
import { EventSource } from "eventsource";
const source = new EventSource(process.argv[2]);
for (const type of ["message", "tick"]) source.addEventListener(type, ({ data, lastEventId }) => console.log(type, data, lastEventId));
source.onerror = ({ code }) => { console.log("over", code ?? ""); source.close(); };
`;

export const httpAnswerCases: readonly Case[] = [
  {
    name: "a hook of responses decides and changes what the program gets, and reads only what it wants to",
    tools: true,
    async run(scene) {
      const api = await standIn(scene, "api.test", (request, response) => {
        response.setHeader("X-Host", "1");
        if (request.url === "/cut") {
          response.writeHead(200, { "Content-Length": "10" });
          response.write("half");
          setTimeout(() => response.socket?.destroy(), 50);
        } else if (request.url === "/empty") {
          response.writeHead(204).end();
        } else {
          response.end(`secret ${request.url} ${request.headers["accept-encoding"]}`);
        }
      });
      const seen: string[] = [];
      const response: ResponseHandler = async (answer, { about, request, connect }) => {
        seen.push(`${connect.host} ${about.method} ${about.path} ${new URL(request.url).search} ${answer.status}`);
        switch (about.path) {
          case "/denied":
            return deny("not this answer");
          case "/asked":
            return ask("really?");
          case "/scrubbed":
            return new Response((await answer.text()).replace("secret", "***"), answer);
          case "/replaced":
            return Response.json({ made: "here" }, { status: 418 });
          case "/looked":
            return (await answer.clone().text()).includes("secret") ? deny("it has a secret") : undefined;
          case "/peeked":
            await answer.clone().text();
            return undefined;
          case "/eaten":
            await answer.text();
            return undefined;
          case "/thrown":
            throw new Error("oops");
          case "/nonsense":
            return "yes" as never;
          default:
            return undefined;
        }
      };
      const sandbox = await httpSandbox(
        scene,
        {
          allow: [ruleFor(api, undefined)],
          deny: [{ id: "no", host: api.host, http: { rules: [{ paths: ["/no"] }] } }],
        },
        { plugins: [plugin({ response }, api.port)] },
      );
      const get = (path: string, ...args: string[]) => curl(sandbox, ...args, api.url + path);
      expect(await get("/plain?q=1")).toBe("secret /plain?q=1 identity\n200");
      expect(await get("/scrubbed")).toBe("*** /scrubbed identity\n200");
      expect(await get("/replaced")).toBe('{"made":"here"}\n418');
      expect(await get("/peeked")).toBe("secret /peeked identity\n200");
      expect(await get("/empty", "-i")).toMatch(/204 [\s\S]*X-Host: 1/i);
      expect(await get("/cut")).toMatch(/^curl (?:18|56|92):/);
      for (const path of ["/denied", "/asked", "/looked", "/eaten", "/thrown", "/nonsense"]) {
        const text = await get(path);
        expect([path, lastLine(text)]).toEqual([path, "403"]);
        expect(text).not.toContain("secret /");
      }
      expect(JSON.parse((await get("/denied")).split("\n")[0] ?? "")).toMatchObject({
        error: "denied",
        reason: "not this answer",
        rule: "it",
      });
      expect(seen[0]).toBe("api.test GET /plain ?q=1 200");
      const records = sandbox.decisions().filter(({ operation }) => operation === "response");
      expect(records[0]).toMatchObject({ object: `GET ${api.url}/plain`, verdict: "allow", ruleId: "it" });
      expect(records.find(({ object }) => object === `GET ${api.url}/denied`)).toMatchObject({
        verdict: "deny",
        reason: "not this answer",
        decidedBy: { kind: "plugin", name: "watcher", hook: "network.response" },
      });
      seen.length = 0;
      expect(lastLine(await get("/no"))).toBe("403");
      expect(seen).toEqual([]);
    },
  },
  {
    name: "an EventSource gets each event as it comes, also where hooks see them, change them or leave one out",
    tools: true,
    async run(scene) {
      let send: ((text: string) => void) | undefined;
      let started: (() => void) | undefined;
      const opened = () =>
        new Promise<void>((resolve) => {
          started = resolve;
        });
      const api = await standIn(scene, "api.test", (_, response) => {
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        response.write(": hello\n\n");
        send = (text) => (text === "" ? response.destroy() : response.write(text));
        started?.();
      });
      const message: MessageHandler = ({ direction, kind, data, event }) => {
        if (direction !== "from-host" || kind !== "event") return deny(`${direction} ${kind}`);
        if (data === "leave out") return deny("left out");
        return event === "tick" ? `${data}!` : undefined;
      };
      for (const hooks of [{}, { response: () => undefined }, { message }]) {
        const workspace = scene.folder();
        makeFiles(workspace, { "events.cjs": bundle(EVENTS) });
        const plugins = [plugin(hooks, api.port)];
        const sandbox = await httpSandbox(
          scene,
          { allow: [ruleFor(api, { access: "read-only" })] },
          { workspace, plugins },
        );
        const open = opened();
        const command = new Listener(await sandbox.spawn(["node", "events.cjs", `${api.url}/events`]));
        await open;
        send?.("id: 7\ndata: one\ndata: more\n\n");
        await command.hear("message one\nmore 7\n");
        send?.("data: leave out\n\nevent: tick\r\ndata: two\r\n\r\n");
        await command.hear("message" in hooks ? "tick two! \n" : "message leave out \ntick two \n");
        expect(command.all.includes("leave out")).toBe(!("message" in hooks));
        if ("message" in hooks) {
          const record = await messageRecord(sandbox, `from-host event (${api.url}/events)`, "deny");
          expect(record).toMatchObject({ reason: "left out", decidedBy: { name: "watcher", hook: "network.message" } });
        }
        send?.("");
        await command.hear("over");
        await sandbox.stop();
      }
    },
  },
];
