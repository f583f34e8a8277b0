import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { readExceptions } from "../../src/egress/proxy/exceptions.ts";
import { type ProxyOptions, readProxySettings } from "../../src/egress/proxy/settings.ts";
import { openTunnel } from "../../src/egress/proxy/tunnel.ts";
import { type ReachTarget, reach } from "../../src/egress/reach.ts";
import { upstreamTrust } from "../../src/egress/tls/upstream-tls.ts";
import { SandboxError } from "../../src/errors.ts";
import { WORLD } from "./support.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const TRUST = upstreamTrust([WORLD.certificate]);
const options = () => ({ timeoutMs: 5000, signal: new AbortController().signal });

async function listen(server: Server): Promise<number> {
  server.on("connection", (socket: Socket) => {
    socket.on("error", () => undefined);
    closing.push(() => socket.destroy());
  });
  closing.push(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A proxy that takes every host for the server on `upstream`; `asked` has what it was asked for. */
async function proxy(upstream: number, asked: string[], answer?: string): Promise<number> {
  const server = createHttpServer();
  server.on("connect", (request, socket: Duplex) => {
    asked.push(`${request.url} ${request.headers["proxy-authorization"] ?? "-"}`);
    if (answer !== undefined) return void socket.end(answer);
    const there = connect({ host: "127.0.0.1", port: upstream });
    there.on("error", () => socket.destroy());
    socket.on("error", () => there.destroy());
    socket.write("HTTP/1.1 200 Connection established\r\nX-Any: thing\r\n\r\n");
    socket.pipe(there).pipe(socket);
  });
  return listen(server);
}

const greeting = () => createServer((socket) => void socket.end("hello"));

async function readAll(stream: Duplex): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
}

describe("readProxySettings()", () => {
  test("takes the environment where the option names none, lower case first", () => {
    const settings = readProxySettings(undefined, {
      https_proxy: "http://lower.test:3128",
      HTTPS_PROXY: "http://upper.test",
      ALL_PROXY: "https://us%65r:p%40ss@all.test",
      NO_PROXY: "a.test, b.test",
    });
    expect(settings).toMatchObject({
      https: { host: "lower.test", port: 3128, secure: false },
      all: { host: "all.test", port: 443, secure: true, authorization: `Basic ${btoa("user:p@ss")}` },
      resolve: "host",
    });
    expect(settings?.http).toBeUndefined();
    expect(settings?.except({ host: "x.b.test", port: 1, addresses: [] })).toBe(true);
    expect(readProxySettings({ resolve: "proxy" }, { http_proxy: "bare.test:8080" })).toMatchObject({
      http: { host: "bare.test", port: 8080 },
      resolve: "proxy",
    });
  });

  test("the option replaces the environment, and false is none", () => {
    const variables = { HTTPS_PROXY: "http://env.test", NO_PROXY: "*" };
    const settings = readProxySettings("http://option.test", variables);
    expect(settings).toMatchObject({ all: { host: "option.test", port: 80 } });
    expect(settings?.except({ host: "a.test", port: 1, addresses: [] })).toBe(false);
    expect(readProxySettings(false, variables)).toBeUndefined();
    expect(readProxySettings(undefined, {})).toBeUndefined();
  });

  test("an HTTP_PROXY that a web server made of somebody's header is none", () => {
    expect(readProxySettings(undefined, { HTTP_PROXY: "http://evil.test", REQUEST_METHOD: "GET" })).toBeUndefined();
  });

  test.each<[ProxyOptions | string, string]>([
    ["socks5://user:hunter2@proxy.test", "socks5 are not supported"],
    ["http://user:hunter2@", "no URL"],
    ["http://user:hunter2%zz@proxy.test", "percent-encoded"],
    [{ https: "http://user:hunter2@[", resolve: "host" }, "no URL"],
    [{ resolve: "nobody" as never }, "proxy.resolve"],
    [{ socks: "x" } as never, "proxy.socks"],
    [{ except: "a.test" as never }, "proxy.except"],
  ])("refuses %j, without the login in the error", (option, words) => {
    const refused = () => readProxySettings(option, {});
    expect(refused).toThrow(words);
    try {
      refused();
    } catch (error) {
      expect(SandboxError.is(error, "ARGUMENT_INVALID")).toBe(true);
      expect(JSON.stringify([String(error), error])).not.toContain("hunter2");
    }
  });
});

describe("readExceptions()", () => {
  test.each([
    ["a.test", "a.test", 443, [], true],
    ["a.test", "x.a.test", 443, [], true],
    ["a.test", "nota.test", 443, [], false],
    [".a.test", "a.test", 443, [], true],
    ["*.a.test", "x.a.test", 443, [], true],
    ["A.Test.", "a.test", 443, [], true],
    ["a.test:8080", "a.test", 443, [], false],
    ["a.test:8080", "a.test", 8080, [], true],
    ["*", "any.test", 1, [], true],
    ["10.0.0.0/8", "10.1.2.3", 443, [], true],
    ["10.0.0.0/8", "db.test", 443, ["10.1.2.3", "10.1.2.4"], true],
    ["10.0.0.0/8", "db.test", 443, ["10.1.2.3", "8.8.8.8"], false],
    ["10.0.0.0/8", "db.test", 443, [], false],
    ["2001:db8::/32", "2001:db8::1", 443, [], true],
    ["[2001:db8::1]:8443", "2001:db8::1", 8443, [], true],
    ["2001:db8::1", "2001:db8::1", 8443, [], true],
    ["192.0.2.1:80", "192.0.2.1", 443, [], false],
    ["", "a.test", 443, [], false],
    ["", "local.test", 443, ["127.0.0.1"], true],
  ])("%s and %s:%d %j: %s", (entry, host, port, addresses, expected) => {
    expect(readExceptions([entry])({ host, port, addresses })).toBe(expected);
  });
});

describe("openTunnel()", () => {
  test("asks with a login, and gives what the host says first", async () => {
    const asked: string[] = [];
    const port = await proxy(await listen(greeting()), asked);
    const way = { secure: false, host: "127.0.0.1", port, authorization: "Basic eDp5" };
    const stream = await openTunnel(way, { host: "2001:db8::1", port: 5432 }, TRUST, options());
    expect(await readAll(stream)).toBe("hello");
    expect(asked).toEqual(["[2001:db8::1]:5432 Basic eDp5"]);
  });

  test("speaks TLS to a proxy that wants it, and only to the one that it is", async () => {
    const inner = await proxy(await listen(greeting()), []);
    const tls = createTlsServer({ SNICallback: (name, done) => done(null, WORLD.contextFor(name)) }, (socket) => {
      const there = connect(inner, "127.0.0.1");
      there.on("error", () => socket.destroy());
      socket.on("error", () => there.destroy());
      socket.pipe(there).pipe(socket);
    });
    const way = { secure: true, host: "localhost", port: await listen(tls) };
    expect(await readAll(await openTunnel(way, { host: "a.test", port: 1 }, TRUST, options()))).toBe("hello");
    const strict = openTunnel(way, { host: "a.test", port: 1 }, upstreamTrust([]), options());
    await expect(strict).rejects.toMatchObject({ code: "EPROXY_FAILED" });
  });

  test.each([
    ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "EPROXY_LOGIN"],
    ["HTTP/1.1 403 Forbidden\r\n\r\n", "EPROXY_REFUSED"],
    ["HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n", "EPROXY_REFUSED"],
    ["HTTP/1.1 502 Bad Gateway\r\n\r\n", "EHOSTUNREACH"],
    ["SSH-2.0-OpenSSH\r\n\r\n", "EPROXY_FAILED"],
    ["HTTP/1.1 2000 OK\r\n\r\n", "EPROXY_FAILED"],
    ["HTTP/1.1 200 OK\r\n", "EPROXY_FAILED"],
    [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, "EPROXY_FAILED"],
  ])("%j is %s", async (answer, code) => {
    const port = await listen(createServer((socket) => void socket.once("data", () => socket.end(answer))));
    const way = { secure: false, host: "127.0.0.1", port, authorization: "Basic hunter2" };
    const failing = openTunnel(way, { host: "a.test", port: 443 }, TRUST, options());
    await expect(failing).rejects.toMatchObject({ code, message: expect.not.stringMatching(/hunter2|127\.0\.0\.1/) });
  });

  test("gives up when nobody waits any more, or the proxy says nothing", async () => {
    const port = await listen(createServer(() => undefined));
    const way = { secure: false, host: "127.0.0.1", port };
    const abort = new AbortController();
    const waiting = openTunnel(way, { host: "a.test", port: 1 }, TRUST, { timeoutMs: 5000, signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await expect(waiting).rejects.toMatchObject({ code: "ABORT_ERR" });
    const silent = openTunnel(way, { host: "a.test", port: 1 }, TRUST, { ...options(), timeoutMs: 100 });
    await expect(silent).rejects.toMatchObject({ code: "EPROXY_FAILED" });
  });
});

describe("reach() through a proxy", () => {
  const TARGET: ReachTarget = { host: "a.test", port: 443, speaks: "https", listed: [], refuses: () => undefined };

  async function through(
    target: Partial<ReachTarget>,
    found: readonly string[] | Error,
    more: Omit<ProxyOptions, "https"> = {},
  ): Promise<string | string[]> {
    const asked: string[] = [];
    const port = await proxy(await listen(greeting()), asked);
    const resolver = () => (found instanceof Error ? Promise.reject(found) : found);
    const proxies = readProxySettings({ https: `http://127.0.0.1:${port}`, ...more }, {});
    try {
      const { stream } = await reach({ ...TARGET, ...target }, { resolver, proxies, trust: () => TRUST }, options());
      expect(await readAll(stream)).toBe("hello");
      return asked.map((each) => each.split(" ")[0] ?? "");
    } catch (error) {
      expect(asked).toEqual([]);
      return (error as { reason?: string; code?: string }).reason ?? String((error as { code?: string }).code);
    }
  }

  test("names the address that was checked, so that no other is dialed", async () => {
    expect(await through({}, ["1.1.1.1", "1.0.0.1"])).toEqual(["1.1.1.1:443"]);
    expect(await through({}, ["10.0.0.1", "1.0.0.1"])).toEqual(["1.0.0.1:443"]);
    expect(await through({}, ["169.254.169.254"])).toContain("169.254.169.254 (linkLocal)");
    expect(await through({ listed: ["10.0.0.0/8"] }, ["10.0.0.1"])).toEqual(["10.0.0.1:443"]);
    expect(await through({}, Object.assign(new Error("x"), { code: "ENOTFOUND" }))).toBe("ENOTFOUND");
    expect(await through({ refuses: () => "rule no denies it" }, ["1.1.1.1"])).toBe("rule no denies it");
  });

  test("names the host where the owner leaves resolving to the proxy, unless it is seen here to be private", async () => {
    const resolve = { resolve: "proxy" } as const;
    expect(await through({}, ["1.1.1.1"], resolve)).toEqual(["a.test:443"]);
    expect(await through({ host: "api.example.com" }, new Error("no such name"), resolve)).toEqual([
      "api.example.com:443",
    ]);
    expect(await through({}, ["1.1.1.1", "10.0.0.1"], resolve)).toContain("10.0.0.1 (private)");
    expect(await through({ refuses: () => "rule no denies it" }, ["1.1.1.1"], resolve)).toBe("rule no denies it");
    for (const host of [
      "metadata.google.internal",
      "printer.local",
      "intranet",
      "router.home.arpa",
      "127.1",
      "0x7f.1",
    ]) {
      expect([host, await through({ host }, [], resolve)]).toEqual([host, expect.stringContaining("private networks")]);
    }
    expect(await through({ host: "10.0.0.1" }, [], resolve)).toContain("10.0.0.1 (private)");
    expect(await through({ host: "1.1.1.1" }, [], resolve)).toEqual(["1.1.1.1:443"]);
  });

  test("goes to this machine itself without one", async () => {
    const port = await listen(greeting());
    const proxies = readProxySettings("http://127.0.0.1:1", {});
    const listed = ["127.0.0.1"];
    const setting = { resolver: () => listed, proxies, trust: () => TRUST };
    const { stream: here } = await reach({ ...TARGET, port, listed }, setting, options());
    expect(await readAll(here)).toBe("hello");
  });
});
