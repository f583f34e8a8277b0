/**
 * Another name for a file: what a rule or hook says of the first cannot be shaken off by renaming or linking, and where
 * both names are asked about, both questions are answered.
 */
import { expect } from "vitest";
import {
  type AccessHandler,
  type AccessHookOptions,
  type ApprovalRequest,
  allow,
  definePlugin,
  deny,
  type FilesystemSection,
  type Plugin,
} from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { shell, until } from "../help.ts";
import { call, denialOf, mediate, sandboxWith } from "../mediation.ts";
import type { Scene } from "../scene.ts";

const FILES = { "kept/secret.txt": "SECRET\n", "kept/other.txt": "other\n", "free/plain.txt": "plain\n" };
const WRITE: FilesystemSection = { write: ["."] };
const SECRET = "/workspace/kept/secret.txt";
const PLAIN = "/workspace/free/plain.txt";
const FREE = "/workspace/free/taken.txt";

function keeping(name: string, options: AccessHookOptions<AccessHandler>): Plugin {
  return definePlugin(() => ({ name, hooks: { filesystem: { access: options } } }))();
}

/** That no other name makes the secret readable, by calls that are refused as between two file systems. */
async function expectKept(scene: Scene, filesystem: FilesystemSection, plugin: Plugin): Promise<void> {
  const { sandbox } = await sandboxWith(scene, FILES, { filesystem }, { plugins: [plugin] });
  for (const mover of ["renameat2", "renameat2-noreplace", "linkat", "linkat-follow", "linkat-descriptor"]) {
    const ways = ["absolute", "dirfd"] as const;
    const answers = await mediate(
      sandbox,
      ways.map((way) => ({ call: mover, way, path: SECRET, other: FREE })),
    );
    expect([mover, ...answers]).toEqual([mover, "EXDEV", "EXDEV"]);
  }
  expect(await call(sandbox, "renameat2-exchange", SECRET, PLAIN)).toBe("EXDEV");
  expect(await call(sandbox, "renameat2-exchange", PLAIN, SECRET)).toBe("EXDEV");
  expect((await denialOf(sandbox, SECRET)).reason).toContain("past a rule or hook");
  // mv copies instead, and so has to read.
  const moved = await shell(sandbox, "mv kept/secret.txt free/taken.txt; cat free/taken.txt; true");
  expect(moved.stdout).toBe("");
  expect(await call(sandbox, "openat-read", SECRET)).toBe("EACCES");
}

export const otherNameCases: readonly Case[] = [
  {
    name: "a file that a hook is asked about for reading alone cannot be renamed or linked away from it",
    async run(scene) {
      const handler: AccessHandler = () => deny("nobody reads it");
      await expectKept(scene, WRITE, keeping("keeper", { paths: ["./kept"], operations: ["read"], handler }));
    },
  },
  {
    name: "a file whose reading a rule leaves to a hook cannot be renamed or linked away under a wider grant",
    async run(scene) {
      const filesystem = { write: ["."], read: [{ path: "./kept/secret.txt", defer: "keeper" }] };
      await expectKept(scene, filesystem, keeping("keeper", { paths: ["./kept"], handler: () => undefined }));
    },
  },
  {
    name: "a hook for some operations does not keep a file from other names that it covers, nor what it is asked about",
    async run(scene) {
      const seen: string[] = [];
      const handler: AccessHandler = ({ operation }) => void seen.push(operation);
      const plugins = [keeping("keeper", { paths: ["./kept"], operations: ["read", "link"], handler })];
      const { sandbox } = await sandboxWith(scene, FILES, { filesystem: WRITE }, { plugins });
      expect(await call(sandbox, "renameat2", SECRET, "/workspace/kept/renamed.txt")).toBe("OK");
      expect(await call(sandbox, "renameat2", PLAIN, "/workspace/kept/plain.txt")).toBe("OK");
      expect(await call(sandbox, "linkat", "/workspace/kept/renamed.txt", FREE)).toBe("OK");
      expect(seen).toEqual(["link"]);
      const makers = [keeping("maker", { paths: ["./kept"], operations: ["create", "list"], handler })];
      const made = await sandboxWith(scene, FILES, { filesystem: WRITE }, { plugins: makers });
      expect(await call(made.sandbox, "renameat2", SECRET, FREE)).toBe("OK");
    },
  },
  {
    name: "a hook on renaming is asked where it names the new name alone",
    async run(scene) {
      const seen: string[] = [];
      const handler: AccessHandler = ({ operation, path, target }) => {
        seen.push(`${operation} ${path} -> ${target}`);
        return deny("nothing is brought here");
      };
      const plugins = [keeping("keeper", { paths: ["./kept"], operations: ["rename"], handler })];
      const { sandbox } = await sandboxWith(scene, FILES, { filesystem: WRITE }, { plugins });
      const target = "/workspace/kept/brought.txt";
      expect(await call(sandbox, "renameat2", PLAIN, target)).toBe("EACCES");
      expect(seen).toEqual([`rename ${PLAIN} -> ${target}`]);
      expect(await call(sandbox, "renameat2", PLAIN, "/workspace/free/renamed.txt")).toBe("OK");
    },
  },
  {
    name: "where both names of a rename are asked about by rules of their own, both are answered",
    async run(scene) {
      const questions: string[] = [];
      const yes = new Set(["one"]);
      const approve = (request: ApprovalRequest): boolean => {
        const { operation, path, target = "" } = request.domain === "filesystem" ? request.access : expect.fail("");
        questions.push(`${request.ruleId}: ${operation} ${path} ${target}`.trim());
        return yes.has(request.ruleId ?? "");
      };
      const rules = ["one", "two"].map((id) => ({ id, path: `./${id}` }));
      const files = { "one/a": "a\n", "one/b": "b\n", "two/c": "c\n" };
      const filesystem = { write: ["."], ask: rules };
      const { sandbox } = await sandboxWith(scene, files, { filesystem }, { approve });
      expect(await call(sandbox, "renameat2", "/workspace/one/a", "/workspace/two/a")).toBe("EACCES");
      expect(await call(sandbox, "linkat", "/workspace/one/a", "/workspace/two/a")).toBe("EACCES");
      expect((await denialOf(sandbox, "/workspace/two/a")).ruleId).toBe("two");
      yes.add("two");
      expect(await call(sandbox, "renameat2", "/workspace/one/a", "/workspace/two/a")).toBe("OK");
      expect(await call(sandbox, "renameat2-exchange", "/workspace/one/b", "/workspace/two/c")).toBe("OK");
      expect(await call(sandbox, "renameat2", "/workspace/one/b", "/workspace/one/d")).toBe("OK");
      expect(questions).toEqual([
        "one: rename /workspace/one/a /workspace/two/a",
        "two: create /workspace/two/a",
        "one: link /workspace/one/a /workspace/two/a",
        "two: create /workspace/two/a",
        "one: rename /workspace/one/a /workspace/two/a",
        "two: create /workspace/two/a",
        "one: rename /workspace/one/b /workspace/two/c",
        "two: rename /workspace/two/c /workspace/one/b",
        "one: rename /workspace/one/b /workspace/one/d",
      ]);
    },
  },
  {
    name: "who may allow one name of a rename by a rule that defers cannot allow the other, which defers to somebody else",
    async run(scene) {
      const filesystem = {
        write: ["."],
        ask: [
          { path: "./kept", defer: "keeper" },
          { path: "./free", defer: "freer" },
        ],
      };
      const yes = keeping("keeper", { handler: () => allow() });
      for (const [says, answer] of [
        [undefined, "EACCES"],
        [allow(), "OK"],
      ] as const) {
        const other = keeping("freer", { handler: () => says });
        const { sandbox } = await sandboxWith(scene, FILES, { filesystem }, { plugins: [yes, other] });
        expect([says?.verdict, await call(sandbox, "renameat2", SECRET, FREE)]).toEqual([says?.verdict, answer]);
      }
    },
  },
  {
    name: "who may make a file may not open one that got its name meanwhile",
    async run(scene) {
      const seen: string[] = [];
      let moved = false;
      const taken = "/workspace/kept/taken.txt";
      const handler: AccessHandler = async ({ operation, path }) => {
        if (path !== taken) return undefined;
        seen.push(operation);
        if (operation === "read") return deny("nobody reads it");
        await until(() => moved, "another file got the name");
        return undefined;
      };
      const plugins = [keeping("keeper", { paths: ["./kept"], operations: ["read", "create"], handler })];
      const { sandbox } = await sandboxWith(scene, FILES, { filesystem: WRITE }, { plugins });
      const opened = call(sandbox, "openat-create-or-read", taken);
      await until(() => seen.length === 1, "it is asked about");
      expect(await call(sandbox, "renameat2", SECRET, taken)).toBe("OK");
      moved = true;
      expect(await opened).toBe("EACCES");
      expect(seen).toEqual(["create", "read"]);
      expect(await call(sandbox, "openat-create-or-read", "/workspace/kept/new.txt")).toBe("OK");
    },
  },
];
