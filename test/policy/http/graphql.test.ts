import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GraphqlRule } from "../../../src/policy/mod.ts";
import { allowing, asking, denying, judgeSent, type Sent } from "./support.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const verdict = async (section: Parameters<typeof judgeSent>[0], sent: Sent) =>
  (await judgeSent(section, sent)).verdict;
const sent = (query: string, rest: Readonly<Record<string, unknown>> = {}): Sent => ({ body: { query, ...rest } });
const get = (parameters: Record<string, string>): Sent => {
  return { method: "GET", target: `/?${new URLSearchParams(parameters)}` };
};

const READ: GraphqlRule = { operations: ["query"], fields: ["viewer", "repo*"] };

describe("a rule that allows GraphQL", () => {
  test.each<[string, Sent]>([
    ["a query", sent("{ viewer { login } }")],
    ["fields of its globs", sent("query Q { viewer repository(name: $x) { id } }")],
    ["an alias of a field", sent("{ deleteRepo: viewer { id } }")],
    ["fragments", sent("{ ...a } fragment a on Query { ...b viewer } fragment b on Query { repo }")],
    ["an inline fragment", sent("{ ... on Query { viewer } ... @include(if: $x) { repo } }")],
    ["the operation that is chosen", sent("query A { viewer } mutation B { deleteRepo }", { operationName: "A" })],
    ["variables and extensions", sent("{ viewer }", { variables: { a: 1 }, extensions: { tracing: {} } })],
    ["a batch", { body: [{ query: "{ viewer }" }, { query: "{ repo }" }] }],
    ["application/graphql", { type: "application/graphql", body: "{ viewer }" }],
    ["a charset", { type: "application/json; charset=UTF-8", body: '{"query":"{viewer}"}' }],
    ["a GET", get({ query: "{ viewer }", variables: "{}", api: "1" })],
    [
      "a document with its hash",
      sent("{viewer}", { extensions: { persistedQuery: { version: 1, sha256Hash: sha256("{viewer}") } } }),
    ],
    ["braces in strings", sent('{ viewer(a: "} mutation { x") }')],
  ])("takes %s", async (_, request) => {
    expect(await judgeSent(allowing({ graphql: READ }), request)).toEqual({
      verdict: "allow",
      ruleId: "it",
      read: true,
    });
  });

  test.each<[string, Sent]>([
    ["a mutation", sent("mutation { viewer }")],
    ["another field", sent("{ deleteRepo }")],
    ["another field under the alias of one that is allowed", sent("{ viewer: deleteRepo { id } }")],
    ["another field in a fragment", sent("{ viewer ...a } fragment a on Query { deleteRepo }")],
    [
      "another field in a fragment in an inline one",
      sent("{ ... on Query { ...a } } fragment a on Query { x: deleteRepo }"),
    ],
    ["introspection", sent("{ __schema { types { name } } }")],
    ["a batch that hides a mutation", { body: [{ query: "{ viewer }" }, { query: "mutation { deleteRepo }" }] }],
    ["a second operation when none is chosen", sent("query A { viewer } mutation B { deleteRepo }")],
    ["an empty operationName", sent("query A { viewer } mutation B { deleteRepo }", { operationName: "" })],
    ["the operation that is chosen", sent("query A { viewer } mutation B { deleteRepo }", { operationName: "B" })],
    ["an operation that is not there", sent("query A { viewer }", { operationName: "C" })],
    ["two operations of one name", sent("query A { viewer } mutation A { deleteRepo }", { operationName: "A" })],
    ["two fragments of one name", sent("{ ...a } fragment a on Q { viewer } fragment a on Q { deleteRepo }")],
    ["a fragment that is not there", sent("{ viewer ...a }")],
    ["fragments alone", sent("fragment a on Query { viewer }")],
    ["a definition of a type", sent("{ viewer } type T { a: Int }")],
    ["what is no GraphQL", sent("{ viewer")],
    ["names that come twice", { body: '{"query":"{viewer}","query":"mutation{deleteRepo}"}' }],
    ["names that differ in case", { body: '{"query":"{viewer}","Query":"mutation{deleteRepo}"}' }],
    ["names that differ in escapes", { body: '{"query":"{viewer}","\\u0071uery":"mutation{x}"}' }],
    ["a document by an id beside", sent("{ viewer }", { documentId: "x" })],
    [
      "a document by its hash alone",
      { body: { extensions: { persistedQuery: { version: 1, sha256Hash: sha256("x") } } } },
    ],
    [
      "a hash that is not the document's",
      sent("{viewer}", { extensions: { persistedQuery: { version: 1, sha256Hash: sha256("x") } } }),
    ],
    ["a hash that is none", sent("{viewer}", { extensions: { persistedQuery: { sha256Hash: 5 } } })],
    ["another content type", { type: "text/plain", body: '{"query":"{viewer}"}' }],
    ["a form", { type: "application/x-www-form-urlencoded", body: "query={viewer}" }],
    ["a multipart form", { type: "multipart/form-data; boundary=x", body: "--x" }],
    ["another charset", { type: "application/json; charset=utf-7", body: '{"query":"{viewer}"}' }],
    ["a compressed body", { ...sent("{viewer}"), headers: [["Content-Encoding", "gzip"]] }],
    ["two content types", { ...sent("{viewer}"), headers: [["Content-Type", "application/graphql"]] }],
    ["bytes that are no UTF-8", { body: Buffer.from('{"query":"{viewer}","variables":"\xff"}', "latin1") }],
    ["a byte order mark", { body: '\ufeff{"query":"{viewer}"}' }],
    ["a query in the URL of a POST", { ...sent("{viewer}"), target: "/?query=mutation{deleteRepo}" }],
    ["variables in the URL of a POST", { ...sent("{viewer}"), target: "/?operationName=B" }],
    ["a query in the URL, as a list", { ...sent("{viewer}"), target: "/?query[]=mutation{deleteRepo}" }],
    ["a query in the URL, behind a semicolon", { ...sent("{viewer}"), target: "/?a=1;query=mutation{deleteRepo}" }],
    ["a GET with a body", { ...get({ query: "{viewer}" }), body: { query: "mutation{x}" } }],
    ["a GET with two queries", { method: "GET", target: "/?query={viewer}&query=mutation{x}" }],
    ["a GET with queries in two spellings", { method: "GET", target: "/?query={viewer}&Query=mutation{x}" }],
    ["a GET with a mutation", get({ query: "mutation { viewer }" })],
    ["a GET with an id beside", get({ query: "{ viewer }", documentId: "5" })],
    ["a GET with bytes that are no UTF-8", { method: "GET", target: "/?query={viewer}%23%ff" }],
    ["a GET without a query", { method: "GET" }],
    ["a PUT", { ...sent("{viewer}"), method: "PUT" }],
    ["a method that headers override", { ...sent("{viewer}"), override: "PUT" }],
    ["an empty batch", { body: [] }],
    ["a long batch", { body: Array.from({ length: 65 }, () => ({ query: "{viewer}" })) }],
    ["a long document", sent(`{ viewer ${"viewer ".repeat(20_000)} }`)],
    [
      "long documents in a batch",
      { body: Array.from({ length: 40 }, () => ({ query: `{ viewer${" ".repeat(8000)}}` })) },
    ],
    ["a deep document", sent(`{ viewer ${"{a".repeat(9_000)}${"}".repeat(9_000)} }`)],
    ["a document deeper than a stack", { type: "application/graphql", body: "{a".repeat(300_000) }],
    ["many fields", sent(`{ ${Array.from({ length: 300 }, (_, at) => `repo${at}`).join(" ")} }`)],
    ["a text in the place of a request", { body: '"{viewer}"' }],
    ["a number in the place of a document", { body: { query: 5 } }],
  ])("does not take %s", async (_, request) => {
    expect(await judgeSent(allowing({ graphql: READ }), request)).toEqual({ verdict: "deny", read: true });
  });

  test("ends with fragments that spread each other", async () => {
    const query = "{ ...a } fragment a on Q { ...b viewer } fragment b on Q { ...a }";
    expect(await verdict(allowing({ graphql: READ }), sent(query))).toBe("allow");
  });

  test("is about names, where it has them", async () => {
    const rules = allowing({ graphql: { names: ["Get*"] } });
    expect(await verdict(rules, sent("query GetIt { a }"))).toBe("allow");
    expect(await verdict(rules, sent("query SetIt { a }"))).toBe("deny");
    expect(await verdict(rules, sent("{ a }"))).toBe("deny");
  });

  test("adds up with others, field by field", async () => {
    const rules = allowing(
      { graphql: { fields: ["viewer"] } },
      { graphql: { operations: ["mutation"], fields: ["addStar"] } },
    );
    expect(await verdict(rules, sent("query A { viewer } mutation B { addStar viewer }"))).toBe("allow");
    expect(await verdict(rules, sent("{ viewer addStar }"))).toBe("deny");
  });

  test("takes documents by hashes that it has, sent or not", async () => {
    const hash = sha256("{ anything }");
    const rules = allowing({ graphql: { persisted: [hash.toUpperCase()] } });
    const extensions = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });
    expect(await verdict(rules, { body: { extensions: extensions(hash) } })).toBe("allow");
    expect(await verdict(rules, get({ extensions: JSON.stringify(extensions(hash)) }))).toBe("allow");
    expect(await verdict(rules, sent("{ anything }", { extensions: extensions(hash) }))).toBe("allow");
    expect(await verdict(rules, sent("{ anything }"))).toBe("allow");
    expect(await verdict(rules, sent("{ other }", { extensions: extensions(hash) }))).toBe("deny");
    expect(await verdict(rules, { body: { extensions: extensions(sha256("x")) } })).toBe("deny");
    expect(
      await verdict(rules, { body: { extensions: { persistedQuery: { sha256Hash: hash }, PersistedQuery: {} } } }),
    ).toBe("deny");
  });
});

describe("a rule that denies GraphQL", () => {
  const rules = denying({ paths: ["/graphql"], graphql: { operations: ["mutation"] } });
  const at = (request: Sent): Sent => ({ target: "/graphql", ...request });

  test("denies one field of one operation of one request of a batch", async () => {
    for (const request of [
      sent("mutation { a }"),
      sent("query A { a } mutation B { b }"),
      { body: [{ query: "{ a }" }, { query: "mutation { b }" }] },
    ]) {
      expect(await judgeSent(rules, at(request))).toEqual({ verdict: "deny", ruleId: "no", read: true });
    }
    expect(await judgeSent(rules, at(sent("{ a }")))).toEqual({ verdict: "allow", ruleId: "all", read: true });
  });

  test("denies by fields under every alias and fragment", async () => {
    const fields = denying({ graphql: { fields: ["delete*"] } });
    expect(await verdict(fields, sent("{ a ...f } fragment f on M { b: deleteRepo }"))).toBe("deny");
    expect(await verdict(fields, sent("{ deleteRepo: a }"))).toBe("allow");
  });

  test.each<[string, Sent]>([
    ["is compressed", { ...sent("{a}"), headers: [["Content-Encoding", "br"]] }],
    ["has another type", { type: "text/plain", body: "{a}" }],
    ["has names twice", { body: '{"query":"{a}","query":"{a}"}' }],
    ["is sent by its hash", { body: { extensions: { persistedQuery: { sha256Hash: sha256("x") } } } }],
    ["is named in the URL", { method: "GET", target: "/graphql?documentId=5" }],
    ["is a call in another language", { body: { jsonrpc: "2.0", method: "x", id: 1 } }],
  ])("denies what %s: it may be one", async (_, request) => {
    expect(await judgeSent(rules, at(request))).toMatchObject({ verdict: "deny", ruleId: "no" });
  });

  test("leaves alone what has no content, and what its other keys do not mean", async () => {
    expect(await verdict(rules, { method: "GET", target: "/graphql" })).toBe("allow");
    expect(await judgeSent(rules, { target: "/x", type: "text/plain", body: "x" })).toMatchObject({
      verdict: "allow",
      read: false,
    });
  });
});

describe("a rule that asks about GraphQL", () => {
  const rules = asking({ graphql: { operations: ["mutation"] } });

  test("asks about what it means, and denies what it cannot read", async () => {
    expect(await judgeSent(rules, sent("mutation { a }"))).toEqual({ verdict: "ask", ruleId: "ask", read: true });
    expect(await judgeSent(rules, sent("{ a }"))).toEqual({ verdict: "allow", ruleId: "all", read: true });
    expect(await judgeSent(rules, { type: "text/plain", body: "x" })).toMatchObject({ verdict: "deny", ruleId: "ask" });
  });

  test("asks about nothing that nobody allows", async () => {
    const alone = { ask: [{ id: "ask", host: "a.test", http: { rules: [{ graphql: { fields: ["star"] } }] } }] };
    expect(await verdict(alone, sent("mutation { star }"))).toBe("ask");
    expect(await verdict(alone, sent("mutation { star delete }"))).toBe("deny");
  });
});

test("content is read only where it makes a difference", async () => {
  const rules = { allow: [...(allowing({ graphql: READ }).allow ?? []), { id: "all", host: "a.test" }] };
  expect(await judgeSent(rules, sent("mutation { x }"))).toMatchObject({
    verdict: "allow",
    ruleId: "all",
    read: false,
  });
});

test("whatever a document looks like, its fields of the root are found, and no others", async () => {
  const field = fc.constantFrom("viewer", "repo", "deleteRepo", "addStar");
  const alias = fc.option(fc.constantFrom("viewer", "deleteRepo", "x"), { nil: undefined });
  interface Part {
    readonly text: string;
    readonly fields: readonly string[];
    readonly fragments: readonly string[];
  }
  let fragments = 0;
  const { selection } = fc.letrec<{ selection: Part }>((tie) => ({
    selection: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.tuple(alias, field, field).map(([name, root, inner]) => ({
        text: `${name === undefined ? "" : `${name}: `}${root}(a: "{ ${inner} }") @skip(if: $s) { ${inner} }`,
        fields: [root],
        fragments: [],
      })),
      fc.array(tie("selection"), { minLength: 1, maxLength: 3 }).map((parts) => ({
        text: `... on Query { ${parts.map(({ text }) => text).join(" ")} }`,
        fields: parts.flatMap(({ fields }) => fields),
        fragments: parts.flatMap((part) => part.fragments),
      })),
      fc.array(tie("selection"), { minLength: 1, maxLength: 3 }).map((parts) => {
        const name = `F${fragments++}`;
        const own = `fragment ${name} on Query { ${parts.map(({ text }) => text).join(", ")} }`;
        return {
          text: `...${name}`,
          fields: parts.flatMap(({ fields }) => fields),
          fragments: [own, ...parts.flatMap((part) => part.fragments)],
        };
      }),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(
      selection,
      fc.subarray(["viewer", "repo", "deleteRepo", "addStar"], { minLength: 1 }),
      async (part, named) => {
        const query = `query Q($s: Boolean) { ${part.text} } ${part.fragments.join("\n")}`;
        const allowed = part.fields.every((each) => named.includes(each));
        expect(await verdict(allowing({ graphql: { fields: named } }), sent(query))).toBe(allowed ? "allow" : "deny");
        const denied = part.fields.some((each) => named.includes(each));
        expect(await verdict(denying({ graphql: { fields: named } }), sent(query))).toBe(denied ? "deny" : "allow");
      },
    ),
    { numRuns: 300 },
  );
});
