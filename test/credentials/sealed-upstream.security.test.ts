import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { exchangeRaw, fetchOver, Scene } from "../egress/support.ts";
import { ask, http2Host, http2Session } from "../egress/support-http2.ts";
import { normalized, sealing, secret, storeWith } from "./support.ts";

const HOST = "api.test";
const rule = { name: "TOKEN", hosts: [HOST], places: { headers: ["authorization"], query: ["key"], basic: true } };

const echo = (request: IncomingMessage, response: ServerResponse): void => {
  response.setHeader("X-Echo", request.headers.authorization ?? "");
  response.setHeader("X-Coding", String(request.headers["accept-encoding"]));
  const text = JSON.stringify([request.url, request.headers.authorization, request.headers.range]);
  response.setHeader("Content-Length", String(Buffer.byteLength(text)));
  // In two pieces, and the cut is in the middle of the secret.
  response.write(text.slice(0, text.length / 2));
  setTimeout(() => response.end(text.slice(text.length / 2)), 10);
};

describe("requests to a bound host", () => {
  test("carry the secret, and what the host says back does not", async () => {
    await using scene = new Scene();
    const real = secret();
    let got: string | undefined;
    const port = await scene.server((request, response) => {
      got = request.headers.authorization;
      echo(request, response);
    }, HOST);
    const store = await storeWith({ TOKEN: () => real }, rule);
    const { TOKEN = "" } = store.variables;
    const headers = { host: HOST, authorization: `Bearer ${TOKEN}`, range: "bytes=0-5", "accept-encoding": "gzip" };
    const send = async () => fetchOver(await scene.connectTls(HOST, port), { path: "/?key=x", headers });

    // Without anybody in between, what the host says comes through as it is.
    const bare = await fetchOver(await scene.connectTls(HOST, port), { headers: { ...headers, authorization: real } });
    expect(bare.body).toContain(real);

    const { uses } = sealing(scene, store);
    const answer = await send();
    expect(got).toBe(`Bearer ${real}`);
    expect(JSON.parse(answer.body)).toEqual(["/?key=x", expect.stringMatching(/^Bearer ghp_/), null]);
    expect(JSON.stringify(answer)).not.toContain(real.slice(6));
    expect(answer.headers["x-echo"]).toBe(`Bearer ${TOKEN}`);
    expect(answer.headers["x-coding"]).toBe("identity");
    expect(uses).toEqual([
      {
        object: "TOKEN (https://api.test:443/)",
        verdict: "allow",
        ruleId: "credentials:TOKEN",
        reason: expect.any(String),
      },
    ]);
  });

  test("carry it in the query and in Basic, and hooks see neither", async () => {
    await using scene = new Scene();
    const real = secret();
    const got: string[] = [];
    const port = await scene.server((request, response) => {
      got.push(`${request.url} ${request.headers.authorization ?? ""}`);
      response.end("ok");
    }, HOST);
    const store = await storeWith({ TOKEN: () => real }, rule);
    sealing(scene, store);
    const { TOKEN = "" } = store.variables;
    const basic = (password: string) => `Basic ${Buffer.from(`me:${password}`).toString("base64")}`;
    const headers = { host: HOST, authorization: basic(TOKEN) };
    await fetchOver(await scene.connectTls(HOST, port), { path: `/a?key=${TOKEN}`, headers });
    expect(got).toEqual([`/a?key=${real} ${basic(real)}`]);
    expect(JSON.stringify(scene.questions)).not.toContain(real);
    expect(JSON.stringify(scene.questions)).toContain(TOKEN);
  });

  test("are refused where the answer comes in a coding all the same", async () => {
    await using scene = new Scene();
    const port = await scene.server((_, response) => {
      response.setHeader("Content-Encoding", "gzip");
      response.end("x");
    }, HOST);
    sealing(scene, await storeWith({ TOKEN: () => secret() }, rule));
    const { status, body } = await fetchOver(await scene.connectTls(HOST, port), { headers: { host: HOST } });
    expect([status, JSON.parse(body).reason]).toEqual([502, expect.stringMatching(/coding that nobody asked for/)]);
  });

  test("carry nothing over http, unless the credential says so", async () => {
    await using scene = new Scene();
    const got: (string | undefined)[] = [];
    const port = await scene.server((request, response) => {
      got.push(request.headers.authorization);
      response.end("ok");
    });
    const real = secret();
    for (const plaintext of [false, true]) {
      const store = await storeWith({ TOKEN: () => real }, { ...rule, ports: [80], plaintext });
      sealing(scene, store);
      const headers = { host: HOST, authorization: `Bearer ${store.variables.TOKEN}` };
      const { status, body } = await fetchOver(scene.connect(HOST, 80, port), { headers });
      expect(status).toBe(plaintext ? 200 : 403);
      if (!plaintext) expect(JSON.parse(body).reason).toMatch(/it is not sent without TLS/);
    }
    expect(got).toEqual([`Bearer ${real}`]);
  });

  test("use the value of the moment: a new one at once, and one that is kept until a 401", async () => {
    await using scene = new Scene();
    let valid = "first-value";
    const got: (string | undefined)[] = [];
    const port = await scene.server((request, response) => {
      got.push(request.headers.authorization);
      response.statusCode = request.headers.authorization === `Bearer ${valid}` ? 200 : 401;
      response.end();
    }, HOST);
    const live = await storeWith({ TOKEN: () => valid }, rule);
    const kept = await storeWith({ TOKEN: () => ({ value: valid }) }, rule);
    const send = async (store: typeof live) => {
      sealing(scene, store);
      const headers = { host: HOST, authorization: `Bearer ${store.variables.TOKEN}` };
      return (await fetchOver(await scene.connectTls(HOST, port), { headers })).status;
    };
    expect([await send(live), await send(kept)]).toEqual([200, 200]);
    valid = "second-value";
    expect([await send(live), await send(kept), await send(kept)]).toEqual([200, 401, 200]);
  });

  test("go by the policy that is in force when the value is there", async () => {
    await using scene = new Scene();
    const port = await scene.server((_, response) => response.end("reached"), HOST);
    const readers: ((value: string) => void)[] = [];
    let isSlow = false;
    const source = () => (isSlow ? new Promise<string>((resolve) => readers.push(resolve)) : "a-real-value");
    const store = await storeWith({ TOKEN: source }, rule);
    const { uses } = sealing(scene, store);
    const elsewhere = await store.prepare(normalized({ ...rule, hosts: ["other.test"] }));
    isSlow = true;
    const headers = { host: HOST, authorization: `Bearer ${store.variables.TOKEN}` };
    const answer = fetchOver(await scene.connectTls(HOST, port), { headers });
    await expect.poll(() => readers.length).toBe(1);
    store.use(elsewhere);
    readers[0]?.("a-real-value");
    expect((await answer).status).toBe(403);
    expect(scene.dials).toBe(0);
    expect(uses.map(({ verdict }) => verdict)).toEqual(["deny"]);
  });

  test("that were replaced many times since are still hidden in the answer that they were for", async () => {
    await using scene = new Scene();
    let count = 0;
    let finish = (): void => undefined;
    const port = await scene.server((request, response) => {
      if (request.url !== "/slow") return void response.end();
      response.write("begun");
      finish = () => response.end(request.headers.authorization);
    }, HOST);
    const store = await storeWith({ TOKEN: () => `value-number-${++count}` }, rule);
    sealing(scene, store);
    const headers = { host: HOST, authorization: `Bearer ${store.variables.TOKEN}` };
    const slow = fetchOver(await scene.connectTls(HOST, port), { path: "/slow", headers });
    await expect.poll(() => count).toBe(2);
    for (let turn = 0; turn < 10; turn++) await fetchOver(await scene.connectTls(HOST, port), { headers });
    finish();
    const { body } = await slow;
    expect(body).toMatch(/^begunBearer /);
    expect(body).not.toContain("value-number-2");
  });

  test("fail closed where the source fails, and tell the program nothing of it", async () => {
    await using scene = new Scene();
    let works = true;
    const port = await scene.server((_, response) => response.end("reached"), HOST);
    const store = await storeWith(
      {
        TOKEN: () => {
          if (works) return "a-real-value";
          throw new Error("vault says no");
        },
      },
      rule,
    );
    works = false;
    const { problems } = sealing(scene, store);
    const headers = { host: HOST, authorization: `Bearer ${store.variables.TOKEN}` };
    const { status, body } = await fetchOver(await scene.connectTls(HOST, port), { headers });
    expect([status, JSON.parse(body).reason]).toEqual([403, "the credential TOKEN cannot be read on the host"]);
    expect(body).not.toContain("vault");
    expect(problems).toHaveLength(1);
  });

  test("go on where a body is looked through, and stop where a placeholder is cut in two in it", async () => {
    await using scene = new Scene();
    let complete = 0;
    const port = await scene.server((request, response) => {
      request.resume();
      request.once("end", () => {
        complete++;
        response.end("ok");
      });
    }, HOST);
    const store = await storeWith({ TOKEN: () => secret() }, rule);
    const { uses } = sealing(scene, store);
    const { TOKEN = "" } = store.variables;
    const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const head = `POST / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const send = async (...texts: string[]) => {
      const body = [...texts.map(chunk), "0\r\n\r\n"].join("");
      return exchangeRaw(await scene.connectTls(HOST, port), head + body);
    };
    expect(await send("some", "thing")).toMatch(/^HTTP\/1.1 200/);
    expect(await send(TOKEN.slice(0, 19))).toMatch(/^HTTP\/1.1 200/);
    expect(await send(`x${TOKEN.slice(0, 15)}`, `${TOKEN.slice(15)}y`)).toMatch(/^HTTP\/1.1 403[\s\S]*is in the body/);
    expect(complete).toBe(2);
    expect(uses.map(({ verdict }) => verdict)).toEqual(["deny"]);
  });
});

describe("over HTTP/2", () => {
  test("the secret is put in and taken out alike, trailers included", async () => {
    await using scene = new Scene();
    const real = secret();
    let got: unknown;
    const { port } = await http2Host(
      scene,
      (stream, headers) => {
        got = headers.authorization;
        stream.respond({ ":status": 200, "x-echo": headers.authorization }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "x-last": headers.authorization }));
        stream.end(`it was ${headers.authorization}`);
      },
      HOST,
    );
    const store = await storeWith({ TOKEN: () => real }, rule);
    sealing(scene, store);
    const session = await http2Session(scene, HOST, port);
    const { TOKEN } = store.variables;
    const answer = await ask(session, { ":path": "/", authorization: `Bearer ${TOKEN}` });
    expect(got).toBe(`Bearer ${real}`);
    expect(answer.body.toString()).toBe(`it was Bearer ${TOKEN}`);
    expect(answer.headers["x-echo"]).toBe(`Bearer ${TOKEN}`);
    expect(JSON.stringify(answer)).not.toContain(real);
    const misplaced = await ask(session, { ":path": "/", "x-other": TOKEN });
    expect(misplaced.status).toBe(403);
  });
});

describe("a WebSocket", () => {
  test("is opened with the secret, without extensions, and what comes on it is scrubbed", async () => {
    await using scene = new Scene();
    const real = secret();
    let got: unknown;
    const http = createServer();
    http.on("upgrade", (request, socket) => {
      got = [request.headers.authorization, request.headers["sec-websocket-extensions"]];
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      socket.end(`${real} and the rest`);
    });
    const port = await scene.listen(http);
    const store = await storeWith({ TOKEN: () => real }, { ...rule, ports: [80], plaintext: true });
    sealing(scene, store);
    const { TOKEN } = store.variables;
    const lines = [
      "GET /?a HTTP/1.1",
      `Host: ${HOST}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      "Sec-WebSocket-Extensions: permessage-deflate",
      `Authorization: Bearer ${TOKEN}`,
    ];
    const said = await exchangeRaw(scene.connect(HOST, 80, port), `${lines.join("\r\n")}\r\n\r\n`, "the rest");
    expect(got).toEqual([`Bearer ${real}`, undefined]);
    expect(said).toContain(`\r\n\r\n${TOKEN} and the rest`);
    const lost = await exchangeRaw(
      scene.connect("other.test", 80, port),
      `${lines.join("\r\n").replace(HOST, "other.test")}\r\n\r\n`,
    );
    expect(lost).toMatch(/^HTTP\/1.1 403[\s\S]*it is for api.test only/);
  });
});
