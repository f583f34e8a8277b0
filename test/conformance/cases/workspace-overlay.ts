/**
 * A workspace that is overlaid: the folder of the host below, what the sandbox changes above it.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect } from "vitest";
import type { Policy, Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { attack, picture, refused, shell, until } from "../help.ts";
import { expectNothingLeft, lookAround } from "../leftovers.ts";
import type { Place } from "../places.ts";
import { outside } from "../programs.ts";
import { giveAway, type Scene, SHARED_POLICY } from "../scene.ts";

const REFUSALS = ["EACCES", "EPERM", "EROFS"];
const WHOLE: Policy = { version: 1, filesystem: { write: ["."] } };

function overlaid(scene: Scene, path: string, policy: Policy = SHARED_POLICY): Promise<Sandbox> {
  return scene.create(policy, { workspace: { path, mode: "overlay" } });
}

function onlyLocal({ docker }: Place): string | undefined {
  return docker ? "the docker runtime has no overlays" : undefined;
}

function onlyRoot(place: Place): string | undefined {
  return onlyLocal(place) ?? (place.name === "local-user" ? "an ordinary user has no files of others" : undefined);
}

export const workspaceOverlayCases: readonly Case[] = [
  {
    name: "an overlay on docker is WORKSPACE_UNUSABLE, and the error names the copy",
    notIn: (place) => (place.docker ? undefined : "the local runtime has overlays"),
    async run(scene) {
      const error = await refused(overlaid(scene, scene.furnished()), "WORKSPACE_UNUSABLE");
      expect(error.hint).toContain('"copy"');
    },
  },
  {
    name: "an overlaid workspace: nothing that happens inside reaches the folder of the host, and nothing is left",
    notIn: onlyLocal,
    async run(scene) {
      const workspace = scene.furnished();
      const before = picture(workspace);
      const around = await lookAround(scene);
      const sandbox = await overlaid(scene, workspace, WHOLE);
      const script = `echo changed > readonly/file.txt; echo more >> readonly/other.txt; rm -r secret; mkdir new; chmod 700 bin
touch -t 200001010000 writable/file.txt; mv readonly/folder/inner.txt new/moved; ln readonly/other.txt new/hard; ls; ls new readonly/folder`;
      expect((await shell(sandbox, script)).stdout).toBe(
        "bin\nnew\nreadonly\nwritable\nnew:\nhard\nmoved\n\nreadonly/folder:\n",
      );
      expect((await shell(sandbox, "cat readonly/file.txt new/hard new/moved")).stdout).toBe(
        "changed\nread me too\nmore\ninner\n",
      );
      expect(picture(workspace)).toBe(before);
      await sandbox.stop();
      expect(picture(workspace)).toBe(before);
      await expectNothingLeft(scene, around);
    },
  },
  {
    name: "an overlaid workspace: a folder that was removed and made again is empty",
    notIn: onlyLocal,
    async run(scene) {
      const sandbox = await overlaid(scene, scene.furnished(), WHOLE);
      const { stdout } = await shell(
        sandbox,
        "rm -r readonly && mkdir readonly && ls -A readonly; cat readonly/file.txt; echo x > readonly/x; ls -A readonly",
      );
      expect(stdout).toBe("x\n");
    },
  },
  {
    name: "an overlaid workspace: only what is granted is there, and read means read",
    notIn: onlyLocal,
    async run(scene) {
      const sandbox = await overlaid(scene, scene.furnished());
      const { stdout } = await shell(
        sandbox,
        "cat readonly/file.txt writable/file.txt; find / -name secret.txt 2>/dev/null; cat secret/secret.txt writable/to-secret /proc/self/cwd/secret/secret.txt",
      );
      expect(stdout).toBe("read me\nwrite me\n");
      const names = [
        "open-write",
        "open-append",
        "truncate",
        "chmod",
        "fchmod",
        "chown",
        "utime",
        "setxattr",
        "reopen-write",
      ];
      for (const name of [...names, "unlink"]) {
        expect(REFUSALS, name).toContain(await attack(sandbox, name, "readonly/file.txt"));
      }
      for (const name of ["chmod", "utime", "setxattr"]) {
        for (const folder of ["readonly", "readonly/folder", "bin"]) {
          expect(REFUSALS, `${name} ${folder}`).toContain(await attack(sandbox, name, folder));
        }
      }
      expect(sandbox.enforcement).toMatchObject({ workspace: "overlay", mode: "trapped" });
    },
  },
  {
    name: "an overlaid workspace: what belongs to the folder's owner is the agent's",
    notIn: onlyLocal,
    async run(scene) {
      const path = scene.furnished();
      chmodSync(join(path, "writable/file.txt"), 0o600);
      const sandbox = await overlaid(scene, path);
      const script =
        "test -O writable/file.txt && echo mine; echo x >> writable/file.txt && chmod 640 writable/file.txt && cat writable/file.txt; id -u";
      expect((await shell(sandbox, script)).stdout).toBe("mine\nwrite me\nx\n1000\n");
      await sandbox.files.write("writable/by-files", "files");
      expect((await sandbox.files.stat("writable/by-files")).size).toBe(5);
      expect(lstatSync(join(path, "writable/file.txt")).mode & 0o777).toBe(0o600);
    },
  },
  {
    name: "an overlaid workspace that belongs to root is the agent's, and stays root's on the host",
    notIn: onlyRoot,
    async run(scene) {
      const path = scene.folder();
      mkdirSync(join(path, "private"), { mode: 0o700 });
      writeFileSync(join(path, "private/file"), "of root\n", { mode: 0o600 });
      execFileSync("chown", ["-R", "0:0", path]);
      const before = picture(path);
      const sandbox = await overlaid(scene, path, { version: 1, filesystem: { write: ["./private", "./out/deep"] } });
      expect(
        (
          await shell(
            sandbox,
            "cat private/file; echo x > private/file && cat private/file; echo y > out/deep/y; cat out/deep/y",
          )
        ).stdout,
      ).toBe("of root\nx\ny\n");
      expect(picture(path)).toBe(before);
    },
  },
  {
    name: "an overlaid workspace: files of somebody else stay theirs: read by their modes, replaced but not written",
    notIn: onlyRoot,
    async run(scene) {
      const path = scene.furnished();
      const at = (name: string) => join(path, "writable", name);
      for (const [name, mode] of [
        ["open", 0o644],
        ["closed", 0o600],
        ["shared", 0o666],
      ] as const) {
        writeFileSync(at(name), `${name}\n`);
        chmodSync(at(name), mode);
        execFileSync("chown", ["4242:4242", at(name)]);
      }
      const before = picture(path);
      const sandbox = await overlaid(scene, path);
      const script =
        "cd writable; cat open closed; for f in open closed shared; do echo x >> $f; done; cat open shared; rm open closed && echo y > open && cat open";
      expect((await shell(sandbox, script)).stdout).toBe("open\nopen\nshared\nx\ny\n");
      expect(REFUSALS).toContain(await attack(sandbox, "chmod", "writable/shared"));
      expect(picture(path)).toBe(before);
    },
  },
  {
    name: "an overlaid workspace: a folder to write that does not exist is made above alone",
    notIn: onlyLocal,
    async run(scene) {
      const path = scene.furnished();
      const sandbox = await overlaid(scene, path, {
        version: 1,
        filesystem: { read: ["./readonly"], write: ["./readonly/out/deep"] },
      });
      await sandbox.files.write("readonly/out/deep/x", "x");
      expect(
        (await shell(sandbox, "cat readonly/out/deep/x; echo y > readonly/out/y; echo z > readonly/z; ls readonly/out"))
          .stdout,
      ).toBe("xdeep\n");
      expect(readdirSync(join(path, "readonly"))).not.toContain("out");
    },
  },
  {
    name: "an overlaid workspace: a denial inside a grant holds, by every name and around renames",
    notIn: onlyLocal,
    async run(scene) {
      const path = scene.furnished();
      writeFileSync(join(path, "writable/.env"), "TOP-SECRET\n");
      giveAway(join(path, "writable/.env"));
      const sandbox = await overlaid(scene, path, {
        version: 1,
        filesystem: { write: ["."], deny: ["./secret", "**/.env"] },
      });
      const script = `cat secret/secret.txt writable/.env writable/to-secret /proc/self/cwd/secret/secret.txt
mv secret stolen; cat stolen/secret.txt; ln writable/.env hard; cat hard; mv writable/.env plain; cat plain; rm -r secret; mv writable moved; cat moved/.env; true`;
      expect((await shell(sandbox, script)).stdout).toBe("");
      expect(sandbox.enforcement.mode).toBe("emulated");
      expect(
        (
          await shell(
            sandbox,
            "echo x > writable/file.txt; mv writable/file.txt renamed; cat renamed; rm -r readonly; ls readonly; ls writable",
          )
        ).stdout,
      ).toBe("x\nto-environ\nto-readonly\nto-root\nto-secret\nto-shadow\n");
    },
  },
  {
    name: "an overlaid workspace: sockets and FIFOs of the host lead to nobody, and its devices do nothing",
    notIn: onlyLocal,
    async run(scene) {
      const path = scene.furnished();
      const at = (name: string) => join(path, "writable", name);
      let connections = 0;
      const server = createServer((socket) => {
        connections++;
        socket.on("error", () => undefined).end("from the host\n");
      });
      await new Promise<void>((resolve) =>
        server.listen({ path: at("host.sock"), readableAll: true, writableAll: true }, resolve),
      );
      scene.defer(() => new Promise((resolve) => server.close(resolve)));
      execFileSync("mkfifo", [at("fifo")]);
      chmodSync(at("fifo"), 0o666);
      const reader = openSync(at("fifo"), constants.O_RDONLY | constants.O_NONBLOCK);
      scene.defer(() => closeSync(reader));
      const rooted = onlyRoot(scene.place) === undefined;
      if (rooted) execFileSync("mknod", ["-m", "0666", at("zero"), "c", "1", "5"]);
      const sandbox = await overlaid(scene, path);
      expect(["EACCES", "ECONNREFUSED"]).toContain(
        await attack(sandbox, "connect-unix", "/workspace/writable/host.sock"),
      );
      expect(connections).toBe(0);
      // The host reads from it, so outside nobody waits to write; inside it is another FIFO, which nobody reads.
      const write = 'import os\nos.open("writable/fifo", os.O_WRONLY | os.O_NONBLOCK)';
      expect((await sandbox.exec(["python3", "-c", write])).stderr).toMatch(/No such device or address/);
      expect(() => execFileSync("python3", ["-c", write], { cwd: path })).not.toThrow();
      if (rooted) expect((await shell(sandbox, "head -c 1 writable/zero | od -c")).stdout).toBe("0000000\n");
      expect(await attack(sandbox, "bind-unix", "/workspace/writable/own.sock")).toBe("done");
      expect(
        (await shell(sandbox, "mkfifo writable/own && (echo hello > writable/own & cat writable/own)")).stdout,
      ).toBe("hello\n");
      expect(outside([scene.programs.attack, "connect-unix", at("host.sock")])).toBe("done");
      await until(() => connections === 1, "the control reached the server");
    },
  },
  {
    name: "an overlaid workspace: programs in it are started, and verified where rules ask for it",
    notIn: onlyLocal,
    async run(scene) {
      const path = scene.furnished();
      linkSync(join(path, "bin/tool"), join(path, "bin/other"));
      const policy: Policy = {
        version: 1,
        filesystem: { write: ["."] },
        process: { allow: ["sh", "cp", "chmod", "./bin/attack"] },
      };
      const sandbox = await overlaid(scene, path, policy);
      expect(await attack(sandbox, "open-write", "writable/file.txt")).toBe("done");
      // Once more when it was changed, and is a file of the layer above.
      expect(
        (await shell(sandbox, "cp bin/attack bin/new && chmod 755 bin/attack && bin/new; bin/other; echo $?")).stdout,
      ).toMatch(/126\n$/);
      expect(await attack(sandbox, "open-write", "writable/file.txt")).toBe("done");
    },
  },
];
