import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RequestTarget, readTarget } from "../../../src/policy/http/mod.ts";
import { judgeOf } from "./support.ts";

const sound = (raw: string): RequestTarget => {
  const target = readTarget(raw);
  if ("problem" in target) return expect.unreachable(`${raw}: ${target.problem}`);
  return target;
};

describe("readTarget()", () => {
  test.each<[string, string, string[]]>([
    ["/", "/", ["/"]],
    ["/a/b", "/a/b", ["/a/b"]],
    ["/a/b/", "/a/b/", ["/a/b/"]],
    ["/a/./b/../c", "/a/c", ["/a/c"]],
    ["/a/b/..", "/a/", ["/a/"]],
    ["/a/b/.", "/a/b/", ["/a/b/"]],
    ["/%61%2Db", "/a-b", ["/a-b"]],
    ["/a/%2e%2E/b", "/b", ["/b"]],
    ["/caf%c3%a9", "/caf%C3%A9", ["/café"]],
    ["/%ff", "/%FF", ["/%FF"]],
    ["/%40scope/x", "/%40scope/x", ["/@scope/x"]],
    ['/a"b<c>', "/a%22b%3Cc%3E", ['/a"b<c>']],
    ["/@types%2fnode", "/@types%2Fnode", ["/@types%2Fnode", "/@types/node"]],
    ["/pub/..%2fadmin", "/pub/..%2Fadmin", ["/pub/..%2Fadmin", "/admin"]],
    ["/pub%5c..%5cadmin", "/pub%5C..%5Cadmin", ["/pub%5C..%5Cadmin", "/admin"]],
    ["/a//b", "/a//b", ["/a//b", "/a/b"]],
    ["//evil.test/x", "//evil.test/x", ["//evil.test/x", "/evil.test/x"]],
    ["/a;v=1/b", "/a;v=1/b", ["/a;v=1/b", "/a/b"]],
    ["/pub/..;/admin", "/pub/..;/admin", ["/pub/..;/admin", "/admin"]],
    ["/a%20b", "/a%20b", ["/a b"]],
    ["*", "*", ["*"]],
  ])("reads %s", (raw, path, readings) => {
    const target = sound(raw);
    expect([target.path, target.query, target.readings.slice(0, 1)]).toEqual([path, "", readings.slice(0, 1)]);
    expect(target.readings).toEqual(expect.arrayContaining(readings));
    if (readings.length === 1) expect(target.readings).toHaveLength(1);
  });

  test("leaves the query as it is", () => {
    expect(sound("/a?b=%2e%2e/&c=?d")).toEqual({ path: "/a", query: "?b=%2e%2e/&c=?d", readings: ["/a"] });
  });

  test.each([
    "",
    "a",
    "http://a.test/",
    "/a#b",
    "/a?b#c",
    "/a b",
    "/ä",
    "/a\\b",
    "/%",
    "/%4",
    "/%zz",
    "/%00",
    "/a%0ab",
    "/%7f",
    "/..",
    "/a/../..",
    "/%2e%2e/a",
    "/a/..%2f..%2fb",
    "/%252e",
    "/%252F",
    "/%255c",
    "/%25252e",
    "/a?b c",
    `/${"a".repeat(9000)}`,
    `/${"a/".repeat(300)}`,
    `/${"a%2F".repeat(300)}`,
    "/%c0%ae%c0%ae/a",
    "/a%C0%AFb",
  ])("refuses %j", (raw) => {
    expect(readTarget(raw)).toEqual({ problem: expect.any(String) });
  });

  const piece = fc.constantFrom(
    "a",
    "pub",
    "admin",
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "%2f",
    "%5C",
    "%5c..",
    ";",
    "..;x=1",
    "",
    "%61dmin",
    "%70ub",
    "%25",
    "%3b",
    "a%2f..",
    "~",
    "%C3%A9",
  );
  const path = fc
    .array(
      fc.array(piece, { maxLength: 3 }).map((parts) => parts.join("")),
      { maxLength: 6 },
    )
    .map((segments) => `/${segments.join("/")}`);

  test("has one form only: reading what it sends again changes nothing", () => {
    fc.assert(
      fc.property(path, (raw) => {
        const target = readTarget(raw);
        if ("problem" in target) return;
        expect(readTarget(target.path + target.query)).toEqual(target);
      }),
      { numRuns: 2000 },
    );
  });

  test("lets nothing out of what is allowed, whichever way a server reads it", () => {
    const judge = judgeOf({ allow: [{ host: "a.test", http: { rules: [{ paths: ["/pub/**"] }] } }] });
    let allowed = 0;
    fc.assert(
      fc.property(
        path.map((rest) => `/pub${rest}`),
        (raw) => {
          const target = readTarget(raw);
          if ("problem" in target) return;
          if (judge({ method: "GET", target, websocket: false }).verdict !== "allow") return;
          allowed++;
          for (const server of SERVERS) {
            const read = server(target.path);
            expect([raw, read === "/pub" || read.startsWith("/pub/")]).toEqual([raw, true]);
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(allowed).toBeGreaterThan(50);
  });

  test("lets nothing past a denial, whichever way a server reads it", () => {
    const judge = judgeOf({
      allow: [{ host: "a.test" }],
      deny: [{ host: "a.test", http: { rules: [{ paths: ["/admin/**"] }] } }],
    });
    fc.assert(
      fc.property(path, (raw) => {
        const target = readTarget(raw);
        if ("problem" in target) return;
        if (judge({ method: "GET", target, websocket: false }).verdict !== "allow") return;
        for (const server of SERVERS) expect([raw, /^\/admin(?:\/|$)/.test(server(target.path))]).toEqual([raw, false]);
      }),
      { numRuns: 2000 },
    );
  });
});

/** How servers read paths: naive on purpose, and not like the code under test. */
const decode = (text: string): string =>
  Buffer.from(
    text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
    "latin1",
  ).toString("latin1");
const resolve = (text: string): string => {
  const kept: string[] = [];
  for (const part of text.split("/").slice(1)) {
    if (part === "..") kept.pop();
    else if (part !== ".") kept.push(part);
  }
  return `/${kept.join("/")}`;
};
const SERVERS: readonly ((path: string) => string)[] = [
  // Splits, then decodes.
  (path) => path.split("/").map(decode).join("/"),
  // Resolves, then decodes; decodes, then resolves.
  (path) => decode(resolve(path)),
  (path) => resolve(decode(path)),
  // As WHATWG URL does it.
  (path) =>
    new URL(`http://a.test${path}`.replace(/^http:\/\/a\.test\/\//, "http://a.test/.//")).pathname
      .split("/")
      .map(decode)
      .join("/"),
  // Merges slashes, before and after.
  (path) => resolve(decode(path).replace(/\/+/g, "/")),
  // Takes a backslash for a slash.
  (path) => resolve(decode(path).replaceAll("\\", "/").replace(/\/+/g, "/")),
  // Drops parameters (Tomcat).
  (path) => resolve(decode(path.replace(/;[^/]*/g, "")).replace(/\/+/g, "/")),
  (path) =>
    resolve(
      decode(path)
        .replaceAll("\\", "/")
        .replace(/;[^/]*/g, "")
        .replace(/\/+/g, "/"),
    ),
];
