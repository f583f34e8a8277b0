/**
 * Programs that speak HTTP, as people have them: each finds its way, trusts the sandbox's certificate, and is told why not.
 */
import { execFile } from "node:child_process";
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { Listener, shell } from "../help.ts";
import { net, networkSandbox, serveOutside } from "../network.ts";
import type { Scene } from "../scene.ts";
import { giveAway } from "../scene.ts";
import { httpSandbox, requestRecord, type StandIn, standIn } from "../stand-in.ts";

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
const DENO = join(PROJECT, ".cache/runtimes/node_modules/deno/deno");

const echo = (scene: Scene) =>
  standIn(scene, "api.test", (request, response) => {
    request.resume().once("end", () => response.end(`${request.method} ${request.url}`));
  });

const rules = ({ host, port }: StandIn) => ({
  allow: [{ id: "read", host, ports: [port], addresses: ["127.0.0.1"], http: { access: "read-only" } as const }],
});

/** What a client prints of a GET, and of a POST: the status and the body, or only the body. */
interface Client {
  readonly name: string;
  /** Shell source; `$1` is the URL. */
  readonly get: string;
  readonly post: string;
  /** How the record calls it. */
  readonly binary: RegExp;
}

const NODE = (init: string) =>
  `node -e 'fetch(process.argv[1], ${init}).then(async (a) => console.log(a.status, await a.text()))' "$1"`;
const PYTHON = (source: string) => `python3 -c '${source}' "$1"`;
const URLLIB = `
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], DATA)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode())`;

const CLIENTS: readonly Client[] = [
  { name: "curl", get: 'curl -sS "$1"', post: 'curl -sS -d x "$1"', binary: /\/curl$/ },
  {
    name: "wget",
    get: 'wget -qO- "$1"',
    post: 'wget -qO- --content-on-error --post-data=x "$1" || true',
    binary: /\/wget$/,
  },
  { name: "fetch of Node", get: NODE("{}"), post: NODE('{ method: "POST", body: "x" }'), binary: /\/node$/ },
  {
    name: "urllib of Python",
    get: PYTHON(URLLIB.replace("DATA", "None")),
    post: PYTHON(URLLIB.replace("DATA", 'b"x"')),
    binary: /\/python3[.\d]*$/,
  },
  {
    name: "requests of Python",
    get: PYTHON("import requests, sys; print(requests.get(sys.argv[1]).text)"),
    post: PYTHON('import requests, sys; print(requests.post(sys.argv[1], data="x").text)'),
    binary: /\/python3[.\d]*$/,
  },
  {
    name: "httpx of Python",
    get: PYTHON("import httpx, sys; print(httpx.get(sys.argv[1]).text)"),
    post: PYTHON('import httpx, sys; print(httpx.post(sys.argv[1], data={"a": "b"}).text)'),
    binary: /\/python3[.\d]*$/,
  },
];

/** What comes of both: the first arrives, the second is answered with why, and both are recorded. */
async function expectBoth(sandbox: Sandbox, api: StandIn, { name, get, post, binary }: Client): Promise<void> {
  const path = `/${name.replaceAll(" ", "-")}`;
  const got = await shell(sandbox, get, api.url + path);
  // wget says that it may not read its settings for all users, where there are any.
  const said = got.stderr.replace(/.*\/etc\/wgetrc.*\n/g, "");
  expect([name, got.stdout, said]).toEqual([name, expect.stringContaining(`GET ${path}`), ""]);
  const denied = await shell(sandbox, post, api.url + path);
  expect([name, denied.stdout]).toEqual([name, expect.stringContaining("no rule of the policy allows the request")]);
  const allowed = await requestRecord(sandbox, `GET ${api.url}${path}`, "allow");
  expect([name, allowed.ruleId, allowed.subject?.binary]).toEqual([name, "read", expect.stringMatching(binary)]);
  expect((await requestRecord(sandbox, `POST ${api.url}${path}`, "deny")).ruleId).toBeUndefined();
  expect(api.requests.filter((request) => request.endsWith(path))).toEqual([`GET ${path}`]);
}

/** A folder with Deno, which is too large to be copied again and again. */
async function withDeno(scene: Scene): Promise<string> {
  if (!existsSync(DENO)) await promisify(execFile)("bash", [join(PROJECT, "scripts/setup-runtimes.sh")]);
  const folder = scene.folder();
  const deno = join(folder, "deno");
  cpSync(DENO, deno, { dereference: true });
  giveAway(deno);
  return folder;
}

export const clientWebCases: readonly Case[] = [
  ...CLIENTS.map(
    (client): Case => ({
      name: `${client.name} reads what a rule allows over TLS, and reads why the rest is denied`,
      tools: true,
      async run(scene) {
        const api = await echo(scene);
        await expectBoth(await httpSandbox(scene, rules(api)), api, client);
      },
    }),
  ),
  {
    name: "fetch of Deno reads what a rule allows over TLS, and reads why the rest is denied",
    tools: true,
    notIn: ({ name }) =>
      name === "local-user" && !existsSync(DENO) ? "Deno is not there: run scripts/setup-runtimes.sh" : undefined,
    async run(scene) {
      const api = await echo(scene);
      const workspace = { path: await withDeno(scene), mode: "mount" } as const;
      const sandbox = await httpSandbox(scene, rules(api), { workspace });
      const script = (init: string) =>
        `./deno eval 'const a = await fetch(Deno.args[0], ${init}); console.log(a.status, await a.text())' "$1"`;
      await expectBoth(sandbox, api, {
        name: "deno",
        get: script("{}"),
        post: script('{ method: "POST", body: "x" }'),
        binary: /\/deno$/,
      });
    },
  },
  {
    name: "a static binary, which knows no libraries, no certificates and no proxies, is judged as any",
    async run(scene) {
      const { port } = await serveOutside(scene, (socket) => {
        socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"));
      });
      const http = { rules: [{ methods: ["GET"], paths: ["/pub/**"] }] };
      const { sandbox } = await networkSandbox(scene, {
        allow: [{ id: "pub", host: "api.test", ports: [port], addresses: ["127.0.0.1"], http }],
      });
      expect(await net(sandbox, "get", "api.test", port, "/pub/a")).toMatch(/^HTTP\/1\.1 200 [\s\S]*hello$/);
      expect(await net(sandbox, "get", "api.test", port, "/private")).toMatch(
        /^HTTP\/1\.1 403 [\s\S]*"error":"denied"/,
      );
      await requestRecord(sandbox, `GET http://api.test:${port}/pub/a`, "allow");
      await requestRecord(sandbox, `GET http://api.test:${port}/private`, "deny");
    },
  },
  {
    name: "events that a server sends arrive one by one, as long as the program listens",
    tools: true,
    async run(scene) {
      let more: (text: string) => void = () => undefined;
      let over = false;
      const api = await standIn(scene, "api.test", (request, response) => {
        response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
        response.write("id: 1\ndata: one\n\n");
        more = (text) => response.write(text);
        request.once("close", () => {
          over = true;
        });
      });
      const sandbox = await httpSandbox(scene, {
        allow: [
          {
            id: "it",
            host: api.host,
            ports: [api.port],
            addresses: ["127.0.0.1"],
            http: { rules: [{ paths: ["/events"] }] },
          },
        ],
      });
      const command = await sandbox.spawn(["curl", "-sSN", `${api.url}/events`]);
      const listener = new Listener(command);
      await listener.hear("data: one");
      more("id: 2\ndata: two\n\n");
      await listener.hear("data: two");
      expect(listener.all).not.toContain("three");
      await command.kill();
      await requestRecord(sandbox, `GET ${api.url}/events`, "allow");
      await expect.poll(() => over, { timeout: 15_000 }).toBe(true);
      const other = await shell(sandbox, 'curl -sSN "$1"', `${api.url}/other`);
      expect(JSON.parse(other.stdout)).toMatchObject({ error: "denied", path: "/other" });
      await requestRecord(sandbox, `GET ${api.url}/other`, "deny");
    },
  },
];
