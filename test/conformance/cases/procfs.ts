/**
 * /proc and /dev through symlinks: what is the caller's own stays the caller's, and nothing is the warden's.
 */
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { attack, Listener, shell, within } from "../help.ts";
import { call, callEachWay, mediate, sandboxWith, WAYS } from "../mediation.ts";
import type { Scene } from "../scene.ts";

const EMULATED = { filesystem: { write: ["."], deny: ["**/.env"] } };

async function emulated(scene: Scene): Promise<Sandbox> {
  const files = { "plain.txt": "plain\n", ".env": "SECRET\n" };
  return (await sandboxWith(scene, files, EMULATED, { mode: "mount" })).sandbox;
}

let lastLink = 0;

/** Makes symlinks in the workspace: names by target. */
async function linked(sandbox: Sandbox, targets: readonly string[]): Promise<string[]> {
  const names = targets.map(() => `/workspace/link-${++lastLink}`);
  for (const [index, target] of targets.entries()) await sandbox.exec(["ln", "-sfn", target, names[index] ?? ""]);
  return names;
}

/** Whatever is the warden's own, or its directory of descriptors. */
const WARDENS = ["maps", "mem", "environ", "fd", "fd/0", "fdinfo/0", "root", "cwd", "auxv", "task/1/maps", "map_files"];

export const procfsCases: readonly Case[] = [
  {
    name: "a symlink in the workspace to /proc/self or /proc/thread-self leads to the caller",
    async run(scene) {
      const sandbox = await emulated(scene);
      const kinds = ["/proc/self", "/proc/thread-self", "/proc/./self", "/proc/1/../self", "/dev/../proc/self"];
      for (const [index, link] of (await linked(sandbox, kinds)).entries()) {
        expect([kinds[index], await call(sandbox, "openat-read", `${link}/maps`)]).toEqual([
          kinds[index],
          expect.stringContaining("/workspace/bin/mediate"),
        ]);
        expect(await callEachWay(sandbox, "openat-read", `${link}/comm`)).toBe("OK:mediate_");
      }
      const [maps = "", status = ""] = await linked(sandbox, ["/proc/self/maps", "/proc/thread-self/status"]);
      for (const way of WAYS) {
        const jobs = [
          { call: "openat2-read", way, path: maps },
          { call: "openat-read", way, path: status },
        ];
        const [seenMaps, seenStatus] = await mediate(sandbox, jobs);
        expect(seenMaps).toContain("/workspace/bin/mediate");
        expect(seenStatus).toMatch(/^OK:Name:.mediate_/);
      }
      const { stdout } = await shell(sandbox, `cat ${maps} /proc/self/maps; true`);
      expect(stdout).not.toContain("warden");
    },
  },
  {
    name: "nothing of the warden can be opened, by its name or through a symlink in the workspace",
    async run(scene) {
      const sandbox = await emulated(scene);
      const paths = WARDENS.map((name) => `/proc/1/${name}`);
      const links = await linked(sandbox, paths);
      const [warden = ""] = await linked(sandbox, ["/proc/1"]);
      const all = [...paths, ...links, ...WARDENS.map((name) => `${warden}/${name}`), "/proc/self/../1/maps"];
      for (const path of all) {
        expect([path, ["EACCES", "EPERM", "ENOENT"]]).toEqual([
          path,
          expect.arrayContaining([await call(sandbox, "openat-read", path)]),
        ]);
        expect([path, (await sandbox.exec(["cat", path])).stdout]).toEqual([path, ""]);
      }
      const { stdout } = await shell(sandbox, "ls /proc/1/fd /proc/1/task/1/fd /proc/1/map_files; true");
      expect(stdout.replaceAll(/\/proc\/1\/.*:\n/g, "").trim()).toBe("");
    },
  },
  {
    name: "one's own memory cannot be written through /proc, nor anything else that the floor keeps",
    async run(scene) {
      const sandbox = await emulated(scene);
      const names = [
        "mem",
        "oom_score_adj",
        "comm",
        "attr/current",
        "coredump_filter",
        "clear_refs",
        "uid_map",
        "timerslack_ns",
      ];
      const paths = names.map((name) => `/proc/self/${name}`);
      const links = await linked(sandbox, paths);
      for (const path of [...paths, ...links, "/proc/sys/kernel/hostname", "/proc/sysrq-trigger"]) {
        for (const name of ["openat-write", "openat-read-write", "openat-truncate", "path-then-write", "truncate"]) {
          const answer = await call(sandbox, name, path);
          expect([path, name, answer]).toEqual([path, name, expect.stringMatching(/^E(ACCES|PERM|NOENT|INVAL|ROFS)$/)]);
        }
      }
      expect(await call(sandbox, "fchmodat", "/proc/self/comm")).toMatch(/^E(ACCES|PERM|ROFS)$/);
    },
  },
  {
    name: "a descriptor for reading does not become one for writing, nor leads to what is denied",
    async run(scene) {
      const files = { "open/file.txt": "file\n", "closed/file.txt": "file\n" };
      const filesystem = { read: ["./closed", "./bin"], write: ["./open"], deny: ["**/.env"] };
      const { sandbox } = await sandboxWith(scene, { ...files, ".env": "SECRET\n" }, { filesystem }, { mode: "mount" });
      for (const name of ["read-then-write", "path-then-write"]) {
        expect(await callEachWay(sandbox, name, "/workspace/closed/file.txt")).toBe("EACCES");
        expect(await callEachWay(sandbox, name, "/workspace/open/file.txt")).toBe("OK");
      }
      expect(await attack(sandbox, "reopen-write", "/workspace/closed/file.txt")).toBe("EACCES");
      expect(await callEachWay(sandbox, "path-then-read", "/workspace/.env")).toBe("EACCES");
      const script = "cat /proc/self/cwd/.env /proc/self/root/workspace/.env /dev/fd/../cwd/.env; true";
      expect((await shell(sandbox, script)).stdout).toBe("");
    },
  },
  {
    name: "/dev/stdin, /dev/stdout, /dev/fd and /proc/self/fd are the caller's own",
    async run(scene) {
      const sandbox = await emulated(scene);
      expect((await sandbox.exec(["cat", "/dev/stdin"], { stdin: "from the host" })).stdout).toBe("from the host");
      const script = `
cat /dev/stdin < plain.txt
cat /dev/fd/3 3< plain.txt
cat /proc/self/fd/4 4< plain.txt
echo piped | cat /dev/stdin
echo out > /dev/stdout
echo err > /dev/stderr
ls /proc/self/fd > /dev/null && echo listed`;
      const { stdout, stderr } = await shell(sandbox, script);
      expect(stdout).toBe("plain\nplain\nplain\npiped\nout\nlisted\n");
      expect(stderr).toBe("err\n");
    },
  },
  {
    name: "process substitution works",
    tools: true,
    async run(scene) {
      const sandbox = await emulated(scene);
      const { stdout } = await sandbox.exec(["bash", "-c", "diff <(echo one) <(echo two); cat <(cat plain.txt)"]);
      expect(stdout).toBe("1c1\n< one\n---\n> two\nplain\n");
    },
  },
  {
    name: "/dev/tty is the caller's terminal, and there is none without one",
    async run(scene) {
      const sandbox = await emulated(scene);
      const [link = ""] = await linked(sandbox, ["/dev/tty"]);
      const script = `tty; echo direct > /dev/tty; echo linked > ${link}; exec 3<>/dev/tty; echo again >&3; stty size < /dev/tty`;
      const command = await sandbox.spawn(["sh", "-c", script], { pty: { rows: 33, columns: 99 } });
      const listener = new Listener(command);
      await within(20_000, "the command", command.exited);
      await listener.ended;
      expect(listener.text).toMatch(/^\/dev\/pts\/\d+\r\ndirect\r\nlinked\r\nagain\r\n33 99\r\n$/);
      for (const path of ["/dev/tty", link]) expect(await callEachWay(sandbox, "openat-write", path)).toBe("ENXIO");
    },
  },
  {
    name: "what belongs to the same command can be looked at, and another command's cannot",
    async run(scene) {
      const sandbox = await emulated(scene);
      const command = await sandbox.spawn(["sleep", "600"], { env: { TOKEN: "hidden" } });
      const [link = ""] = await linked(sandbox, [`/proc/${command.pid}`]);
      const script = `cat "$1/environ" "$1/maps" "$1/mem" "$2/environ" "$2/maps"; readlink "$1/cwd"; true`;
      expect((await shell(sandbox, script, `/proc/${command.pid}`, link)).stdout).toBe("");
      const own =
        "sleep 600 & tr '\\0' ' ' < /proc/$!/cmdline; head -c 3 /proc/$!/maps > /dev/null && echo own; kill $!";
      expect((await shell(sandbox, own)).stdout).toContain("own\n");
      await command.kill();
    },
  },
  {
    name: "ps shows the processes of the sandbox",
    async run(scene) {
      const sandbox = await emulated(scene);
      const { stdout, exitCode } = await shell(sandbox, scene.place.tools ? "ps -e -o pid,args" : "ps -o pid,args");
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/ps -/);
      expect(stdout).not.toMatch(/dockerd|systemd|vitest/);
    },
  },
];
