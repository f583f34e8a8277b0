/**
 * Another policy while the sandbox runs: what starts afterwards is bound by it, and what runs is never left with more.
 */
import { expect } from "vitest";
import type { Policy } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { Listener, refused, shell, within } from "../help.ts";
import { BIN, call, callEachWay, denialOf, sandboxWith } from "../mediation.ts";

const FILES = { "docs/guide.txt": "guide\n", "notes/note.txt": "note\n" };
const WIDE = { filesystem: { write: ["."], deny: ["**/.env"] } };
const NARROW: Policy = {
  version: 1,
  filesystem: { write: ["."], deny: ["**/.env", { id: "closed", path: "./docs" }] },
};

export const mediatedPolicyCases: readonly Case[] = [
  {
    name: "setPolicy() narrows files and programs for what starts afterwards, and is a new generation",
    async run(scene) {
      const { sandbox } = await sandboxWith(scene, FILES, WIDE);
      expect(await call(sandbox, "openat-read", "/workspace/docs/guide.txt")).toBe("OK:guide_");
      const first = sandbox.policy;
      await sandbox.setPolicy(NARROW);
      expect(sandbox.policy.generation).toBe(first.generation + 1);
      expect(sandbox.policy.digest).not.toBe(first.digest);
      expect(await callEachWay(sandbox, "openat-read", "/workspace/docs/guide.txt")).toBe("EACCES");
      expect(await callEachWay(sandbox, "openat-read", "/workspace/notes/note.txt")).toBe("OK:note_");
      const record = await denialOf(sandbox, "/workspace/docs/guide.txt");
      expect(record).toMatchObject({ ruleId: "closed", policy: { generation: 2, digest: sandbox.policy.digest } });
      await sandbox.setPolicy({ ...NARROW, process: { deny: [{ id: "no-guest", binary: `${BIN}/guest` }] } });
      await refused(sandbox.exec([`${BIN}/guest`, "ready"]), "EXEC_FAILED");
      expect((await sandbox.exec(["echo", "alive"])).stdout).toBe("alive\n");
    },
  },
  {
    name: "setPolicy() that narrows what running commands may do is an error, or kills them",
    async run(scene) {
      const { sandbox } = await sandboxWith(scene, FILES, WIDE);
      const command = await sandbox.spawn(["sh", "-c", "exec 3< docs/guide.txt; echo open; cat > /dev/null; cat <&3"], {
        stdin: "pipe",
      });
      const listener = new Listener(command);
      await listener.hear("open");
      await refused(sandbox.setPolicy(NARROW), "COMMANDS_RUNNING");
      expect(sandbox.policy.generation).toBe(1);
      expect(await call(sandbox, "openat-read", "/workspace/docs/guide.txt")).toBe("OK:guide_");
      await within(20_000, "setPolicy()", sandbox.setPolicy(NARROW, { running: "kill" }));
      expect((await within(20_000, "the command", command.exited)).signal).toBe("SIGKILL");
      expect(await call(sandbox, "openat-read", "/workspace/docs/guide.txt")).toBe("EACCES");
      await listener.ended;
      expect(listener.text).not.toContain("guide");
    },
  },
  {
    name: "setPolicy() cannot widen what a sandbox may do with files, nor be malformed; the policy in force stays",
    async run(scene) {
      const { sandbox } = await sandboxWith(scene, FILES, { filesystem: { write: ["./docs"], read: ["./bin"] } });
      for (const filesystem of [{ write: ["."] }, { write: ["./docs", "./notes"], read: ["./bin"] }]) {
        await refused(sandbox.setPolicy({ version: 1, filesystem }), "POLICY_WIDENS");
      }
      await refused(sandbox.setPolicy({ version: 2 } as unknown as Policy), "POLICY_INVALID");
      expect(sandbox.policy.generation).toBe(1);
      expect((await shell(sandbox, "cat docs/guide.txt; cat notes/note.txt; true")).stdout).toBe("guide\n");
    },
  },
];
