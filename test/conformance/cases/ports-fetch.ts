/**
 * `sandbox.fetch`: requests to servers in the sandbox, whatever these answer.
 */
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { patterned, refused, until, within } from "../help.ts";
import { connectionsTo, freshPort, serve, serveAnswer } from "../ports.ts";

const OK = "HTTP/1.1 200 OK\r\n";

/** What a request comes to: the text of the answer, or the code of the error. */
async function outcome(sandbox: Sandbox, port: number, path = "/"): Promise<string> {
  try {
    return await (await sandbox.fetch(port, path)).text();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

export const portFetchCases: readonly Case[] = [
  {
    name: "fetch() gives what a server answers, tells it what was asked, and opens no port of the host",
    async run(scene) {
      const sandbox = await scene.shared();
      const text = `${OK}Content-Length: 5\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nhello`;
      const { port, heard } = await serveAnswer(scene, sandbox, text);
      const records: unknown[] = [];
      const stop = sandbox.events.on("record", (record) => records.push(record));
      const response = await sandbox.fetch(port, "/some/path?q=1#part", { headers: { "X-Mine": "yes" } });
      stop();
      expect([response.status, response.ok, response.url]).toEqual([
        200,
        true,
        `http://localhost:${port}/some/path?q=1`,
      ]);
      expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
      expect(await response.text()).toBe("hello");
      await heard.hear("GET /some/path?q=1 HTTP/1.1\r\n");
      for (const line of ["x-mine: yes", `host: localhost:${port}`, "accept-encoding: identity", "connection: close"]) {
        expect(heard.all.toLowerCase()).toContain(line);
      }
      // Cookies are nobody's business: the next request does not have them.
      await (await sandbox.fetch(port, "/again")).text();
      expect(heard.all.toLowerCase()).not.toContain("cookie");
      expect(connectionsTo(records, port)).toMatchObject([{ via: "fetch" }]);
    },
  },
  {
    name: "fetch() sends bodies: with a length what is in memory, in chunks what streams",
    async run(scene) {
      const sandbox = await scene.shared();
      const { port, heard } = await serveAnswer(scene, sandbox, `${OK}Content-Length: 0\r\n\r\n`);
      await sandbox.fetch(port, "/text", { method: "POST", body: "some text" });
      await heard.hear(/content-length: 9/i);
      expect(heard.all).toMatch(/content-type: text\/plain/i);
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(Buffer.from("streamed"));
          controller.close();
        },
      });
      await sandbox.fetch(port, "/stream", { method: "PUT", body });
      await heard.hear(/transfer-encoding: chunked/i);
      await sandbox.fetch(port, new Request("http://app.example/request", { method: "POST", body: "x" }));
      await heard.hear(/host: app\.example/i);
      await sandbox.fetch(port, "/none", { method: "DELETE" });
      await heard.hear(/DELETE \/none[\s\S]*content-length: 0/i);
    },
  },
  {
    name: "fetch() streams an answer while the server still writes it, and lets go of it on abort and cancel",
    tools: true,
    async run(scene) {
      const sandbox = await scene.shared();
      const port = freshPort();
      const source = `require("http").createServer((request, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        let count = 0;
        const timer = setInterval(() => response.write("data: " + ++count + "\\n\\n"), 5);
        response.on("close", () => { clearInterval(timer); console.log("closed"); });
      }).listen(${port}, "127.0.0.1", () => console.log("ready"))`;
      const command = await sandbox.spawn(["node", "-e", source]);
      scene.defer(() => command.kill());
      const events = await sandbox.fetch(port, "/events", { waitMs: 30_000 });
      expect(events.headers.get("content-type")).toBe("text/event-stream");
      const reader = events.body?.getReader();
      let text = "";
      while (!text.includes("data: 3")) text += Buffer.from((await reader?.read())?.value ?? []).toString();
      await reader?.cancel();
      const abort = new AbortController();
      const second = await sandbox.fetch(port, "/events", { signal: abort.signal });
      const body = second.text();
      abort.abort();
      await refused(body, "ABORTED");
      await refused(sandbox.fetch(port, "/events", { signal: abort.signal }), "ABORTED");
      let closed = 0;
      for await (const { bytes } of command) {
        closed += Buffer.from(bytes).toString().split("closed").length - 1;
        if (closed === 2) break;
      }
      expect(closed).toBe(2);
    },
  },
  {
    name: "fetch() moves 10 MB each way through a real server",
    tools: true,
    async run(scene) {
      const sandbox = await scene.shared();
      const port = freshPort();
      const source = `require("http").createServer((request, response) => request.pipe(response)).listen(${port}, "127.0.0.1")`;
      const command = await sandbox.spawn(["node", "-e", source]);
      scene.defer(() => command.kill());
      const bytes = patterned(10_000_000);
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += 1_000_003) controller.enqueue(bytes.subarray(at, at + 1_000_003));
          controller.close();
        },
      });
      const options = { method: "POST", waitMs: 30_000 };
      for (const body of [bytes, stream]) {
        const response = await sandbox.fetch(port, "/", { ...options, body });
        expect(bytes.equals(Buffer.from(await response.arrayBuffer()))).toBe(true);
      }
    },
  },
  {
    name: "fetch() follows redirects on the same port, and nowhere else",
    async run(scene) {
      const sandbox = await scene.shared();
      const target = await serveAnswer(scene, sandbox, `${OK}Content-Length: 4\r\n\r\nhere`);
      const to = (location: string, status = "302 Found") =>
        serveAnswer(scene, sandbox, `HTTP/1.1 ${status}\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
      const ring = await to("/again");
      const error = await refused(sandbox.fetch(ring.port, "/"), "FETCH_FAILED");
      expect(error.details.reason).toBe("it redirects more than 20 times");
      await ring.heard.hear("GET /again ");
      expect(ring.heard.all.split("GET /again ").length - 1).toBeGreaterThan(10);
      const elsewhere = [
        `http://localhost:${target.port}/`,
        "http://169.254.169.254/latest",
        "https://localhost/",
        "//evil/",
      ];
      for (const location of elsewhere) {
        const { port } = await to(location);
        const failure = await refused(sandbox.fetch(port, "/"), "FETCH_FAILED");
        expect(failure.details.reason).toContain("which is not this server");
        const manual = await sandbox.fetch(port, "/", { redirect: "manual" });
        expect([manual.status, manual.headers.get("location")]).toEqual([302, location]);
        expect((await refused(sandbox.fetch(port, "/", { redirect: "error" }), "FETCH_FAILED")).code).toBe(
          "FETCH_FAILED",
        );
      }
      const posted = await to("/got", "303 See Other");
      await refused(sandbox.fetch(posted.port, "/form", { method: "POST", body: "secret" }), "FETCH_FAILED");
      await posted.heard.hear("GET /got ");
    },
  },
  {
    name: "fetch() takes nothing for an answer that is none: floods, cuts, lies and other protocols",
    async run(scene) {
      const sandbox = await scene.shared();
      const header = `X-Long: ${"x".repeat(2_000_000)}\r\n`;
      const many = Array.from({ length: 20_000 }, (_, index) => `X-${index}: y\r\n`).join("");
      const hostile: Readonly<Record<string, string>> = {
        "a header of 2 MB": `${OK}${header}\r\n`,
        "20,000 headers": `${OK}${many}Content-Length: 0\r\n\r\n`,
        "no HTTP": "SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
        "a cut body": `${OK}Content-Length: 100\r\n\r\nonly this`,
        "a cut chunk": `${OK}Transfer-Encoding: chunked\r\n\r\nff\r\nonly this`,
        "two lengths": `${OK}Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde`,
        "a length and chunks": `${OK}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
        "a protocol of its own": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: mine\r\nConnection: Upgrade\r\n\r\n",
        "a status out of range": "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        nothing: "",
      };
      for (const [what, text] of Object.entries(hostile)) {
        const { port } = await serveAnswer(scene, sandbox, text);
        expect([what, await within(20_000, what, outcome(sandbox, port))]).toEqual([what, "FETCH_FAILED"]);
      }
      const { port } = await serveAnswer(
        scene,
        sandbox,
        `${OK}X-Long: ${"x".repeat(100_000)}\r\nContent-Length: 2\r\n\r\nok`,
      );
      expect(await outcome(sandbox, port)).toBe("FETCH_FAILED");
      expect(await (await sandbox.fetch(port, "/", { maxHeaderBytes: 200_000 })).text()).toBe("ok");
    },
  },
  {
    name: "fetch() does not unpack: a small answer stays small",
    async run(scene) {
      const sandbox = await scene.shared();
      const bomb = gzipSync(Buffer.alloc(10_000_000));
      const head = `${OK}Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`;
      const { port } = await serveAnswer(scene, sandbox, Buffer.concat([Buffer.from(head), bomb]));
      const response = await sandbox.fetch(port, "/");
      expect(response.headers.get("content-encoding")).toBe("gzip");
      expect(Buffer.from(await response.arrayBuffer()).equals(bomb)).toBe(true);
    },
  },
  {
    name: "fetch() says when nothing listens, refuses what it cannot do, and lets go when the sandbox stops",
    async run(scene) {
      const sandbox = await scene.own();
      const port = freshPort();
      const error = await refused(sandbox.fetch(port, "/"), "PORT_UNREACHABLE");
      expect(error.details).toEqual({ port, errno: "ECONNREFUSED" });
      await refused(sandbox.fetch(port, "https://localhost/"), "ARGUMENT_INVALID");
      await refused(sandbox.fetch(0, "/"), "ARGUMENT_INVALID");
      await refused(sandbox.fetch(port, "/", { maxHeaderBytes: 0 }), "ARGUMENT_INVALID");
      const silent = freshPort();
      const held = await serve(scene, sandbox, silent, ["hold"]);
      const waiting = sandbox.fetch(silent, "/").catch((cause: { code?: string }) => cause.code);
      await until(() => held.all.includes("holding"), "the server has the request");
      await sandbox.stop();
      expect(await within(10_000, "the request's end", waiting)).toBe("SANDBOX_STOPPED");
      await refused(sandbox.fetch(silent, "/"), "SANDBOX_STOPPED");
    },
  },
];
