import { describe, expect, test } from "vitest";
import { connectionTable, evaluateRequest, type NetworkSection, requestNeeds } from "../../src/policy/mod.ts";
import { normalized } from "../policy/helpers.ts";
import { exchangeRaw, fetchOver, Scene } from "./support.ts";

const host = "api.test";
const READ = { id: "read", host, ports: [80], http: { rules: [{ graphql: { operations: ["query"] } }] } } as const;
const json = { Host: host, "Content-Type": "application/json" };

/** A scene whose requests are judged by rules, and what its host gets. */
async function judged(scene: Scene, network: NetworkSection = { allow: [READ] }) {
  const table = connectionTable(normalized({ network }), { workspace: "/workspace", home: "/home" });
  const attempt = { host, port: 80, binary: "" };
  scene.decide = ({ facts }) => {
    const { verdict } = evaluateRequest(table, attempt, facts);
    return { allowed: verdict === "allow", reason: verdict };
  };
  scene.looks = { needs: (facts) => requestNeeds(table, attempt, facts).content };
  const got: { head: string; body: string; trailers?: unknown }[] = [];
  const port = await scene.server((request, response) => {
    let body = "";
    request.setEncoding("latin1").on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      const { "content-length": length, "transfer-encoding": coding } = request.headers;
      got.push({ head: `${request.method} ${request.url} ${length ?? coding}`, body, trailers: request.trailers });
      response.end("reached");
    });
  });
  return { got, connect: () => scene.connect(host, 80, port) };
}

const post = (
  scene: { connect(): ReturnType<Scene["connect"]> },
  body: string,
  headers: Record<string, string> = {},
) => {
  return fetchOver(scene.connect(), { method: "POST", headers: { ...json, ...headers }, body });
};

describe("a request whose content rules are about", () => {
  test("is read before anything is forwarded, and sent as it was read", async () => {
    await using scene = new Scene();
    const it = await judged(scene);
    const body = '{"query":"{ viewer }"}';
    expect((await post(it, body, { "Transfer-Encoding": "chunked" })).status).toBe(200);
    expect((await post(it, body, { "Content-Length": String(body.length) })).status).toBe(200);
    expect(it.got).toMatchObject([1, 2].map(() => ({ head: `POST / ${body.length}`, body })));
    expect(scene.questions.map(({ facts }) => facts.content?.graphql)).toMatchObject([
      [{ field: "viewer" }],
      [{ field: "viewer" }],
    ]);
  });

  test("never reaches the host where it is denied, not even its beginning", async () => {
    await using scene = new Scene();
    const it = await judged(scene);
    for (const chunks of [['{"query":"mut', 'ation { x }"}'], ['{"query":"{a}"', ',"query":"mutation{x}"}'], ["{"]]) {
      const head =
        "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
      const stream = it.connect();
      stream.write(head);
      for (const chunk of chunks) stream.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
      expect(await exchangeRaw(stream, "0\r\n\r\n", "deny")).toMatch(/^HTTP\/1\.1 403/);
    }
    expect([it.got, scene.dials]).toEqual([[], 0]);
  });

  test("is denied where it is longer than anybody should hold, by its length or by its bytes", async () => {
    await using scene = new Scene();
    const it = await judged(scene);
    const query = `{"query":"{ viewer }","variables":"${"x".repeat(1_100_000)}"}`;
    for (const headers of [{ "Content-Length": String(query.length) }, { "Transfer-Encoding": "chunked" }]) {
      expect((await post(it, query, headers)).status).toBe(403);
    }
    expect(scene.questions.map(({ facts }) => facts.content?.graphql)).toMatchObject([
      { problem: expect.stringContaining("1048576 bytes") },
      { problem: expect.stringContaining("1048576 bytes") },
    ]);
    expect([it.got, scene.dials]).toEqual([[], 0]);
  });

  test("goes through, however long, where a rule that only audits lets it pass", async () => {
    await using scene = new Scene();
    const it = await judged(scene, { allow: [{ ...READ, enforcement: "audit" }] });
    const body = `{"query":"mutation { x }","variables":"${"x".repeat(1_500_000)}"}`;
    for (const headers of [{ "Content-Length": String(body.length) }, { "Transfer-Encoding": "chunked" }]) {
      expect((await post(it, body, headers)).status).toBe(200);
    }
    expect(it.got.map(({ head, body: got }) => [head, got === body])).toEqual([
      [`POST / ${body.length}`, true],
      ["POST / chunked", true],
    ]);
  });

  test("is sent without trailers, which nobody has read", async () => {
    await using scene = new Scene();
    const it = await judged(scene);
    const head =
      "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Type: application/json\r\nTrailer: X-Late\r\nTransfer-Encoding: chunked\r\n\r\n";
    const body = '{"query":"{a}"}';
    const text = `${head}${body.length.toString(16)}\r\n${body}\r\n0\r\nX-Late: secret\r\n\r\n`;
    expect(await exchangeRaw(it.connect(), text, "reached")).toContain("200 OK");
    expect(it.got).toEqual([{ head: `POST / ${body.length}`, body, trailers: {} }]);
  });

  test("is told to go on, so that it can be read, and is judged on a connection that goes on", async () => {
    await using scene = new Scene();
    const it = await judged(scene);
    const stream = it.connect();
    const head = (length: number) =>
      `POST / HTTP/1.1\r\nHost: api.test\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;
    expect(await exchangeRaw(stream, head(20), "Continue\r\n\r\n")).toContain("100 Continue");
    expect(await exchangeRaw(stream, '{"query":"mutation{"', "deny")).toContain("403");
    expect(await exchangeRaw(stream, head(13), "Continue\r\n\r\n")).toContain("100 Continue");
    expect(await exchangeRaw(stream, '{"query":"{}"', "deny")).toContain("403");
    expect(await exchangeRaw(stream, head(15), "Continue\r\n\r\n")).toContain("100 Continue");
    expect(await exchangeRaw(stream, '{"query":"{a}"}', "reached")).toContain("200 OK");
    expect(it.got).toHaveLength(1);
  });

  test("does not keep its room when the program breaks off", async () => {
    await using scene = new Scene();
    const it = await judged(scene);
    for (let round = 0; round < 40; round++) {
      const stream = it.connect();
      const head =
        "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n";
      stream.write(head + "x".repeat(900_000));
      await new Promise((resolve) => setTimeout(resolve, 5));
      stream.destroy();
    }
    // Forty times 0.9 MB are more than the sandbox may hold.
    expect((await post(it, '{"query":"{a}"}')).status).toBe(200);
  });

  test("finds no room where too many wait to be judged, and is denied", async () => {
    await using scene = new Scene();
    const it = await judged(scene);
    const head =
      "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n";
    const answers = Array.from({ length: 24 }, () => {
      const stream = it.connect();
      return exchangeRaw(stream, head + "x".repeat(999_999), "deny");
    });
    expect(await Promise.race(answers)).toContain("403");
    expect(scene.questions[0]?.facts.content?.graphql).toMatchObject({ problem: expect.stringContaining("wait") });
    expect(scene.dials).toBe(0);
  });
});
