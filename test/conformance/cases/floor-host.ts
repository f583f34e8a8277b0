/**
 * What a command is, and what it finds around itself.
 */
import { hostname } from "node:os";
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { attack, shell, within } from "../help.ts";

/** A field of /proc/self/status. */
async function status(sandbox: Sandbox, field: string): Promise<string | undefined> {
  const { stdout } = await sandbox.exec(["cat", "/proc/self/status"]);
  return new RegExp(`^${field}:\\s*(.*)$`, "m").exec(stdout)?.[1];
}

export const floorHostCases: readonly Case[] = [
  {
    name: "a command is an ordinary user, with a name and a home",
    async run(scene) {
      const sandbox = await scene.shared();
      const { uid, gid } = sandbox.enforcement.user;
      expect(uid).toBeGreaterThan(0);
      expect(gid).toBeGreaterThan(0);
      expect(await status(sandbox, "Uid")).toBe(`${uid}\t${uid}\t${uid}\t${uid}`);
      expect(await status(sandbox, "Gid")).toBe(`${gid}\t${gid}\t${gid}\t${gid}`);
      expect((await shell(sandbox, "id -un; id -u; id -g; echo ~")).stdout).toBe(
        `agent\n${uid}\n${gid}\n/home/agent\n`,
      );
    },
  },
  {
    name: "a command has no capability, and cannot gain one",
    async run(scene) {
      const sandbox = await scene.shared();
      for (const field of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
        expect([field, await status(sandbox, field)]).toEqual([field, "0000000000000000"]);
      }
      expect(await status(sandbox, "NoNewPrivs")).toBe("1");
      expect(await status(sandbox, "Seccomp")).toBe("2");
    },
  },
  {
    name: "a setuid program gains nothing",
    async run(scene) {
      const sandbox = await scene.shared();
      const { uid } = sandbox.enforcement.user;
      const script = "cp bin/tool /tmp/set-id && chmod 6755 /tmp/set-id && ls -l /tmp/set-id && /tmp/set-id status";
      const { stdout } = await shell(sandbox, script);
      expect(stdout).toMatch(/^-rwsr-sr-x/);
      expect(/^Uid:\s*(.*)$/m.exec(stdout)?.[1]).toBe(`${uid}\t${uid}\t${uid}\t${uid}`);
      expect(/^CapEff:\s*(.*)$/m.exec(stdout)?.[1]).toBe("0000000000000000");
      expect((await shell(sandbox, "su -c id root < /dev/null; true")).stdout).not.toContain("uid=0");
    },
  },
  {
    name: "nothing of the host's own name is to be seen",
    async run(scene) {
      const sandbox = await scene.shared();
      const { stdout } = await shell(
        sandbox,
        "uname -n; hostname; cat /etc/hostname /etc/hosts /proc/sys/kernel/hostname",
      );
      expect(stdout).toContain("sandbox\n");
      if (hostname() !== "localhost") expect(stdout).not.toContain(hostname());
    },
  },
  {
    name: "HOME, /tmp, /var/tmp and /dev/shm are empty, private and writable, and programs run from them",
    async run(scene) {
      const [one, other] = await Promise.all([scene.own(), scene.own()]);
      for (const folder of ["$HOME", "/tmp", "/var/tmp", "/dev/shm"]) {
        const script = `cd "${folder}" && ls -A && echo mine > file && cat file && chmod 600 file && mkdir sub && pwd`;
        const { stdout } = await shell(one, script);
        expect(stdout).toBe(`mine\n${folder === "$HOME" ? "/home/agent" : folder}\n`);
        expect((await shell(other, `ls -A "${folder}"`)).stdout).toBe("");
      }
      expect((await shell(one, "cp bin/tool /tmp/tool && /tmp/tool arguments x")).stdout).toBe("x\0");
    },
  },
  {
    name: "the devices that programs need are there, and work",
    async run(scene) {
      const sandbox = await scene.shared();
      const script = `
head -c 3 /dev/zero | wc -c; head -c 8 /dev/urandom | wc -c; head -c 8 /dev/random | wc -c
echo x > /dev/null && cat /dev/null && echo null; (echo x > /dev/full) 2>/dev/null || echo full
echo in | cat /dev/stdin; echo out > /dev/stdout; echo fd > /dev/fd/1`;
      const { stdout } = await shell(sandbox, script);
      expect(stdout.split(/\s+/).filter(Boolean)).toEqual(["3", "8", "8", "null", "full", "in", "out", "fd"]);
    },
  },
  {
    name: "a volume of the image is not writable, and its content is not there to read",
    notIn: (place) => (place.name === "docker-busybox" ? undefined : "only the image of docker-busybox has a volume"),
    async run(scene) {
      const sandbox = await scene.shared();
      expect(["EACCES", "EROFS"]).toContain(await attack(sandbox, "create", "/data/x"));
      expect(await attack(sandbox, "open-read", "/data/from-image")).toMatch(/^(EACCES|ENOENT)$/);
      const granted = await scene.own({}, { version: 1, filesystem: { read: ["./bin", "/data"] } });
      expect(["EACCES", "EROFS"]).toContain(await attack(granted, "create", "/data/x"));
    },
  },
  {
    name: "a health check of the image does not run",
    notIn: (place) =>
      place.name === "docker-busybox" ? undefined : "only the image of docker-busybox has a health check",
    async run(scene) {
      const sandbox = await scene.own();
      // The image's check leaves this file each second.
      await sandbox.exec(["sleep", "2.5"]);
      expect(await sandbox.files.exists("/tmp/healthcheck-ran")).toBe(false);
    },
  },
  {
    name: "names are asked of nobody: the resolver is the sandbox's own, without the host's search list",
    async run(scene) {
      const sandbox = await scene.shared();
      const { stdout } = await sandbox.exec(["cat", "/etc/resolv.conf"]);
      const lines = stdout.split("\n").filter((line) => !line.startsWith("#") && line.trim() !== "");
      expect(lines.filter((line) => line.startsWith("nameserver"))).toEqual(["nameserver 127.0.0.1"]);
      expect(lines.filter((line) => line.startsWith("search") && line.trim() !== "search .")).toEqual([]);
      expect(stdout).toContain("ndots:0");
    },
  },
  {
    name: "there is a loopback and no other interface",
    async run(scene) {
      const sandbox = await scene.shared();
      const { stdout } = await sandbox.exec(["cat", "/proc/net/dev"]);
      const names = stdout
        .trim()
        .split("\n")
        .slice(2)
        .map((line) => line.split(":")[0]?.trim());
      // Some kernels put unused tunnel devices into every namespace.
      expect(
        names.filter(
          (name) => !/^(tunl0|sit0|ip6tnl0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|ip6gre0)$/.test(name ?? ""),
        ),
      ).toEqual(["lo"]);
      const routes = (await sandbox.exec(["cat", "/proc/net/route"])).stdout.trim().split("\n").slice(1);
      expect(routes).toEqual([]);
    },
  },
  {
    name: "nothing outside can be reached: connections and datagrams fail at once",
    async run(scene) {
      const sandbox = await scene.shared();
      for (const address of ["192.0.2.1", "169.254.169.254", "10.0.0.1", "172.17.0.1", "8.8.8.8"]) {
        const asked = await within(10_000, address, shell(sandbox, 'bin/tool ask "$1" 80', address));
        expect([address, asked.stdout]).toEqual([address, "ENETUNREACH\n"]);
        expect((await shell(sandbox, 'bin/tool send "$1" 53', address)).stdout).toBe("ENETUNREACH\n");
      }
      expect((await shell(sandbox, "bin/tool ask 127.0.0.1 22")).stdout).toBe("ECONNREFUSED\n");
    },
  },
  {
    name: "the umask is 022, core files are off, and no descriptor but the three is open",
    async run(scene) {
      const sandbox = await scene.shared();
      const { stdout } = await shell(
        sandbox,
        "umask; ulimit -c; ulimit -H -c; : > writable/made; stat -c %a writable/made",
      );
      expect(
        stdout
          .trim()
          .split("\n")
          .map((line) => line.replace(/^0+(?=.)/, "")),
      ).toEqual(["22", "0", "0", "644"]);
      // ls opens the folder itself, as the lowest descriptor that is free.
      expect((await sandbox.exec(["ls", "/proc/self/fd"])).stdout).toBe("0\n1\n2\n3\n");
      const limits = (await sandbox.exec(["cat", "/proc/self/limits"])).stdout;
      expect(limits).toMatch(/Max core file size\s+0\s+0\s/);
    },
  },
  {
    name: "signals are as a program expects them: none blocked, none ignored",
    async run(scene) {
      const sandbox = await scene.shared();
      const { stdout } = await sandbox.exec(["grep", "^Sig", "/proc/self/status"]);
      for (const field of ["SigBlk", "SigIgn"]) expect(stdout).toMatch(new RegExp(`^${field}:\\s*0+$`, "m"));
      expect((await shell(sandbox, "yes | head -n 1; echo $?")).stdout).toBe("y\n0\n");
    },
  },
  {
    name: "a command leads a session and a process group of its own",
    async run(scene) {
      const sandbox = await scene.shared();
      const { stdout } = await shell(
        sandbox,
        "read -r pid name state parent group session rest < /proc/$$/stat; echo $$ $group $session",
      );
      const [pid, group, session] = stdout.trim().split(" ");
      expect([group, session]).toEqual([pid, pid]);
    },
  },
];
