/**
 * Ways around a list of programs: interpreters, the loader, memory, names, threads. Each is tried on a program that may
 * start as well, so that a refusal shows something.
 */
import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { refused, shell } from "../help.ts";
import { BIN, callEachWay, denialOf, problemsOf, sandboxWith, workspaceWith } from "../mediation.ts";
import type { Scene } from "../scene.ts";
import { start, withPrograms } from "./programs-rules.ts";

const TOOLS = "/workspace/tools";
const LOADER = process.arch === "x64" ? "/lib64/ld-linux-x86-64.so.2" : "/lib/ld-linux-aarch64.so.1";

/** Only the programs of `bin` and `good` may start. */
function listed(scene: Scene): Promise<Sandbox> {
  return withPrograms(scene, ["good", "bad"], { allow: [`${BIN}/*`, `${TOOLS}/good`] });
}

function guest(sandbox: Sandbox, ...argv: readonly string[]): Promise<string> {
  return sandbox.exec([`${BIN}/guest`, ...argv], { timeoutMs: 20_000 }).then(({ stdout }) => stdout.trim());
}

async function writeScript(sandbox: Sandbox, path: string, interpreter: string): Promise<void> {
  await sandbox.files.write(path, `#!${TOOLS}/${interpreter} ready\n`);
  await sandbox.exec([`${BIN}/attack`, "chmod", path]);
}

export const programTrickCases: readonly Case[] = [
  {
    name: "every call that starts programs is decided: execve, execveat, by descriptor and by /proc",
    async run(scene) {
      const sandbox = await withPrograms(scene, [], { allow: [`${BIN}/*`], deny: [`${BIN}/attack`] });
      for (const name of ["execve", "execveat", "execveat-descriptor", "execve-proc"]) {
        expect([name, await callEachWay(sandbox, name, `${BIN}/mediate`)]).toEqual([name, "OK"]);
        expect([name, await callEachWay(sandbox, name, `${BIN}/attack`)]).toEqual([name, "EACCES"]);
      }
    },
  },
  {
    name: "a program in memory, or one that lost its name, does not start",
    async run(scene) {
      // Under a list no memory is made that could run; without one it is made, and does not start.
      const unlisted = await withPrograms(scene, [], { deny: [`${TOOLS}/nothing`] });
      for (const sandbox of [await listed(scene), unlisted]) {
        for (const name of ["memory", "memory-proc"]) {
          expect([name, await callEachWay(sandbox, name, `${BIN}/mediate`)]).toEqual([name, "EACCES"]);
        }
        expect(await callEachWay(sandbox, "unlinked", `${BIN}/mediate`, `${BIN}/copy`)).toBe("EACCES");
      }
      const free = await withPrograms(scene, [], {});
      expect(await callEachWay(free, "memory", `${BIN}/mediate`)).toBe("OK");
    },
  },
  {
    name: "a script starts if its interpreter may, and unless a rule denies the script itself",
    async run(scene) {
      const names = ["listed", "unlisted", "denied", "of-bad"];
      const sandbox = await withPrograms(scene, ["good", "bad"], {
        allow: [`${BIN}/*`, `${TOOLS}/good`, `${TOOLS}/listed`, `${TOOLS}/denied`, `${TOOLS}/of-bad`],
        deny: [{ id: "no-script", binary: `${TOOLS}/denied` }],
      });
      for (const name of names) await writeScript(sandbox, `${TOOLS}/${name}`, name === "of-bad" ? "bad" : "good");
      const answers = await Promise.all(names.map((name) => start(sandbox, `${TOOLS}/${name}`)));
      expect(answers).toEqual(["ran", "ran", "EACCES", "EACCES"]);
      expect(await start(sandbox, `${TOOLS}/bad`)).toBe("EACCES");
      expect(await denialOf(sandbox, `${TOOLS}/of-bad`)).toMatchObject({ domain: "process" });
      expect(await denialOf(sandbox, `${TOOLS}/denied`)).toMatchObject({ domain: "process", ruleId: "no-script" });
    },
  },
  {
    name: "the dynamic loader does not start programs by itself",
    tools: true,
    notIn: () => (existsSync(LOADER) ? undefined : `this machine has no ${LOADER}`),
    async run(scene) {
      const sandbox = await withPrograms(scene, [], { allow: ["/**"] });
      expect((await sandbox.exec(["/usr/bin/env", "echo", "ran"])).stdout).toBe("ran\n");
      for (const loader of [LOADER, `/proc/self/root${LOADER}`]) {
        await refused(sandbox.exec([loader, "/usr/bin/env", "echo", "ran"]), "EXEC_FAILED");
      }
      expect((await shell(sandbox, `cp ${LOADER} ld; ./ld /usr/bin/env echo ran; true`)).stdout).toBe("");
    },
  },
  {
    name: "variables do not make the loader read what the sandbox may change",
    tools: true,
    async run(scene) {
      const sandbox = await withPrograms(scene, [], { allow: ["/**"] });
      await sandbox.files.write("/workspace/evil.so", "not a library");
      const loads = [
        { LD_PRELOAD: "/workspace/evil.so" },
        { LD_LIBRARY_PATH: "/workspace" },
        { LD_AUDIT: "/workspace/evil.so" },
      ];
      for (const env of loads) {
        await refused(sandbox.exec(["/usr/bin/env", "echo", "ran"], { env }), "EXEC_FAILED");
        const [name] = Object.keys(env);
        const { stdout } = await shell(sandbox, `${name}=/workspace/evil.so /usr/bin/env echo ran; true`);
        expect([name, stdout]).toEqual([name, ""]);
      }
      const free = await withPrograms(scene, [], {});
      const { stdout } = await free.exec(["/usr/bin/env", "echo", "ran"], { env: { LD_LIBRARY_PATH: "/workspace" } });
      expect(stdout).toBe("ran\n");
    },
  },
  {
    name: "variables do not make the loader look into a folder that holds something that the sandbox may change",
    tools: true,
    async run(scene) {
      const filesystem = { read: ["."], write: ["./lib/own.so"] };
      const files = { "lib/own.so": "not a library", "other/plain.so": "not a library" };
      const { sandbox } = await sandboxWith(scene, files, { filesystem, process: { allow: ["/**"] } });
      const look = (folder: string) => {
        return sandbox.exec(["/usr/bin/env", "echo", "ran"], { env: { LD_LIBRARY_PATH: `/workspace/${folder}` } });
      };
      await refused(look("lib"), "EXEC_FAILED");
      expect((await look("other")).stdout).toBe("ran\n");
    },
  },
  {
    name: "variables do not make the loader follow links that the sandbox may change, whatever leads to them",
    tools: true,
    async run(scene) {
      const root = workspaceWith(scene, { "lib/": "", "out/": "", "other/": "" });
      symlinkSync("../out/later", join(root, "lib/through"));
      symlinkSync("../other", join(root, "lib/fixed"));
      const filesystem = { read: ["."], write: ["./out"] };
      const policy = { version: 1, filesystem, process: { allow: ["/**"] } } as const;
      const sandbox = await scene.create(policy, { workspace: root });
      problemsOf(sandbox);
      // Where it leads now is read-only.
      await shell(sandbox, "ln -s ../other out/later");
      const look = (folder: string) => {
        return sandbox.exec(["/usr/bin/env", "echo", "ran"], { env: { LD_LIBRARY_PATH: `/workspace/lib/${folder}` } });
      };
      expect((await look("fixed")).stdout).toBe("ran\n");
      await refused(look("through"), "EXEC_FAILED");
    },
  },
  {
    name: "variables for the loader are bounded together: each path in them is looked for",
    tools: true,
    async run(scene) {
      const sandbox = await withPrograms(scene, [], { allow: ["/**"] });
      const many = Array.from({ length: 40 }, () => "/usr/lib/none").join(":");
      const look = (env: Record<string, string>) => sandbox.exec(["/usr/bin/env", "echo", "ran"], { env });
      expect((await look({ LD_LIBRARY_PATH: many })).stdout).toBe("ran\n");
      await refused(look({ LD_LIBRARY_PATH: many, GCONV_PATH: many }), "EXEC_FAILED");
    },
  },
  {
    name: "a program of many names starts by the names that are allowed, and cannot pass for another",
    async run(scene) {
      const links = ["applet-one", "applet-two"].map((name) => `${TOOLS}/${name}`);
      const sandbox = await withPrograms(scene, ["many"], { allow: [`${BIN}/*`, `${TOOLS}/applet-one`, "sh", "ln"] });
      await shell(sandbox, "ln -s many tools/applet-one; ln -s many tools/applet-two");
      const answers = await Promise.all(links.map((link) => guest(sandbox, "start", link)));
      expect(answers).toEqual(["applet-one", "EACCES"]);
      expect(await guest(sandbox, "start-as", "applet-one", `${TOOLS}/applet-one`)).toBe("applet-one");
      expect(await guest(sandbox, "start-as", "applet-two", `${TOOLS}/applet-one`)).toBe("EACCES");
      expect(await guest(sandbox, "start-as", "applet-one", `${TOOLS}/many`)).toBe("EACCES");
      expect(await guest(sandbox, "start-as", "applet-one", `${TOOLS}/applet-two`)).toBe("EACCES");
    },
  },
  {
    name: "a start by another thread than the first, by vfork and by posix_spawn is decided and works",
    async run(scene) {
      const sandbox = await listed(scene);
      for (const [job, works, refusal] of [
        ["thread-exec", "ran", "EACCES"],
        ["vfork-exec", "ran\nstatus 0", "status 99"],
        ["spawn-exec", "ran\nstatus 0", "EACCES"],
      ] as const) {
        expect([job, await guest(sandbox, job, `${TOOLS}/good`, "ready")]).toEqual([job, works]);
        expect([job, await guest(sandbox, job, `${TOOLS}/bad`, "ready")]).toEqual([job, refusal]);
      }
      expect(await guest(sandbox, "vfork-exec", `${TOOLS}/good`, "exit", "7")).toBe("status 7");
    },
  },
  {
    name: "a program that cannot be read does not start where programs are listed",
    async run(scene) {
      const sandbox = await withPrograms(scene, ["closed"], { allow: [`${BIN}/*`, `${TOOLS}/*`, "sh", "chmod"] });
      expect(await start(sandbox, `${TOOLS}/closed`)).toBe("ran");
      expect((await shell(sandbox, "chmod 0111 tools/closed")).exitCode).toBe(0);
      expect(await start(sandbox, `${TOOLS}/closed`)).toBe("EACCES");
    },
  },
  {
    name: "starts that fail by themselves fail as elsewhere, and leave the process as it was",
    async run(scene) {
      const sandbox = await withPrograms(scene, ["one"], { allow: ["/**"] });
      await sandbox.files.write(`${TOOLS}/text`, "no program\n");
      await sandbox.exec([`${BIN}/attack`, "chmod", `${TOOLS}/text`]);
      expect(await start(sandbox, `${TOOLS}/text`)).toBe("ENOEXEC");
      expect(await start(sandbox, `${TOOLS}/missing`)).toBe("ENOENT");
      expect(await start(sandbox, `${TOOLS}`)).toBe("EACCES");
      expect(await start(sandbox, `${TOOLS}/one/below`)).toBe("ENOTDIR");
      // Many in a row: none may stay traced.
      expect(await guest(sandbox, "again", "200", `${TOOLS}/text`)).toBe("well 0 stopped 0 other 200");
      expect(await guest(sandbox, "again", "200", `${TOOLS}/one`, "exit", "0")).toBe("well 200 stopped 0 other 0");
    },
  },
];
