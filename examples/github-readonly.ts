/**
 * An agent that may read from GitHub, and clone, and do nothing else: requests are judged one by one, and a denial says
 * what would have to change. A server of this process stands in for GitHub.
 *
 * Run it with `npx tsx examples/github-readonly.ts`.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createSandbox, type Policy } from "../src/mod.ts";

const reached: string[] = [];
const github = createServer((request, response) => {
  reached.push(`${request.method} ${request.url}`);
  response.end(`${request.method} ${request.url}\n`);
});
await new Promise<void>((resolve) => github.listen(0, "127.0.0.1", resolve));
const { port } = github.address() as AddressInfo;

// The real one has port 443, and no `addresses`.
const there = { ports: [port], addresses: ["127.0.0.1"] };
const policy: Policy = {
  version: 1,
  network: {
    allow: [
      { id: "read", host: "api.github.com", ...there, http: { access: "read-only" } },
      // Its GraphQL is posted, also to read: the document says which it is.
      {
        id: "query",
        host: "api.github.com",
        ...there,
        http: { rules: [{ paths: ["/graphql"], graphql: { operations: ["query"] } }] },
      },
      { id: "clone", host: "github.com", ...there, http: { access: "git-read-only" } },
    ],
    deny: [
      { id: "no-secrets", host: "api.github.com", http: { rules: [{ paths: ["/repos/*/*/actions/secrets/**"] }] } },
    ],
  },
};

try {
  await using sandbox = await createSandbox(policy, { runtime: "local", resolver: () => ["127.0.0.1"] });
  const curl = async (...args: string[]): Promise<string> => {
    return (await sandbox.exec(["curl", "-sS", "--max-time", "20", ...args])).stdout;
  };
  const api = `http://api.github.com:${port}`;
  const git = `http://github.com:${port}`;

  assert.equal(await curl(`${api}/repos/me/it/issues`), "GET /repos/me/it/issues\n");
  assert.equal(
    await curl(`${git}/me/it.git/info/refs?service=git-upload-pack`),
    "GET /me/it.git/info/refs?service=git-upload-pack\n",
  );
  const graphql = (query: string): Promise<string> => {
    return curl("-H", "Content-Type: application/json", "-d", JSON.stringify({ query }), `${api}/graphql`);
  };
  assert.equal(await graphql("{ viewer { login } }"), "POST /graphql\n");

  // Writing, pushing, and a way around: each is told why.
  const denials = [
    await curl("-d", "title=hi", `${api}/repos/me/it/issues`),
    await graphql(
      'query A { viewer { login } } mutation B { deleteIssue(input: { issueId: "1" }) { clientMutationId } }',
    ),
    await curl(`${git}/me/it.git/info/refs?service=git-receive-pack`),
    await curl("--path-as-is", `${api}/repos/me/it/issues/..%2factions/secrets`),
    await curl("-H", "Host: api.github.com", `${git}/repos/me/it`),
  ].map((body) => JSON.parse(body) as { readonly error: string; readonly rule: string | null; readonly hint?: string });
  assert.deepEqual(
    denials.map(({ error, rule }) => [error, rule]),
    [
      ["denied", null],
      ["denied", null],
      ["denied", null],
      ["denied", "no-secrets"],
      ["misdirected", null],
    ],
  );
  assert.equal(reached.length, 3);

  console.log("Reached:", reached);
  console.log("Told:", denials[0]?.hint);
  for (const { operation, object, verdict, reason } of sandbox.decisions()) {
    if (operation === "request") console.log(verdict.padEnd(5), object, "-", reason);
  }
} finally {
  github.closeAllConnections();
  github.close();
}
