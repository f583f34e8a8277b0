/**
 * HTTP/2 and gRPC as real clients speak them: requests are judged stream by stream, and a denial is one that the client reads.
 */
import { expect } from "vitest";
import type { NetworkRule } from "../../../src/mod.ts";
import { bundle } from "../bundle.ts";
import type { Case } from "../case.ts";
import { grpcStandIn, type Http2StandIn, http2StandIn } from "../http2-host.ts";
import { makeFiles } from "../mediation.ts";
import type { Scene } from "../scene.ts";
import { curl, httpSandbox, requestRecord, standIn } from "../stand-in.ts";

const rule = ({ host, port }: Http2StandIn, http: NonNullable<NetworkRule["http"]>, id = "it"): NetworkRule => {
  return { id, host, ports: [port], addresses: ["127.0.0.1"], http };
};

const told = (scene: Scene, host = "api.test") =>
  http2StandIn(scene, host, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => response.end(`${request.method} ${request.url} ${Buffer.concat(chunks)}`));
  });

const SESSION = `
const http2 = require("node:http2");
const session = http2.connect(process.argv[1]);
const ask = (headers, body) => new Promise((done) => {
  const stream = session.request(headers);
  let status = 0, text = "";
  stream.on("response", (answer) => (status = answer[":status"]));
  stream.on("error", (error) => done("error " + error.code));
  stream.setEncoding("utf8").on("data", (chunk) => (text += chunk)).on("end", () => done(status + " " + text));
  stream.end(body);
});`;

const UNDICI = `
import { Agent, fetch } from "undici";
(async () => {
  const dispatcher = new Agent({ allowH2: true });
  for (const method of ["GET", "POST"]) {
    const body = method === "POST" ? { body: "x" } : {};
    const answer = await fetch(process.argv[2], { method, dispatcher, ...body });
    console.log(answer.status, await answer.text());
  }
  await dispatcher.close();
})();`;

const GRPC = `
import { Client, credentials, Metadata } from "@grpc/grpc-js";
const client = new Client(process.argv[2], credentials.createInsecure());
const write = (text) => Buffer.from(text), read = (bytes) => bytes.toString();
const metadata = new Metadata();
metadata.set("x-asked", "yes");
const call = (name) => new Promise((done) => {
  client.makeUnaryRequest("/acme.v1.Echo/" + name, write, read, "hello", metadata, (error, answer) => {
    done(error === null ? { answer } : { code: error.code, details: error.details, rule: error.metadata.get("x-cofferdam-rule") });
  });
});
const chat = () => new Promise((done) => {
  const stream = client.makeBidiStreamRequest("/acme.v1.Echo/Chat", write, read, metadata);
  const heard = [];
  stream.on("data", (text) => {
    heard.push(text);
    if (heard.length < 3) stream.write(String(heard.length));
    else stream.end();
  });
  stream.on("status", ({ code }) => done({ heard, code }));
  stream.on("error", () => undefined);
  stream.write("0");
});
(async () => {
  console.log(JSON.stringify([await call("Get"), await call("Fail"), await call("Delete"), await chat()]));
  client.close();
})();`;

export const http2Cases: readonly Case[] = [
  {
    name: "curl speaks HTTP/2 with a host that speaks it, and with one that does not; each request is judged",
    tools: true,
    async run(scene) {
      const api = await told(scene);
      const old = await standIn(scene, "old.test", (request, response) => response.end(`old ${request.httpVersion}`));
      const rules = [rule(api, { access: "read-only" }), rule(old, { access: "read-only" }, "old")];
      const sandbox = await httpSandbox(scene, { allow: rules });
      const version = ["--http2", "-w", " %{http_version}\n%{http_code}"];
      expect(await curl(sandbox, ...version, `${api.url}/a?b=1`)).toBe("GET /a?b=1  2\n200");
      expect(await curl(sandbox, ...version, old.url)).toBe("old 1.1 2\n200");
      expect(await curl(sandbox, "--http1.1", "-w", " %{http_version}\n%{http_code}", `${api.url}/c`)).toBe(
        "GET /c  1.1\n200",
      );
      const [body = ""] = (await curl(sandbox, ...version, "-d", "x", `${api.url}/a?token=hidden`)).split(" 2\n");
      expect(JSON.parse(body)).toMatchObject({ error: "denied", method: "POST", path: "/a" });
      expect(api.requests).toEqual(["GET /a?b=1", "GET /c"]);
      expect(await requestRecord(sandbox, `GET ${api.url}/a`, "allow")).toMatchObject({ ruleId: "it" });
      await requestRecord(sandbox, `POST ${api.url}/a`, "deny");
      expect(JSON.stringify(sandbox.decisions())).not.toContain("hidden");
    },
  },
  {
    name: "streams of one connection are judged one by one, and those for another name are refused",
    tools: true,
    async run(scene) {
      const api = await told(scene);
      const sandbox = await httpSandbox(scene, { allow: [rule(api, { access: "read-only" })] });
      const source = `${SESSION}
        Promise.all([
          ask({ ":path": "/one" }),
          ask({ ":path": "/two", ":method": "DELETE" }),
          ask({ ":path": "/three", ":authority": "evil.test" }),
          ask({ ":path": "/four" }),
        ]).then((all) => { console.log(JSON.stringify(all)); session.close(); });`;
      const { stdout } = await sandbox.exec(["node", "-e", source, api.url], { timeoutMs: 30_000, check: true });
      const answers = JSON.parse(stdout) as string[];
      expect(answers.map((answer) => answer.slice(0, 3))).toEqual(["200", "403", "421", "200"]);
      expect([...api.requests].sort()).toEqual(["GET /four", "GET /one"]);
      await requestRecord(sandbox, `DELETE ${api.url}/two`, "deny");
      expect(sandbox.decisions().some(({ object }) => object.startsWith("GET /three"))).toBe(true);
    },
  },
  {
    name: "a change of the policy holds for the next stream on an open connection of HTTP/2",
    tools: true,
    async run(scene) {
      const api = await told(scene);
      const network = (access: "full" | "read-only") => ({ allow: [rule(api, { access })] });
      const sandbox = await httpSandbox(scene, network("full"));
      const source = `${SESSION}
        const post = async () => console.log((await ask({ ":method": "POST", ":path": "/x" }, "x")).slice(0, 3));
        post().then(() => process.stdin.once("data", async () => { await post(); process.exit(); }));`;
      const command = await sandbox.spawn(["node", "-e", source, api.url], { stdin: "pipe" });
      const lines: string[] = [];
      for await (const chunk of command) {
        lines.push(Buffer.from(chunk.bytes).toString().trim());
        if (lines.length > 1) continue;
        await sandbox.setPolicy({ version: 1, filesystem: { write: ["."] }, network: network("read-only") });
        await command.stdin.write("go\n");
      }
      expect(lines).toEqual(["200", "403"]);
    },
  },
  {
    name: "undici speaks HTTP/2, and reads why it may not post",
    tools: true,
    notIn: ({ docker }) => (docker ? "its Node is too old for this undici" : undefined),
    async run(scene) {
      const api = await told(scene);
      const workspace = scene.folder();
      makeFiles(workspace, { "client.cjs": bundle(UNDICI) });
      const sandbox = await httpSandbox(scene, { allow: [rule(api, { access: "read-only" })] }, { workspace });
      const argv = ["node", "client.cjs", `${api.url}/u`] as const;
      const [got, posted = ""] = (await sandbox.exec(argv, { timeoutMs: 30_000, check: true })).stdout.split("\n");
      expect(got).toBe("200 GET /u ");
      expect(JSON.parse(posted.slice(4))).toMatchObject({ error: "denied", method: "POST" });
      expect(api.requests).toEqual(["GET /u"]);
      await requestRecord(sandbox, `GET ${api.url}/u`, "allow");
      await requestRecord(sandbox, `POST ${api.url}/u`, "deny");
    },
  },
  {
    name: "grpc-js calls what a rule on gRPC means, streams both ways, and reads why it may not call the rest",
    tools: true,
    async run(scene) {
      const api = await grpcStandIn(scene, "grpc.test");
      const workspace = scene.folder();
      makeFiles(workspace, { "client.cjs": bundle(GRPC) });
      const grpc = { service: "acme.v1.*", methods: ["Get", "Fail", "Delete", "Chat"] };
      const denied = { service: "acme.**", methods: ["Del*"] };
      const sandbox = await httpSandbox(
        scene,
        {
          allow: [rule(api, { rules: [{ grpc }] })],
          deny: [{ id: "no-deletes", host: api.host, http: { rules: [{ grpc: denied }] } }],
        },
        { workspace },
      );
      const argv = ["node", "client.cjs", `${api.host}:${api.port}`] as const;
      const { stdout } = await sandbox.exec(argv, { timeoutMs: 40_000, check: true });
      expect(JSON.parse(stdout)).toEqual([
        { answer: "Get hello yes" },
        { code: 5, details: "nobody of that name", rule: [] },
        { code: 7, details: expect.stringContaining("rule no-deletes denies"), rule: ["no-deletes"] },
        { heard: ["echo 0", "echo 1", "echo 2"], code: 0 },
      ]);
      expect(api.requests).toEqual(["Get", "Fail", "Chat"]);
      expect(await requestRecord(sandbox, `POST ${api.url}/acme.v1.Echo/Get`, "allow")).toMatchObject({ ruleId: "it" });
      expect(await requestRecord(sandbox, `POST ${api.url}/acme.v1.Echo/Delete`, "deny")).toMatchObject({
        ruleId: "no-deletes",
      });
      // A POST to the same path that says something else is no call.
      expect((await curl(sandbox, "-d", "x", `${api.url}/acme.v1.Echo/Get`)).split("\n").at(-1)).toBe("403");
    },
  },
];
