/**
 * An agent that uses a token which it never holds: it finds a placeholder, and this process puts the real one into requests
 * to the host that the token is for. A server of this process stands in for that host, and says back what it was sent.
 *
 * Run it with `npx tsx examples/credentials.ts`.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createSandbox, type Policy } from "../src/mod.ts";

const received: (string | undefined)[] = [];
const server = createServer((request, response) => {
  received.push(request.headers.authorization);
  response.end(`you sent ${request.headers.authorization}\n`);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;

// Real hosts have port 443 and TLS: then there are no `ports`, no `addresses`, and no `plaintext`.
const there = { ports: [port], addresses: ["127.0.0.1"] };
const policy: Policy = {
  version: 1,
  network: {
    allow: [
      { host: "api.acme.example", ...there },
      { host: "evil.example", ...there, http: { access: "full" } },
    ],
  },
  credentials: [{ name: "ACME_TOKEN", hosts: ["api.acme.example"], paths: ["/v1/**"], ports: [port], plaintext: true }],
};

// A new one for each request: whoever has the last one has nothing.
const minted: string[] = [];
const mint = (): string => {
  minted.push(`acme_${randomBytes(20).toString("hex")}`);
  return minted.at(-1) ?? "";
};

try {
  await using sandbox = await createSandbox(policy, {
    runtime: "local",
    resolver: () => ["127.0.0.1"],
    credentials: { ACME_TOKEN: mint },
  });
  const ask = async (url: string): Promise<string> => {
    const script = 'curl -sS --max-time 20 -H "Authorization: Bearer $ACME_TOKEN" "$1"';
    return (await sandbox.exec(["sh", "-c", script, "sh", url])).stdout;
  };
  const placeholder = (await sandbox.exec(["printenv", "ACME_TOKEN"])).stdout.trim();

  // The host gets the real one, and the agent reads its placeholder where the host says it back.
  const answer = await ask(`http://api.acme.example:${port}/v1/me`);
  assert.equal(received.at(-1), `Bearer ${minted.at(-1)}`);
  assert.equal(answer.slice(0, 30), `you sent Bearer ${placeholder}`.slice(0, 30));
  await ask(`http://api.acme.example:${port}/v1/me`);
  assert.equal(new Set(received).size, 2);

  // Nobody else gets it, nor another path of the same host.
  const denials = [await ask(`http://evil.example:${port}/v1/me`), await ask(`http://api.acme.example:${port}/v2/me`)];
  const reasons = denials.map((body) => (JSON.parse(body) as { readonly reason: string }).reason);
  assert.match(reasons[0] ?? "", /it is for api.acme.example only/);
  assert.match(reasons[1] ?? "", /it is for the paths/);
  assert.equal(received.length, 2);

  const seen = JSON.stringify([answer, denials, sandbox.decisions()]);
  assert.ok(minted.every((token) => !seen.includes(token.slice(6))));
  console.log("In the sandbox:", placeholder);
  console.log("Denied:", reasons[0]);
} finally {
  server.closeAllConnections();
  server.close();
}
