/**
 * Programs that take long to be hashed: whoever starts one waits for that, and nobody else does.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { definePlugin, deny, type Plugin, type ProcessStart } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { shell, until, within } from "../help.ts";
import { BIN, mediate } from "../mediation.ts";
import { start, withPrograms } from "./programs-rules.ts";

const TOOLS = "/workspace/tools";
const LONG = `${TOOLS}/long`;

/** Makes a program long with zeros, which take no room and as much time as any. */
const lengthen = (mebibytes: number): string =>
  `dd if=/dev/null of=${LONG} bs=1048576 seek=${mebibytes} count=0 2> /dev/null`;

function watching(name: string, seen: ProcessStart[], verdict: () => ReturnType<typeof deny> | undefined): Plugin {
  const handler = (each: ProcessStart) => {
    seen.push(each);
    return verdict();
  };
  return definePlugin(() => ({ name, hooks: { process: { start: { binaries: [LONG], handler } } } }))();
}

export const hashingCases: readonly Case[] = [
  {
    name: "starting programs that are long to hash holds up neither files nor starts of other commands",
    async run(scene) {
      const seen: ProcessStart[] = [];
      const plugins = [watching("watcher", seen, () => undefined)];
      const sandbox = await withPrograms(scene, ["long", "short"], {}, { plugins });
      await sandbox.files.write("/workspace/plain.txt", "plain\n");
      await shell(sandbox, lengthen(60));
      // As many as there can be supervisors: each has one of them, and others beside it.
      const hostile = await Promise.all(
        Array.from({ length: 4 }, () => sandbox.spawn([`${BIN}/guest`, "again", "400", LONG, "exit", "0"])),
      );
      await until(() => seen.length >= 4, "the long programs start");
      const before = seen.length;
      const reads = { call: "openat-read", way: "absolute", path: "/workspace/plain.txt" } as const;
      expect(new Set(await mediate(sandbox, new Array(100).fill(reads)))).toEqual(new Set(["OK:plain_"]));
      for (let index = 0; index < 20; index++) expect(await start(sandbox, `${TOOLS}/short`)).toBe("ran");
      // Had each waited for one long program on the way, there would be 120 of these.
      expect(seen.length - before).toBeLessThan(60);
      await within(30_000, "kill()", Promise.all(hostile.map((command) => command.kill())));
      expect(await start(sandbox, `${TOOLS}/short`)).toBe("ran");
    },
  },
  {
    name: "hooks see the hash of a program that the sandbox can change, up to a length that is read",
    async run(scene) {
      const seen: ProcessStart[] = [];
      const plugins = [watching("watcher", seen, () => undefined)];
      const sandbox = await withPrograms(scene, ["long"], {}, { plugins });
      const digest = createHash("sha256").update(readFileSync(scene.programs.guest)).digest("hex");
      expect(await start(sandbox, LONG)).toBe("ran");
      await shell(sandbox, lengthen(8));
      const zeros = Buffer.alloc(8 << 20);
      readFileSync(scene.programs.guest).copy(zeros);
      expect(await start(sandbox, LONG)).toBe("ran");
      // Longer than what is read of a file that the sandbox can change.
      await shell(sandbox, lengthen(65));
      expect(await start(sandbox, LONG)).toBe("ran");
      const longer = createHash("sha256").update(zeros).digest("hex");
      expect(seen.map(({ sha256 }) => sha256)).toEqual([digest, longer, undefined]);
    },
  },
  {
    name: "commands that are killed while their programs are hashed are gone, and the sandbox goes on",
    async run(scene) {
      const seen: ProcessStart[] = [];
      const plugins = [watching("watcher", seen, () => deny("not this one"))];
      const sandbox = await withPrograms(scene, ["long", "short"], {}, { plugins });
      await shell(sandbox, lengthen(60));
      for (let round = 0; round < 5; round++) {
        const commands = await Promise.all(
          Array.from({ length: 12 }, () => sandbox.spawn([`${BIN}/guest`, "again", "50", LONG, "exit", "0"])),
        );
        await within(30_000, "kill()", Promise.all(commands.map((command) => command.kill())));
        expect(await start(sandbox, `${TOOLS}/short`)).toBe("ran");
      }
      expect(await start(sandbox, LONG)).toBe("EACCES");
    },
  },
];
