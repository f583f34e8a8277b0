/**
 * A hook that gives a program something else to read than what is in the file.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import {
  allow,
  definePlugin,
  deny,
  type FilesystemOperation,
  type HookVerdict,
  type Plugin,
  type Sandbox,
  substitute,
} from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { patterned, shell } from "../help.ts";
import { call, callEachWay, denialOf, recorded, sandboxWith } from "../mediation.ts";
import type { Scene } from "../scene.ts";

const SECRET = "/workspace/config/secret.txt";
const FILES = { "config/secret.txt": "password=hunter2\n", "config/plain.txt": "plain\n" };

function redacting(content: string | Uint8Array, operations: readonly FilesystemOperation[] = ["read"]): Plugin {
  return definePlugin(() => ({
    name: "redact",
    hooks: {
      filesystem: { access: { paths: ["./config/secret.txt"], operations, handler: () => substitute(content) } },
    },
  }))();
}

async function redacted(
  scene: Scene,
  content: string | Uint8Array,
  operations?: readonly FilesystemOperation[],
): Promise<{ sandbox: Sandbox; folder: string }> {
  const plugins = [redacting(content, operations)];
  return sandboxWith(scene, FILES, { filesystem: { write: ["."] } }, { plugins, mode: "mount" });
}

export const hookContentCases: readonly Case[] = [
  {
    name: "substitute() is what a program reads, by every call and in every way, and the file stays as it is",
    async run(scene) {
      const { sandbox, folder } = await redacted(scene, "password=***\n");
      for (const name of ["openat-read", "openat2-read", "openat-nofollow", "path-then-read"]) {
        expect([name, await callEachWay(sandbox, name, SECRET)]).toEqual([name, "OK:password=***_"]);
      }
      const script = `
cat config/secret.txt; wc -c < config/secret.txt; ln -s config/secret.txt link; cat link
cat config/secret.txt > copy; cat copy; grep -c hunter2 config/secret.txt copy; cat config/plain.txt
cp config/secret.txt copied 2> /dev/null; grep -s hunter2 copied; true`;
      const { stdout } = await shell(sandbox, script);
      expect(stdout.replaceAll(" ", "")).toBe(
        "password=***\n13\npassword=***\npassword=***\nconfig/secret.txt:0\ncopy:0\nplain\n",
      );
      expect(readFileSync(join(folder, "config/secret.txt"), "utf8")).toBe("password=hunter2\n");
      const record = await recorded(sandbox, ({ object }) => object === SECRET, "the file was read");
      expect(record).toMatchObject({ verdict: "allow", operation: "read", decidedBy: { name: "redact" } });
    },
  },
  {
    name: "what a hook gives cannot be written, by any name of its descriptor",
    async run(scene) {
      const { sandbox, folder } = await redacted(scene, "password=***\n");
      // The file itself may be written; what is read in its place may not.
      expect(await callEachWay(sandbox, "read-then-write", SECRET)).toMatch(/^E(ACCES|PERM)$/);
      const script = `
exec 3< config/secret.txt
(echo x > /proc/self/fd/3) 2>/dev/null && echo wrote
(echo x > /dev/fd/3) 2>/dev/null && echo wrote
cat <&3; chmod 0777 /proc/self/fd/3; : > /dev/null; cat config/secret.txt`;
      expect((await shell(sandbox, script)).stdout).toBe("password=***\npassword=***\n");
      expect(readFileSync(join(folder, "config/secret.txt"), "utf8")).toBe("password=hunter2\n");
    },
  },
  {
    name: "whoever opens a file for reading and writing reads it too: hooks and rules about reading have their say",
    async run(scene) {
      // `<>` of a shell opens for both.
      const read = "cat 0<> config/secret.txt; cat 0<> config/plain.txt";
      const { sandbox } = await redacted(scene, "password=***\n");
      expect((await shell(sandbox, read)).stdout).toBe("plain\n");
      const seen: string[] = [];
      const watcher = (name: string, operations: readonly FilesystemOperation[], verdict?: HookVerdict) =>
        definePlugin(() => ({
          name,
          hooks: {
            filesystem: {
              access: {
                paths: ["./config/secret.txt"],
                operations,
                handler: ({ operation }) => {
                  seen.push(`${name} ${operation}`);
                  return verdict;
                },
              },
            },
          },
        }))();
      const refusing = await sandboxWith(
        scene,
        FILES,
        { filesystem: { write: ["."] } },
        { plugins: [watcher("writing", ["write"]), watcher("reading", ["read"], deny("nobody reads it"))] },
      );
      expect((await shell(refusing.sandbox, read)).stdout).toBe("plain\n");
      expect(await call(refusing.sandbox, "openat-truncate", SECRET)).toBe("EACCES");
      expect(seen).toEqual(["writing write", "reading read", "writing write", "reading read"]);
      const filesystem = { write: ["."], read: [{ path: "./config/secret.txt", defer: "reading" }] };
      for (const verdict of [undefined, allow()]) {
        const plugins = [watcher("reading", ["read"], verdict)];
        const deferring = await sandboxWith(scene, FILES, { filesystem }, { plugins });
        const expected = verdict === undefined ? "plain\n" : "password=hunter2\nplain\n";
        expect((await shell(deferring.sandbox, read)).stdout).toBe(expected);
        expect(await call(deferring.sandbox, "openat-write", SECRET)).toMatch(/^OK/);
      }
    },
  },
  {
    name: "nothing, bytes that are no text, and megabytes can be given",
    async run(scene) {
      const long = patterned(3 * 1024 * 1024 + 17);
      for (const content of ["", Uint8Array.of(0, 255, 10, 0), long]) {
        const { sandbox } = await redacted(scene, content);
        const { stdoutBytes } = await sandbox.exec(["cat", SECRET]);
        expect(Buffer.from(stdoutBytes).equals(Buffer.from(content))).toBe(true);
        await sandbox.stop();
      }
    },
  },
  {
    name: "content is an answer to a read only: for anything else it is a denial",
    async run(scene) {
      const { sandbox, folder } = await redacted(scene, "password=***\n", ["write", "delete", "metadata"]);
      for (const name of ["openat-write", "openat-truncate", "truncate", "unlinkat", "fchmodat"]) {
        expect([name, await callEachWay(sandbox, name, SECRET)]).toEqual([name, "EACCES"]);
      }
      expect(await call(sandbox, "openat-read", SECRET)).toBe("OK:password=hunter2_");
      expect((await denialOf(sandbox, SECRET)).decidedBy).toMatchObject({ kind: "plugin", name: "redact" });
      expect(readFileSync(join(folder, "config/secret.txt"), "utf8")).toBe("password=hunter2\n");
    },
  },
  {
    name: "a hook cannot give what the policy denies, nor more than fits",
    async run(scene) {
      const filesystem = { write: ["."], deny: [{ id: "closed", path: "./config/secret.txt" }] };
      const denied = await sandboxWith(scene, FILES, { filesystem }, { plugins: [redacting("***")], mode: "mount" });
      expect(await callEachWay(denied.sandbox, "openat-read", SECRET)).toBe("EACCES");
      const { sandbox } = await redacted(scene, new Uint8Array(64 * 1024 * 1024 + 1));
      expect(await call(sandbox, "openat-read", SECRET)).toBe("EACCES");
      expect(await call(sandbox, "openat-read", "/workspace/config/plain.txt")).toBe("OK:plain_");
    },
  },
];
