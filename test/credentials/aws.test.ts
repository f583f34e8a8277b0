/**
 * Keys of AWS: the sandbox signs with placeholders, and what it has signed is signed anew.
 */
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { copyProblem, resign } from "../../src/credentials/aws/resign.ts";
import {
  authorizationHeader,
  type PathStyle,
  readAuthorization,
  type SignedParts,
  sha256,
  signatureOf,
} from "../../src/credentials/aws/sigv4.ts";
import type { UpstreamRequest } from "../../src/egress/http/exchange.ts";
import type { HeaderLines } from "../../src/egress/http/headers.ts";
import { fetchOver, Scene } from "../egress/support.ts";
import { sealing, secret, storeWith } from "./support.ts";

/** The keys of AWS's own examples, which are nobody's. */
const EXAMPLE = ["wJalrXUtnFEMI", "K7MDENG", "bPxRfiCYEXAMPLEKEY"];

const EMPTY = sha256("");

describe("signatureOf()", () => {
  const suite = (method: string, path: string, headers: HeaderLines = [], payload = EMPTY): SignedParts => {
    const all: HeaderLines = [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"], ...headers];
    return {
      method,
      path,
      headers: all,
      signed: [...new Set(all.map(([name]) => name.toLowerCase()))].sort(),
      payload,
    };
  };
  // Of the test suite that AWS has published.
  test.each<[string, SignedParts, PathStyle, string]>([
    ["get-vanilla", suite("GET", "/"), "clean", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
    ["post-vanilla", suite("POST", "/"), "clean", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
    [
      "get-vanilla-query-order-key-case",
      suite("GET", "/?Param2=value2&Param1=value1"),
      "clean",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ],
    [
      "get-slash-dot-slash, which is get-vanilla",
      suite("GET", "/./"),
      "clean",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ],
  ])("%s", (_, parts, style, signature) => {
    const scope = "20150830/us-east-1/service/aws4_request";
    const setting = { secret: `${EXAMPLE[0]}/${EXAMPLE[1]}+${EXAMPLE[2]}`, scope, date: "20150830T123600Z" };
    expect(signatureOf(parts, setting, style)).toBe(signature);
  });

  // Of the documentation of S3.
  test.each<[string, Omit<SignedParts, "signed">, PathStyle, string]>([
    [
      "GET of a range of an object",
      { method: "GET", path: "/test.txt", headers: [["Range", "bytes=0-9"]], payload: EMPTY },
      "sent",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ],
    [
      "PUT of an object whose name is encoded",
      {
        method: "PUT",
        path: "/test$file.text",
        headers: [
          ["Date", "Fri, 24 May 2013 00:00:00 GMT"],
          ["x-amz-storage-class", "REDUCED_REDUNDANCY"],
        ],
        payload: sha256("Welcome to Amazon S3."),
      },
      "encoded",
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ],
    [
      "GET of a parameter without a value",
      { method: "GET", path: "/?lifecycle", headers: [], payload: EMPTY },
      "sent",
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ],
    [
      "GET of a list",
      { method: "GET", path: "/?max-keys=2&prefix=J", headers: [], payload: EMPTY },
      "sent",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ],
  ])("%s", (_, { headers, ...rest }, style, signature) => {
    const all: HeaderLines = [
      ["Host", "examplebucket.s3.amazonaws.com"],
      ["x-amz-content-sha256", rest.payload],
      ["x-amz-date", "20130524T000000Z"],
      ...headers,
    ];
    const parts = { ...rest, headers: all, signed: all.map(([name]) => name.toLowerCase()).sort() };
    const scope = "20130524/us-east-1/s3/aws4_request";
    const setting = { secret: EXAMPLE.join("/"), scope, date: "20130524T000000Z" };
    expect(signatureOf(parts, setting, style)).toBe(signature);
  });
});

const HELD = { id: "AKIAHELDHELDHELDHELD", secret: secret("held") };
const REAL = { id: "AKIAREALREALREALREAL", secret: secret("real") };
const DATE = "20260102T030405Z";
const SCOPE = "20260102/eu-central-1/s3/aws4_request";

/** A request as a client makes it that has these keys. */
function signedBy(
  keys: typeof HELD,
  { method = "GET", path = "/", headers = [] as HeaderLines, body = "" },
  style: PathStyle = "sent",
): UpstreamRequest {
  const all: HeaderLines = [["Host", "b.s3.amazonaws.com"], ["X-Amz-Date", DATE], ...headers];
  const said = headers.find(([name]) => name.toLowerCase() === "x-amz-content-sha256")?.[1];
  const signed = [...new Set(all.map(([name]) => name.toLowerCase()))].sort();
  const parts = { method, path, headers: all, signed, payload: said ?? sha256(body) };
  const signature = signatureOf(parts, { secret: keys.secret, scope: SCOPE, date: DATE }, style);
  const line = authorizationHeader({ id: keys.id, scope: SCOPE, signed, signature });
  return {
    method,
    path,
    headers: [...all, ["Authorization", line]],
    body: body === "" ? undefined : Readable.from([Buffer.from(body)], { objectMode: false }),
    trailers: () => [],
    takesTrailers: false,
    expectsContinue: false,
    signal: AbortSignal.timeout(30_000),
    onContinue: () => undefined,
  };
}

/** What is not signed may be another host's. */
function unbound(): UpstreamRequest {
  const headers: HeaderLines = [
    ["Host", "b.s3.amazonaws.com"],
    ["X-Amz-Date", DATE],
  ];
  const parts = { method: "GET", path: "/", headers, signed: ["x-amz-date"], payload: EMPTY };
  const signature = signatureOf(parts, { secret: HELD.secret, scope: SCOPE, date: DATE }, "sent");
  const line = authorizationHeader({ id: HELD.id, scope: SCOPE, signed: parts.signed, signature });
  return { ...signedBy(HELD, {}), headers: [...headers, ["Authorization", line]] };
}

const again = async (request: UpstreamRequest, real: typeof REAL & { readonly session?: string } = REAL) => {
  const line = request.headers.find(([name]) => name === "Authorization")?.[1] ?? "";
  const authorization = readAuthorization(line);
  return authorization === undefined
    ? { problem: "no authorization" }
    : resign(request, authorization, { held: HELD, real });
};

const authorizationOf = (made: Awaited<ReturnType<typeof again>>) => {
  return "request" in made ? made.request.headers.find(([name]) => name === "Authorization")?.[1] : made.problem;
};

describe("resign()", () => {
  test.each<[string, Parameters<typeof signedBy>[1], PathStyle]>([
    ["an object", { path: "/a%20b/%C3%BC?x=1&a=%2F" }, "sent"],
    ["an object whose client encodes less than it signs", { path: "/a$b/(c)" }, "encoded"],
    ["a path of another service", { path: "/a%20b" }, "twice"],
    ["a path that is cleaned up", { path: "//a/./b/../c%3A/" }, "clean"],
    ["a body that is held to be hashed", { method: "POST", body: '{"a":1}' }, "sent"],
    [
      "a body whose hash is said",
      { method: "PUT", body: "x", headers: [["X-Amz-Content-Sha256", sha256("x")]] },
      "sent",
    ],
    [
      "one that is not signed",
      { method: "PUT", body: "x", headers: [["X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"]] },
      "sent",
    ],
    [
      "spaces and repeated headers",
      {
        headers: [
          ["X-Amz-Meta-A", "  b   c "],
          ["X-Amz-Meta-A", "d"],
        ],
      },
      "sent",
    ],
  ])("signs %s as the real keys would have", async (_, asked, style) => {
    const made = await again(signedBy(HELD, asked, style));
    const expected = signedBy(REAL, asked, style).headers.find(([name]) => name === "Authorization")?.[1];
    expect(authorizationOf(made)).toBe(expected);
    if (!("request" in made) || asked.body === undefined) return;
    let body = "";
    for await (const chunk of made.request.body ?? []) body += chunk;
    expect(body).toBe(asked.body);
  });

  test("puts in the real session, takes out one that is none any more, and signs either", async () => {
    const token: HeaderLines = [["X-Amz-Security-Token", "of-the-sandbox"]];
    const session = secret("session");
    for (const headers of [token, []]) {
      const made = await again(signedBy(HELD, { headers }), { ...REAL, session });
      const now: HeaderLines = [["X-Amz-Security-Token", session]];
      expect(authorizationOf(made)).toBe(signedBy(REAL, { headers: now }).headers.at(-1)?.[1]);
      expect(JSON.stringify(made)).not.toContain("of-the-sandbox");
    }
    const without = await again(signedBy(HELD, { headers: token }));
    expect(authorizationOf(without)).toBe(signedBy(REAL, {}).headers.at(-1)?.[1]);
  });

  test.each([
    ["another's signature", () => signedBy(REAL, {}), /not one of the sandbox's keys/],
    ["a request that was changed", () => ({ ...signedBy(HELD, {}), path: "/other" }), /over what is sent/],
    [
      "another body",
      () => ({ ...signedBy(HELD, { body: "a" }), body: Readable.from([Buffer.from("b")]) }),
      /over what is sent/,
    ],
    [
      "chunks that are signed",
      () => signedBy(HELD, { headers: [["X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]] }),
      /chunks/,
    ],
    ["a signature that is good for any host", () => unbound(), /does not name its host/],
    ["no date", () => signedBy(HELD, { headers: [["X-Amz-Date", DATE]] }), /x-amz-date/],
    [
      "a body too long to be held",
      () => ({ ...signedBy(HELD, {}), body: Readable.from(Array(18).fill(Buffer.alloc(1_048_576))) }),
      /longer than/,
    ],
  ])("refuses %s", async (_, request, problem) => {
    const made = await again(request());
    expect("problem" in made && made.problem).toMatch(problem);
  });
});

describe("copyProblem()", () => {
  const inPublic = (path: string) => (path.startsWith("/public/") ? undefined : "it is for the paths /public/** only");
  test.each([
    ["b.s3.eu-central-1.amazonaws.com", "/b/public/k", undefined],
    ["b.s3.eu-central-1.amazonaws.com", "b/private/k", /for the paths/],
    ["b.s3-accelerate.amazonaws.com", "/c/public/k", /for the bucket b only/],
    ["b.s3.amazonaws.com", "arn:aws:s3:eu-central-1:1:accesspoint/c/object/k", /for the bucket b only/],
    ["s3.eu-central-1.amazonaws.com", "public/k?versionId=1", undefined],
    ["s3.eu-central-1.amazonaws.com", "/private/k", /for the paths/],
  ])("to %s from %s", (host, source, problem) => {
    const found = copyProblem([["X-Amz-Copy-Source", source]], host, inPublic);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });
});

describe("keys of a policy", () => {
  const rule = { provider: "aws", hosts: ["s3.test"] } as const;
  const keysJson = (rest: object = {}) =>
    JSON.stringify({ Version: 1, AccessKeyId: REAL.id, SecretAccessKey: REAL.secret, ...rest }, null, 2);

  test("are three variables of placeholders, and neither a query nor another host gets anything for them", async () => {
    await using scene = new Scene();
    const got: string[] = [];
    const port = await scene.server((request, response) => {
      got.push(request.headers.authorization ?? "");
      // As AWS does where it tells what was wrong.
      response.end(`<Token>${request.headers["x-amz-security-token"]}</Token>`);
    }, "s3.test");
    const session = secret("session");
    const store = await storeWith({ aws: () => keysJson({ SessionToken: session }) }, rule);
    const { uses } = sealing(scene, store);
    const { AWS_ACCESS_KEY_ID: id = "", AWS_SECRET_ACCESS_KEY: held = "", AWS_SESSION_TOKEN: token } = store.variables;
    expect([id, held, token]).toEqual([
      expect.stringMatching(/^ASIA\w{24}$/),
      expect.stringMatching(/^\w{40}$/),
      expect.stringMatching(/^\w{200}$/),
    ]);
    const scope = SCOPE;
    const send = async (host: string, signed: boolean) => {
      const asked = signedBy({ id, secret: held }, {});
      const lines: HeaderLines = [
        ["host", host],
        ["x-amz-date", DATE],
      ];
      const parts = { method: "GET", path: "/k", headers: lines, signed: ["host", "x-amz-date"], payload: EMPTY };
      const signature = signatureOf(parts, { secret: held, scope, date: DATE }, "sent");
      const line = authorizationHeader({ id, scope, signed: parts.signed, signature });
      const authorization = signed ? line : (asked.headers.at(-1)?.[1] ?? "");
      const headers = { host, "x-amz-date": DATE, authorization };
      return fetchOver(await scene.connectTls(host, port), { path: "/k", headers });
    };
    const { status, body } = await send("s3.test", true);
    expect([status, body]).toEqual([200, expect.stringMatching(/^<Token>ASIA\w{24}\**<\/Token>$/)]);
    expect(readAuthorization(got[0] ?? "")).toMatchObject({
      id: REAL.id,
      signed: ["host", "x-amz-date", "x-amz-security-token"],
    });
    const refused = await send("s3.test", false);
    expect([refused.status, JSON.parse(refused.body).reason]).toEqual([403, expect.stringMatching(/cannot be signed/)]);
    const url = `/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${id}%2F${encodeURIComponent(scope)}`;
    const presigned = await fetchOver(await scene.connectTls("s3.test", port), {
      path: url,
      headers: { host: "s3.test" },
    });
    expect([presigned.status, JSON.parse(presigned.body).reason]).toEqual([403, expect.stringMatching(/in the URL/)]);
    expect(got).toHaveLength(1);
    expect(uses.map(({ verdict }) => verdict)).toEqual(["allow", "deny", "deny"]);
    const known = store.secrets()[0]?.values;
    expect(known).toEqual(expect.arrayContaining([REAL.secret, session, held]));
  });

  test("come as AWS's tools print them, or in the host's variables, and nothing else", async () => {
    await expect(storeWith({ aws: () => "AKIA:secret-text" }, rule)).rejects.toThrow(/no keys of AWS/);
    await expect(storeWith({ aws: () => keysJson({ Expiration: "2020-01-01T00:00:00Z" }) }, rule)).rejects.toThrow(
      /has expired/,
    );
    await expect(storeWith({}, rule)).rejects.toThrow(/no variable AWS_ACCESS_KEY_ID/);
    const optional = await storeWith({}, { ...rule, optional: true });
    expect(optional.variables).toEqual({});
  });
});
