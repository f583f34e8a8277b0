/**
 * A file that the agent reads with its secrets blacked out: the hook answers the read, and the file stays as it is.
 *
 * Run it with `npx tsx examples/redact.ts`.
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSandbox, definePlugin, substitute } from "../src/mod.ts";

const workspace = await mkdtemp(join(tmpdir(), "cofferdam-redact-"));
await writeFile(join(workspace, "config.ini"), "[db]\nuser = app\npassword = hunter2\n");

/** Shows a file of settings without the values of its secrets. */
const redact = definePlugin(() => ({
  name: "redact",
  hooks: {
    filesystem: {
      access: {
        paths: ["./config.ini"],
        operations: ["read"],
        handler: async () => {
          const text = await readFile(join(workspace, "config.ini"), "utf8");
          return substitute(text.replace(/^(password\s*=\s*).*$/m, "$1[redacted]"));
        },
      },
    },
  },
}));

try {
  await using sandbox = await createSandbox(
    { version: 1, filesystem: { read: ["."] } },
    { runtime: "local", workspace, plugins: [redact()] },
  );
  const { stdout } = await sandbox.exec(["cat", "config.ini"]);
  assert.equal(stdout, "[db]\nuser = app\npassword = [redacted]\n");

  // Only the one file is looked at; and what the agent got cannot be written.
  const write = await sandbox.exec(["sh", "-c", "exec 3<config.ini; echo x >/proc/self/fd/3"]);
  assert.notEqual(write.exitCode, 0);

  const [decision] = sandbox.decisions().filter((each) => each.decidedBy.kind === "plugin");
  console.log("The agent read:", JSON.stringify(stdout));
  console.log("Decided by:", decision?.decidedBy, decision?.reason);
} finally {
  await rm(workspace, { recursive: true });
}
