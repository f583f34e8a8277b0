/**
 * Denials inside a grant: of files that do not exist yet, and of trees that could be carried away.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { FilesystemSection } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { shell } from "../help.ts";
import { call, callEachWay, denialOf, mediate, sandboxWith } from "../mediation.ts";
import { giveAway } from "../scene.ts";

const MODES = ["copy", "mount"] as const;

const FILESYSTEM: FilesystemSection = {
  write: ["."],
  deny: [
    { id: "env", path: "**/.env" },
    { id: "legal", path: "./docs/legal/**" },
  ],
};

const FILES = {
  "plain.txt": "plain\n",
  "docs/guide.txt": "guide\n",
  "docs/legal/contract.txt": "SECRET contract\n",
  "sub/": "",
};

/** A case in a private copy and in a folder that the host shares. */
function inBothModes(
  name: string,
  run: (mode: (typeof MODES)[number], ...args: Parameters<Case["run"]>) => Promise<void>,
) {
  return MODES.map((mode): Case => ({ name: `${name} (${mode})`, run: (scene) => run(mode, scene) }));
}

/** Calls that make a name, old ones where there are any. */
const MAKERS = [
  "openat-create",
  "openat-create-or-open",
  "openat2-create",
  "mkdirat",
  "symlinkat",
  "mknodat-fifo",
  "bind",
];
const OLD_MAKERS = ["open-create", "creat", "mkdir", "symlink", "mknod-fifo"];
const MOVERS = ["renameat2", "renameat2-noreplace", "linkat", "linkat-follow", "linkat-descriptor"];
const OLD_MOVERS = ["rename", "renameat", "link"];

function onThisMachine(calls: readonly string[], old: readonly string[]): readonly string[] {
  return process.arch === "x64" ? [...calls, ...old] : calls;
}

export const mediatedLaterCases: readonly Case[] = [
  ...inBothModes(
    "a file that is denied by its name cannot be made later, by any call and in any way",
    async (mode, scene) => {
      const { sandbox } = await sandboxWith(scene, FILES, { filesystem: FILESYSTEM }, { mode });
      for (const path of ["/workspace/.env", "/workspace/sub/.env"]) {
        for (const maker of onThisMachine(MAKERS, OLD_MAKERS)) {
          expect([maker, await callEachWay(sandbox, maker, path)]).toEqual([maker, "EACCES"]);
        }
        expect((await denialOf(sandbox, path)).ruleId).toBe("env");
      }
      expect((await shell(sandbox, "find . -name .env")).stdout).toBe("");
      expect(await callEachWay(sandbox, "mkdirat", "/workspace/docs/legal")).toBe("EEXIST");
      expect(await callEachWay(sandbox, "openat-create", "/workspace/docs/legal/new")).toBe("EACCES");
      expect(await call(sandbox, "openat-create", "/workspace/sub/.envrc")).toBe("OK");
    },
  ),
  ...inBothModes("nothing gets a denied name by being moved or linked to it", async (mode, scene) => {
    const { sandbox } = await sandboxWith(scene, FILES, { filesystem: FILESYSTEM }, { mode });
    for (const mover of onThisMachine(MOVERS, OLD_MOVERS)) {
      const answer = await callEachWay(sandbox, mover, "/workspace/plain.txt", "/workspace/.env");
      expect([mover, answer]).toEqual([mover, "EACCES"]);
      const [crossed] = await mediate(sandbox, [
        { call: mover, way: "dirfd", path: "/workspace/plain.txt", other: "/workspace/sub/.env" },
      ]);
      expect([mover, crossed]).toEqual([mover, "EACCES"]);
    }
    expect(await call(sandbox, "unnamed-then-link", "/workspace", "/workspace/.env")).toBe("EACCES");
    expect((await shell(sandbox, "find . -name .env; cat plain.txt")).stdout).toBe("plain\n");
    expect(await call(sandbox, "unnamed-then-link", "/workspace", "/workspace/named")).toBe("OK");
  }),
  ...inBothModes("a folder that is renamed to a denied name takes nothing there", async (mode, scene) => {
    const { sandbox } = await sandboxWith(scene, FILES, { filesystem: FILESYSTEM }, { mode });
    await shell(sandbox, "mkdir a b && echo x > a/x && echo y > b/y");
    for (const [mover, from, to] of [
      ["renameat2", "a", ".env"],
      ["renameat2", "a", "sub/.env"],
      ["renameat2-exchange", "a", "docs/legal"],
      ["renameat2", "a", "docs/legal/a"],
    ] as const) {
      const answer = await call(sandbox, mover, `/workspace/${from}`, `/workspace/${to}`);
      expect([mover, to, ["EACCES", "EXDEV"].includes(answer)]).toEqual([mover, to, true]);
    }
    expect((await shell(sandbox, "cat a/x; find . -name .env")).stdout).toBe("x\n");
    expect(await call(sandbox, "renameat2", "/workspace/a", "/workspace/sub/a")).toBe("OK");
    expect(await call(sandbox, "renameat2-exchange", "/workspace/sub/a", "/workspace/b")).toBe("OK");
    expect((await shell(sandbox, "cat sub/a/y b/x")).stdout).toBe("y\nx\n");
  }),
  ...inBothModes(
    "a folder with something denied in it cannot be renamed: mv copies what it may",
    async (mode, scene) => {
      const { sandbox, folder } = await sandboxWith(scene, FILES, { filesystem: FILESYSTEM }, { mode });
      expect(await callEachWay(sandbox, "renameat2", "/workspace/docs", "/workspace/d2")).toBe("EXDEV");
      expect(await call(sandbox, "renameat2-exchange", "/workspace/docs", "/workspace/sub")).toBe("EXDEV");
      expect(await call(sandbox, "renameat2", "/workspace/docs/legal", "/workspace/l2")).toMatch(/^(EACCES|EXDEV)$/);
      expect((await denialOf(sandbox, "/workspace/docs")).reason).toContain("renaming");
      // What is denied stays where it is, so the move as a whole fails.
      const moved = await shell(
        sandbox,
        "mv docs d2; echo status $?; cat d2/guide.txt; find . -name contract.txt; true",
      );
      expect(moved.stdout).toContain("status 1\nguide\n");
      expect(moved.stdout).not.toContain("d2/legal/contract.txt");
      if (mode === "mount") {
        expect(readFileSync(join(folder, "docs/legal/contract.txt"), "utf8")).toBe("SECRET contract\n");
      }
      const read = await shell(sandbox, "cat d2/legal/contract.txt docs/legal/contract.txt; ls docs/legal; true");
      expect(read.stdout).toBe("");
    },
  ),
  ...inBothModes("a rule about names anywhere leaves renaming of other folders alone", async (mode, scene) => {
    const filesystem = { write: ["."], deny: ["**/.env"] };
    const { sandbox } = await sandboxWith(scene, FILES, { filesystem }, { mode });
    const { stdout, exitCode } = await shell(
      sandbox,
      "mv docs d2 && mkdir -p deep/er && mv d2 deep/er/d3 && mv deep other && cat other/er/d3/guide.txt",
    );
    expect([stdout, exitCode]).toEqual(["guide\n", 0]);
  }),
  ...inBothModes(
    "what is denied cannot be read, changed, moved or removed by any spelling of its path",
    async (mode, scene) => {
      const files = { ...FILES, ".env": "SECRET=1\n", "sub/.env": "SECRET=2\n" };
      const { sandbox, folder } = await sandboxWith(scene, files, { filesystem: FILESYSTEM }, { mode });
      const refused = mode === "mount" ? ["EACCES"] : ["EACCES", "ENOENT"];
      const spellings = [
        "/.env",
        "//.env",
        "/./.env",
        "/sub/../.env",
        "/sub/./.env",
        "/sub//.env",
        "/../workspace/.env",
      ];
      for (const spelling of spellings) {
        for (const name of [
          "openat-read",
          "openat2-read",
          "openat-write",
          "truncate",
          "unlinkat",
          "fchmodat",
          "setxattr",
        ]) {
          const answer = await call(sandbox, name, `/workspace${spelling}`);
          expect([name, spelling, refused]).toEqual([name, spelling, expect.arrayContaining([answer])]);
        }
        for (const mover of ["renameat2", "linkat", "linkat-descriptor", "renameat2-exchange"]) {
          const answer = await call(sandbox, mover, `/workspace${spelling}`, "/workspace/plain.txt");
          expect([mover, spelling, [...refused, "EEXIST"]]).toEqual([
            mover,
            spelling,
            expect.arrayContaining([answer]),
          ]);
        }
      }
      const links =
        "ln -s ../.env sub/up && ln -s .env here && ln -s /workspace/docs/legal l && cat sub/up here l/contract.txt";
      const roots = "cat /proc/self/cwd/.env /proc/self/root/workspace/.env /proc/thread-self/cwd/sub/.env";
      expect((await shell(sandbox, `${links}; ${roots}; cat plain.txt; true`)).stdout).toBe("plain\n");
      if (mode === "mount") expect(readFileSync(join(folder, ".env"), "utf8")).toBe("SECRET=1\n");
    },
  ),
  {
    name: "a denied path stays denied when the host renames another file over it, or makes it later",
    async run(scene) {
      const filesystem = { write: ["."], deny: [{ id: "secret", path: "./config/secret.txt" }, "**/.env"] };
      const files = { "config/secret.txt": "SECRET one\n" };
      const { sandbox, folder } = await sandboxWith(scene, files, { filesystem }, { mode: "mount" });
      const secret = "/workspace/config/secret.txt";
      expect(await callEachWay(sandbox, "openat-read", secret)).toBe("EACCES");
      writeFileSync(join(folder, "config/next"), "SECRET two\n");
      giveAway(join(folder, "config/next"));
      renameSync(join(folder, "config/next"), join(folder, "config/secret.txt"));
      expect(await callEachWay(sandbox, "openat-read", secret)).toBe("EACCES");
      expect(await callEachWay(sandbox, "openat-write", secret)).toBe("EACCES");
      expect((await shell(sandbox, "cat config/secret.txt; true")).stdout).toBe("");
      mkdirSync(join(folder, "later"));
      writeFileSync(join(folder, "later/.env"), "SECRET three\n");
      giveAway(join(folder, "later"), join(folder, "later/.env"));
      expect(await callEachWay(sandbox, "openat-read", "/workspace/later/.env")).toBe("EACCES");
      expect(await call(sandbox, "unlinkat", "/workspace/later/.env")).toBe("EACCES");
      expect(existsSync(join(folder, "later/.env"))).toBe(true);
      expect((await denialOf(sandbox, secret)).ruleId).toBe("secret");
    },
  },
];
