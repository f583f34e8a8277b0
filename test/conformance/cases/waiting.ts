/**
 * What happens while a decision waits: the folder that was meant is moved, or another command wants to ask as well; and what
 * is written down of starts.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type ApprovalRequest, ask, definePlugin, type Plugin, type Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { shell, until } from "../help.ts";
import { BIN, call, recorded, sandboxWith } from "../mediation.ts";

/** Asks about everything that is made under the name `wanted`. */
const asking: () => Plugin = definePlugin(() => ({
  name: "asking",
  hooks: {
    filesystem: {
      access: ({ operation, path }) =>
        operation === "create" && path.endsWith("/wanted") ? ask("it is new") : undefined,
    },
  },
}));

export const waitingCases: readonly Case[] = [
  {
    name: "a folder that is moved while its approver thinks does not take the approval along",
    async run(scene) {
      let sandbox: Sandbox | undefined;
      const approve = async (request: ApprovalRequest) => {
        if (request.domain === "filesystem" && request.access.path.startsWith("/workspace/moves/")) {
          await sandbox?.exec(["mv", "/workspace/moves", "/workspace/moved"], { check: true });
        }
        return true;
      };
      const policy = { filesystem: { write: ["."] } } as const;
      const made = await sandboxWith(scene, { "moves/": "", "stays/": "" }, policy, {
        plugins: [asking()],
        approve,
        mode: "mount",
      });
      sandbox = made.sandbox;
      expect(await call(sandbox, "openat-create", "/workspace/stays/wanted")).toMatch(/^OK/);
      expect(await call(sandbox, "openat-create", "/workspace/moves/wanted")).toBe("EACCES");
      expect([existsSync(join(made.folder, "stays/wanted")), existsSync(join(made.folder, "moved/wanted"))]).toEqual([
        true,
        false,
      ]);
      const about = "/workspace/moves/wanted";
      const record = await recorded(
        sandbox,
        ({ object, verdict }) => object === about && verdict === "deny",
        "it is denied",
      );
      expect(record.reason).toContain("not any more what had been judged");
    },
  },
  {
    name: "starts that rules are about are recorded when they are allowed, too, with their arguments",
    async run(scene) {
      const process = { allow: [{ binary: `${BIN}/**`, id: "ours" }] };
      const { sandbox } = await sandboxWith(scene, {}, { filesystem: { read: ["."] }, process });
      await sandbox.exec([`${BIN}/tool`, "arguments", "one"], { check: true });
      const object = `${BIN}/tool`;
      const record = await recorded(
        sandbox,
        (each) => each.domain === "process" && each.object === object,
        "it is recorded",
      );
      expect(record).toMatchObject({ operation: "start", verdict: "allow", ruleId: "ours" });
      expect(record.argv).toEqual([`${BIN}/tool`, "arguments", "one"]);
    },
  },
  {
    name: "a program that the sandbox can write and made too long is hooked without its hash, and not under a rule that has one",
    async run(scene) {
      const seen: (string | undefined)[] = [];
      const plugin = definePlugin(() => ({
        name: "seeing",
        hooks: {
          process: {
            start: ({ path, sha256 }) => {
              if (path.endsWith("/long")) seen.push(sha256);
            },
          },
        },
      }))();
      const grow = `cp ${BIN}/tool long && truncate -s 100M long && ./long arguments x`;
      const hooked = await sandboxWith(scene, {}, { filesystem: { write: ["."] } }, { plugins: [plugin] });
      expect((await shell(hooked.sandbox, grow)).exitCode).toBe(0);
      expect(seen).toEqual([undefined]);
      const deny = [{ binary: "/workspace/never" }];
      const allow = ["/**", { binary: "/workspace/**", sha256: "0".repeat(64) }];
      const ruled = await sandboxWith(scene, {}, { filesystem: { write: ["."] }, process: { allow, deny } });
      expect((await shell(ruled.sandbox, grow)).exitCode).toBe(126);
    },
  },
  {
    name: "a command whose questions are all open does not keep another from asking",
    async run(scene) {
      const waiting: ((answer: boolean) => void)[] = [];
      const approve = ({ domain }: ApprovalRequest) =>
        new Promise<boolean>((resolve) => waiting.push(domain === "filesystem" ? resolve : () => undefined));
      const { sandbox } = await sandboxWith(
        scene,
        { asked: "x\n" },
        { filesystem: { write: ["."], ask: ["./asked"] } },
        { approve },
      );
      // Each shell waits in its redirection: more of them than one command may have.
      const script = "i=0; while [ $i -lt 600 ]; do (cat <asked) 2>/dev/null & i=$((i+1)); done; wait";
      const many = sandbox.exec(["sh", "-c", script]);
      const crowded = () => sandbox.decisions().some(({ reason }) => reason.includes("too many decisions"));
      await until(crowded, "it asks too much");
      // One for each of the warden's supervisors, whichever has the command that asks.
      const others = [1, 2, 3, 4].map(() => sandbox.exec(["cat", "asked"]));
      const answering = setInterval(() => {
        for (const answer of waiting.splice(0)) answer(true);
      }, 5);
      scene.defer(() => clearInterval(answering));
      for (const other of others) expect((await other).stdout).toBe("x\n");
      await many;
    },
  },
];
