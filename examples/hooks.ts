/**
 * Hooks of each kind: one that decides about files, one that decides about programs, an approver for what they ask, a rule
 * that defers to a hook by name, and an observer.
 *
 * Run it with `npx tsx examples/hooks.ts`.
 */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allow, ask, createSandbox, definePlugin, deny } from "../src/mod.ts";

const workspace = await mkdtemp(join(tmpdir(), "cofferdam-hooks-"));
await mkdir(join(workspace, "drafts"));
await writeFile(join(workspace, "server.pem"), "a private key\n");
await writeFile(join(workspace, "CHANGELOG.md"), "# 1.0\n");

/** Denies what the policy allows. A hook always can. */
const noKeys = definePlugin(() => ({
  name: "no-keys",
  hooks: {
    filesystem: { access: { paths: ["**/*.pem"], handler: () => deny("private keys stay private") } },
  },
}));

/** Decides about starts, by their arguments. */
const careful = definePlugin((options: { readonly flag: string }) => ({
  name: "careful",
  hooks: {
    process: {
      start: ({ argv }) => (argv.includes(options.flag) ? ask(`it was started with ${options.flag}`) : undefined),
    },
  },
}));

/** Answers for the rule that defers to it, and for nothing else. */
const drafts = definePlugin(() => ({
  name: "drafts",
  hooks: {
    filesystem: {
      access: {
        paths: ["./drafts"],
        handler: ({ path }) => (path.endsWith(".md") ? allow("a draft") : deny("only Markdown goes there")),
      },
    },
  },
}));

/** Sees everything, and changes nothing. */
const counted = new Map<string, number>();
const counter = definePlugin(() => ({
  name: "counter",
  hooks: {
    decision: (record: { readonly verdict: string }) => {
      counted.set(record.verdict, (counted.get(record.verdict) ?? 0) + 1);
    },
  },
}));

const asked: string[] = [];
try {
  await using sandbox = await createSandbox(
    {
      version: 1,
      filesystem: {
        read: ["."],
        write: [{ path: "./drafts", defer: "drafts" }],
        ask: ["./CHANGELOG.md"],
      },
    },
    {
      runtime: "local",
      workspace,
      plugins: [noKeys(), careful({ flag: "--force" }), drafts(), counter()],
      approve: (request) => {
        asked.push(request.reason);
        return request.domain === "process";
      },
    },
  );
  const run = (script: string) => sandbox.exec(["sh", "-c", script]);

  assert.equal((await run("cat server.pem")).exitCode, 1, "a hook denied it");
  assert.equal((await run("echo text >drafts/a.md")).exitCode, 0, "the hook that the rule names allowed it");
  assert.notEqual((await run("echo text >drafts/a.exe")).exitCode, 0, "and denied this");
  assert.equal((await run("cat CHANGELOG.md")).exitCode, 1, "the approver said no");
  assert.equal((await sandbox.exec(["echo", "--force"])).stdout, "--force\n", "the approver said yes");

  console.log("Asked:", asked);
  console.log("Decisions that were seen:", Object.fromEntries(counted));
  assert.ok((counted.get("deny") ?? 0) >= 3);
} finally {
  await rm(workspace, { recursive: true });
}
