import { describe, expect, test } from "vitest";
import { packageGuard } from "../../plugins/mod.ts";
import { onRequest, onResponse } from "./support.ts";

const DAY_MS = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
const npm = "https://npm.test";
const hosts = { npm: ["npm.test"], pypi: ["pypi.test"], pypiFiles: ["files.test"] };
const guard = (options: object = {}) => packageGuard({ ...hosts, ...options });
const json = (body: object) => Response.json(body, { headers: { etag: '"x"' } });

const packument = {
  name: "left",
  "dist-tags": { latest: "2.0.0", old: "1.0.0" },
  versions: Object.fromEntries(
    ["1.0.0", "1.1.0", "2.0.0", "3.0.0-rc.1"].map((version) => {
      return [version, { name: "left", version, dist: { tarball: `${npm}/left/-/left-${version}.tgz` } }];
    }),
  ),
  time: { created: ago(90), "1.0.0": ago(90), "1.1.0": ago(30), "2.0.0": ago(1), "3.0.0-rc.1": ago(20) },
};

describe("npm", () => {
  test("young versions are not there, and the newest of the others is the latest", async () => {
    const plugin = guard();
    const short = "application/vnd.npm.install-v1+json";
    const headers = { accept: short, "if-none-match": '"x"', authorization: "Bearer x" };
    const asked = new Request(`${npm}/left`, { headers });
    const request = (await onRequest(plugin, asked)) as Request;
    const sent = Object.keys(headers).map((name) => request.headers.get(name));
    expect(sent).toEqual(["application/json", null, "Bearer x"]);
    const response = (await onResponse(plugin, asked, json(packument))) as Response;
    const answer = (await response.json()) as typeof packument;
    expect(Object.keys(answer.versions)).toEqual(["1.0.0", "1.1.0", "3.0.0-rc.1"]);
    expect(answer["dist-tags"]).toEqual({ old: "1.0.0", latest: "1.1.0" });
    expect(response.headers.get("etag")).toBeNull();
    const file = (version: string) => new Request(`${npm}/left/-/left-${version}.tgz`);
    expect(await onResponse(plugin, file("1.1.0"), new Response("x"))).toBeUndefined();
    expect(await onResponse(plugin, file("2.0.0"), new Response("x"))).toMatchObject({ verdict: "deny" });
  });

  test.each<[string, Record<string, string>, boolean]>([
    ["old", { "last-modified": new Date(Date.now() - 30 * DAY_MS).toUTCString() }, true],
    ["young", { "last-modified": new Date(Date.now() - DAY_MS).toUTCString() }, false],
    ["of unknown age", {}, false],
    ["of no age", { "last-modified": "yesterday" }, false],
  ])("a file whose index nobody saw passes only where it is old: %s", async (_, headers, passes) => {
    const file = new Request(`${npm}/@scope/x/-/x-1.0.0.tgz`);
    const verdict = await onResponse(guard(), file, new Response("x", { headers }));
    if (passes) expect(verdict).toBeUndefined();
    else expect(verdict).toMatchObject({ verdict: "deny", reason: expect.stringContaining("x-1.0.0.tgz is of") });
  });

  test("an index without times, and a version by itself, cannot be judged", async () => {
    const { time: _, ...short } = packument;
    for (const path of ["/left", "/left/2.0.0", "/@scope%2fx"]) {
      expect(await onResponse(guard(), new Request(npm + path), json(short))).toMatchObject({ verdict: "deny" });
    }
    const page = new Response("<html>");
    expect(await onResponse(guard(), new Request(`${npm}/left`), page)).toMatchObject({ verdict: "deny" });
  });

  test("what could be a file under another name is judged as one, or denied", async () => {
    const young = { headers: { "last-modified": new Date().toUTCString() } };
    // As some registries have files of scopes.
    const file = new Request(`${npm}/@scope/x/-/@scope/x-1.0.0.tgz`);
    expect(await onResponse(guard(), file, new Response("x", young))).toMatchObject({ verdict: "deny" });
    for (const path of ["/x/-/../-/x-1.0.0.tgz;v", "/x/-/y/x-1.0.0.tgz", "/x/-/x-1.0.0.zip", "/x/-/npm/v1/x.tgz"]) {
      const verdict = await onRequest(guard(), new Request(npm + path));
      expect([path, verdict]).toMatchObject([path, { verdict: "deny", reason: expect.stringContaining("judged") }]);
    }
    for (const path of [
      "/-/npm/v1/keys",
      "/-/npm/v1/attestations/x@1.0.0",
      "/api/npm/-/ping",
      "/-/package/x/dist-tags",
    ])
      expect([path, await onRequest(guard(), new Request(npm + path))]).toEqual([path, undefined]);
    const slashes = new Request(`${npm}/right//`);
    expect(await onRequest(guard({ allow: ["left"] }), slashes)).toMatchObject({ verdict: "deny" });
  });

  test("what is sent elsewhere is old, or goes where somebody looks", async () => {
    const plugin = guard();
    await onResponse(plugin, new Request(`${npm}/left`), json(packument));
    const sent = (path: string, to: string) =>
      onResponse(plugin, new Request(npm + path), new Response(null, { status: 302, headers: { location: to } }));
    expect(await sent("/left/-/left-1.1.0.tgz", "https://cdn.test/a")).toBeUndefined();
    expect(await sent("/left/-/left-2.0.0.tgz", "https://cdn.test/a")).toMatchObject({ verdict: "deny" });
    expect(await sent("/other/-/other-1.0.0.tgz", "https://cdn.test/a")).toMatchObject({ verdict: "deny" });
    expect(await sent("/other", "https://cdn.test/a")).toMatchObject({ reason: expect.stringContaining("cdn.test") });
    expect(await sent("/other", "/moved")).toBeUndefined();
  });

  test("a registry at another port is named with it", async () => {
    const connect = guard({ npm: ["npm.test", "own.test:4873"] }).hooks?.network?.connect;
    if (typeof connect !== "object") throw new Error("there is no hook");
    const at = (host: string, port: number) =>
      connect.handler(
        { host, port, pid: 7, binary: "/usr/bin/node", ancestors: [], verdict: "allow" },
        { sandbox: "x", plugin: "package-guard", hook: "network.connect", signal: new AbortController().signal },
      );
    expect(connect.hosts).toContain("own.test");
    expect([at("own.test", 4873), at("npm.test", 443)]).toEqual([undefined, undefined]);
    expect(at("npm.test", 3128)).toMatchObject({ verdict: "deny", reason: expect.stringContaining("npm.test:3128") });
  });

  test("only what is on the list, by its name or that of its scope; your own may be young", async () => {
    const plugin = guard({ allow: ["left", "@corp/*"], anyAge: ["@corp/*"] });
    const passes = async (path: string) => {
      const answer = await onRequest(plugin, new Request(npm + path));
      return answer instanceof Request || answer === undefined;
    };
    for (const path of ["/left", "/api/npm/left", "/@corp%2ftools", "/-/v1/search"])
      expect([path, await passes(path)]).toEqual([path, true]);
    for (const path of [
      "/right",
      "/right/-/right-1.0.0.tgz",
      "/@other/left",
      "/api/npm/right",
      "/@x/right/-/right-1.tgz",
    ]) {
      expect([path, await passes(path)]).toEqual([path, false]);
    }
    const own = new Request(`${npm}/@corp/tools/-/tools-1.0.0.tgz`);
    expect(await onResponse(plugin, own, new Response("x"))).toBeUndefined();
  });
});

describe("PyPI", () => {
  const index = {
    name: "left-pad",
    versions: ["1.0", "2.0"],
    files: [
      { filename: "left_pad-1.0-py3-none-any.whl", "upload-time": ago(30) },
      { filename: "left_pad-2.0.tar.gz", "upload-time": ago(1) },
      { filename: "left_pad-0.9.tar.gz" },
    ],
  };

  test("young files and those without a time are not there, whatever the name's spelling", async () => {
    const plugin = guard({ allow: ["left-pad"] });
    const asked = new Request("https://pypi.test/simple/Left.Pad/");
    const request = (await onRequest(plugin, asked)) as Request;
    expect(request.headers.get("accept")).toBe("application/vnd.pypi.simple.v1+json");
    const answer = (await ((await onResponse(plugin, asked, json(index))) as Response).json()) as typeof index;
    expect(answer.files.map(({ filename }) => filename)).toEqual(["left_pad-1.0-py3-none-any.whl"]);
    expect(answer.versions).toBeUndefined();
    const file = (name: string) => new Request(`https://files.test/packages/ab/cd/${name}`);
    for (const name of ["left_pad-1.0-py3-none-any.whl", "left_pad-1.0-py3-none-any.whl.metadata"]) {
      expect(await onResponse(plugin, file(name), new Response("x"))).toBeUndefined();
    }
    const young = file("left_pad-2.0.tar.gz");
    expect(await onResponse(plugin, young, new Response("x"))).toMatchObject({ verdict: "deny" });
    expect(await onRequest(plugin, file("right-1.0.tar.gz"))).toMatchObject({ verdict: "deny" });
  });

  test("the name of a file is not shorter than it is, and a host of files has nothing else", async () => {
    const plugin = guard({ allow: ["left"] });
    const asked = (name: string) => onRequest(plugin, new Request(`https://files.test/packages/${name}`));
    for (const name of ["left-1.0.tar.gz", "left-1.0b1-py3-none-any.whl", "LEFT-1.0-beta.zip"])
      expect([name, await asked(name)]).toEqual([name, undefined]);
    for (const name of ["left-2fa-1.0.tar.gz", "left_2fa-1.0-py3-none-any.whl", "left.zip", "left", "x/"])
      expect([name, await asked(name)]).toMatchObject([name, { verdict: "deny" }]);
  });

  test("an index in HTML cannot be judged", async () => {
    const asked = new Request("https://pypi.test/simple/left/");
    expect(await onResponse(guard(), asked, new Response("<html>"))).toMatchObject({ verdict: "deny" });
  });
});

test("needs hosts", () => {
  expect(() => packageGuard({})).toThrow("Name the hosts");
});
