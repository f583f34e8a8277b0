/**
 * A policy from parts: what an agent needs, a mixin that somebody else keeps, and the cap of a company. It is explained,
 * compared with the next version, and run.
 *
 * Run it with `npx tsx examples/compose.ts`.
 */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compose, createSandbox, diffPolicies, explain, type Policy, restrict, SandboxError } from "../src/mod.ts";

const agent: Policy = {
  version: 1,
  name: "agent",
  filesystem: { write: ["."] },
  // An ordinary user's process may have no control group of its own to count processes in.
  process: { limits: { pids: 64, timeout: "1m", mode: "best-effort" } },
};

// Policies are taken as text wherever they are taken.
const secrets = `
version: 1
name: no-secrets
filesystem:
  deny: [{ id: env, path: "**/.env" }]
locked: [network]        # whoever composes with this brings no network along
`;

const cap: Policy = {
  version: 1,
  name: "company",
  filesystem: { read: ["."], write: ["./docs"] },
};

const policy = restrict(compose(agent, secrets), cap);
console.log("Composed:", JSON.stringify(policy));

// Why, by which rule, and of which part.
const denied = await explain(policy, { domain: "filesystem", path: "./docs/.env" });
assert.deepEqual([denied.verdict, denied.ruleId, denied.parts], ["deny", "env", ["no-secrets"]]);
const allowed = await explain(policy, { domain: "filesystem", path: "./docs/a.md", operation: "write" });
assert.deepEqual([allowed.verdict, allowed.parts], ["allow", ["agent", "company"]]);
console.log("Explained:", denied.reason, denied.parts);

// What a part may not bring along, and what two parts cannot both mean.
const web: Policy = { version: 1, name: "web", network: { allow: [{ host: "api.example.com" }] } };
assert.throws(
  () => compose(agent, secrets, web),
  (error) => SandboxError.is(error, "POLICY_LOCKED"),
);
const larger: Policy = { version: 1, name: "larger", process: { limits: { pids: 128 } } };
assert.throws(
  () => compose(agent, larger),
  /"agent" and "larger": process.limits.pids is 64 in the one, and 128 in the other/,
);

// The next version, for whoever reviews it.
const next = restrict(compose(agent, secrets), { ...cap, filesystem: { read: ["."] } });
const { effect, live, changes } = diffPolicies(policy, next);
assert.deepEqual([effect, live], ["narrowing", true]);
for (const change of changes) console.log(`Changed: ${change.kind} ${change.path}: ${change.effect}`);

const folder = await mkdtemp(join(tmpdir(), "cofferdam-compose-"));
try {
  await mkdir(join(folder, "docs"));
  await writeFile(join(folder, "docs", ".env"), "KEY=1\n");
  await using sandbox = await createSandbox(policy, { runtime: "local", workspace: folder });
  const write = await sandbox.exec(["sh", "-c", "echo text > docs/a.md && ! echo text > a.md"]);
  assert.equal(write.exitCode, 0);
  const read = await sandbox.exec(["cat", "docs/.env"]);
  assert.notEqual(read.exitCode, 0);
  assert.equal(read.stdout, "");

  // Narrower, and so live.
  await sandbox.setPolicy(next);
  assert.notEqual((await sandbox.exec(["sh", "-c", "echo more > docs/a.md"])).exitCode, 0);
  console.log("Held: docs/.env, and docs since the change");
} finally {
  await rm(folder, { recursive: true, force: true });
}
