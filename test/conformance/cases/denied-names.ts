/**
 * Denials of what has more names than the one that the policy knows, or no object yet: links of the workspace, of the image and
 * of the host, and the host's own name of the workspace.
 */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { attack, shell } from "../help.ts";
import { giveAway, type Scene } from "../scene.ts";

const SECRET = "TOP-SECRET\n";

/** Of the local runtime alone: elsewhere absolute paths are the image's. */
const notHostPaths = ({ docker }: Scene["place"]) => (docker ? "absolute paths are those of the image" : undefined);

/** Makes a file of the host that everybody may read. */
function secretAt(path: string): void {
  writeFileSync(path, SECRET, { mode: 0o644 });
  giveAway(path);
}

export const deniedNameCases: readonly Case[] = [
  {
    name: "a denial over a link of the workspace is about what is made behind the link later",
    async run(scene) {
      for (const mode of ["copy", "mount"] as const) {
        const path = scene.furnished();
        mkdirSync(join(path, "releases/1"), { recursive: true });
        giveAway(join(path, "releases"), join(path, "releases/1"));
        symlinkSync("releases/1", join(path, "current"));
        symlinkSync("releases/later", join(path, "dangling"));
        const filesystem = { write: ["."], deny: ["./current/key", "./current/*.pem", "./dangling"] };
        const sandbox = await scene.create({ version: 1, filesystem }, { workspace: { path, mode } });
        if (mode === "mount") for (const name of ["1/key", "1/x.pem", "later"]) secretAt(join(path, "releases", name));
        const names = [
          "current/key",
          "releases/1/key",
          "current/x.pem",
          "releases/1/x.pem",
          "dangling",
          "releases/later",
        ];
        for (const name of names) {
          expect([mode, name, (await shell(sandbox, `echo mine >> ${name}; cat ${name}`)).stdout]).toEqual([
            mode,
            name,
            "",
          ]);
        }
        expect((await shell(sandbox, "echo mine > current/free; cat releases/1/free")).stdout).toBe("mine\n");
      }
    },
  },
  {
    name: "a link that a denial leads over stays where it is, so that the next policy still means the same",
    async run(scene) {
      for (const mode of ["copy", "mount"] as const) {
        const path = scene.furnished();
        mkdirSync(join(path, "releases/1"), { recursive: true });
        secretAt(join(path, "releases/1/key"));
        giveAway(join(path, "releases"), join(path, "releases/1"));
        symlinkSync("current", join(path, "first"));
        symlinkSync("releases/1", join(path, "current"));
        const filesystem = { write: ["."], deny: ["./first/key"] };
        const sandbox = await scene.create({ version: 1, filesystem }, { workspace: { path, mode } });
        const script = `ln -s /tmp free; for link in first current; do rm $link; mv $link other; ln -sfn /tmp $link; done
          readlink first; readlink current`;
        expect([mode, (await shell(sandbox, script)).stdout]).toEqual([mode, "current\nreleases/1\n"]);
        for (const call of ["rename", "exchange"]) {
          const answer = await attack(sandbox, call, "/workspace/free", "/workspace/current");
          expect([mode, call, answer]).toEqual([mode, call, "EACCES"]);
        }
        expect((await shell(sandbox, "mv free moved && echo moved")).stdout).toBe("moved\n");
        await sandbox.setPolicy({ version: 1, filesystem: { ...filesystem, deny: ["./first/key", "./more"] } });
        expect([mode, (await shell(sandbox, "cat releases/1/key")).stdout]).toEqual([mode, ""]);
      }
    },
  },
  {
    name: "a denial over a link of the system is about what is made behind the link later",
    tools: true,
    async run(scene) {
      const filesystem = { read: ["."], write: ["/run/kept"], deny: ["/var/run/kept/key"] };
      const volumes = [{ name: "kept", path: "/run/kept" }];
      const sandbox = await scene.own({ volumes }, { version: 1, filesystem });
      expect((await shell(sandbox, "echo mine > /run/kept/key; cat /run/kept/key")).stdout).toBe("");
      expect((await shell(sandbox, "echo mine > /run/kept/free; cat /run/kept/free")).stdout).toBe("mine\n");
    },
  },
  {
    name: "a denial in a workspace is about the name that the folder has on the host as well",
    notIn: notHostPaths,
    async run(scene) {
      for (const mode of ["copy", "mount", "overlay"] as const) {
        const path = scene.furnished();
        const above = scene.folder();
        symlinkSync(path, join(above, "link"));
        for (const name of ["writable/key", "writable/a.pem"]) secretAt(join(path, name));
        const deny = ["./writable/key", "**/*.pem", join(path, "secret")];
        const filesystem = { write: ["."], read: [path], deny };
        const sandbox = await scene.create({ version: 1, filesystem }, { workspace: { path, mode } });
        const names = ["writable/key", "writable/a.pem", "secret/secret.txt"];
        for (const name of names.flatMap((each) => [each, join(path, each)])) {
          expect([mode, name, (await shell(sandbox, `cat ${name}`)).stdout]).toEqual([mode, name, ""]);
        }
        expect((await shell(sandbox, `ls ${path}`)).stdout).toContain("writable");
      }
    },
  },
  {
    name: "a denial over a link of the host that the sandbox does not have is about what the link leads to",
    notIn: notHostPaths,
    async run(scene) {
      const above = scene.folder();
      mkdirSync(join(above, "real"));
      giveAway(join(above, "real"));
      for (const name of ["key", "a.pem", "free"]) secretAt(join(above, "real", name));
      symlinkSync("real", join(above, "link"));
      const deny = [join(above, "link/key"), join(above, "link/*.pem"), join(above, "link/later")];
      const filesystem = { read: [join(above, "real")], deny };
      const sandbox = await scene.create({ version: 1, filesystem });
      secretAt(join(above, "real/later"));
      for (const name of ["key", "a.pem", "later"]) {
        expect([name, (await shell(sandbox, `cat ${join(above, "real", name)}`)).stdout]).toEqual([name, ""]);
      }
      expect((await shell(sandbox, `cat ${join(above, "real/free")}`)).stdout).toBe(SECRET);
    },
  },
];
