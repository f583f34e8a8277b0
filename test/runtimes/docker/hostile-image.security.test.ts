/**
 * Images whose own links are in the way of what is mounted.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { TRUST_DIRECTORY } from "../../../src/egress/tls/trust.ts";
import { createSandbox, removeVolume } from "../../../src/mod.ts";
import type { VolumeRequest } from "../../../src/runtimes/runtime.ts";
import { BUSYBOX, docker, filesystemOf, hasEngine, shellRuntime, uniqueId, wardenFrom } from "./support.ts";

const scratch = mkdtempSync(join(tmpdir(), "cofferdam-links-"));
const images: string[] = [];

afterAll(() => {
  for (const image of images) docker("image", "rm", image);
  rmSync(scratch, { recursive: true, force: true });
});

/** An image of nothing but links. */
function imageOf(links: Readonly<Record<string, string>>, ...changes: string[]): string {
  const image = `cofferdam-test-${uniqueId()}:latest`;
  docker("import", ...changes.flatMap((change) => ["--change", change]), archiveOf(links), image);
  images.push(image);
  return image;
}

function imageOver(base: string, links: Readonly<Record<string, string>>): string {
  const image = `cofferdam-test-${uniqueId()}:latest`;
  const context = mkdtempSync(join(scratch, "context-"));
  cpSync(archiveOf(links), join(context, "links.tar"));
  writeFileSync(join(context, "Dockerfile"), `FROM ${base}\nADD links.tar /\n`);
  docker("build", "-q", "-t", image, context);
  images.push(image);
  return image;
}

function archiveOf(links: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(scratch, "image-"));
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  }
  execFileSync("tar", ["-C", root, "-cf", `${root}.tar`, ...Object.keys(links).map((path) => path.slice(1))]);
  return `${root}.tar`;
}

/** A folder of an ordinary user's with `docs`, and what says that it is the warden. */
async function makeWorkspace() {
  const path = mkdtempSync(join(scratch, "work-"));
  mkdirSync(join(path, "docs"));
  mkdirSync(join(path, "evil"));
  const evil = await wardenFrom('#include <unistd.h>\nint main(void) { write(1, "evil", 4); pause(); }', "evil")("x64");
  cpSync(evil.path, join(path, "evil/warden"));
  chmodSync(join(path, "evil/warden"), 0o755);
  if (process.geteuid?.() === 0) execFileSync("chown", ["-R", "4321:4321", path]);
  const { uid, gid } = statSync(path);
  return { path, mode: "mount", uid, gid } as const;
}

describe.skipIf(!hasEngine)("an image", () => {
  const runtime = shellRuntime();
  const filesystem = filesystemOf({ write: ["docs"] });

  test("has no say in which program is the warden", async () => {
    const image = imageOf({ "/.cofferdam": "/workspace/evil" });
    const workspace = await makeWorkspace();
    // The engine mounts in another order each time.
    for (let starts = 0; starts < 6; starts++) {
      const started = await runtime.start({ image, workspace, filesystem });
      started.output.write("echo");
      const [said] = await started.input.take(1).toArray();
      expect(String(said)).toBe("echo");
      await started.end();
    }
    expect(readdirSync(join(workspace.path, "evil"))).toEqual(["warden"]);
  });

  test.each<[string, Record<string, string>, string[]]>([
    ["of the workspace", { "/workspace": "/usr/share/work" }, []],
    ["of a private folder", { "/tmp": "/workspace/docs/made" }, []],
    ["above a private folder", { "/home": "/workspace/docs" }, []],
    ["of the certificates", { [TRUST_DIRECTORY]: "/elsewhere", "/elsewhere": "workspace/docs" }, []],
    ["around the workspace", { "/var/tmp": "/" }, []],
    ["of a volume of its own", { "/srv/state": "/workspace/docs/state" }, ["VOLUME /srv/state"]],
  ])("puts nothing into a mounted workspace by a link in the place %s", async (_, links, changes) => {
    const image = imageOf(links, ...changes);
    const workspace = await makeWorkspace();
    const files = [{ path: `${TRUST_DIRECTORY}/ca.pem`, content: "certificate" }];
    await expect(runtime.start({ image, workspace, filesystem, files })).rejects.toMatchObject({
      code: "WORKSPACE_UNUSABLE",
      details: { path: "/workspace", reason: expect.stringContaining(image) },
    });
    expect(readdirSync(join(workspace.path, "docs"))).toEqual([]);
  });

  test("has no user's names in a mounted workspace", async () => {
    const image = imageOf({ "/etc/passwd": "../workspace/docs/passwd" });
    const workspace = await makeWorkspace();
    await expect(runtime.start({ image, workspace, filesystem })).rejects.toMatchObject({ code: "WORKSPACE_UNUSABLE" });
    // The engine makes the file to mount over, as soon as anybody looks at the container.
    expect(statSync(join(workspace.path, "docs/passwd")).size).toBe(0);
  });

  test("does not move a copied workspace", async () => {
    const image = imageOf({ "/workspace": "/usr/share/work" });
    const workspace = { ...(await makeWorkspace()), mode: "copy" } as const;
    await expect(runtime.start({ image, workspace, filesystem })).rejects.toMatchObject({ code: "WORKSPACE_UNUSABLE" });
  });

  test("does not move a volume", async () => {
    const image = imageOf({ "/data": "/usr/share/data" });
    const volume: VolumeRequest = {
      name: uniqueId(),
      path: "/data/notes",
      access: "write",
      shared: false,
      live: false,
    };
    try {
      await expect(runtime.start({ image, volumes: [volume] })).rejects.toMatchObject({
        code: "VOLUME_UNUSABLE",
        details: { volume: volume.name },
      });
    } finally {
      docker("volume", "rm", `cofferdam-state-${volume.name}`);
    }
  });

  test("widens no grant to the workspace or the host's own by a link", async () => {
    const image = imageOver(BUSYBOX, { "/lib32": "/workspace", "/libx32": "/", "/lib64": "sys" });
    const { path } = await makeWorkspace();
    writeFileSync(join(path, "secret"), "secret\n");
    chmodSync(join(path, "secret"), 0o644);
    const filesystem = { read: ["./evil"], write: ["./docs"] };
    const options = { image, runtime: "docker", workspace: { path, mode: "mount" } } as const;
    await using sandbox = await createSandbox({ version: 1, filesystem }, options);
    const script =
      "cat /workspace/secret /lib32/secret /libx32/workspace/secret; ls /sys/kernel; ls /lib64/kernel; test -r /bin/sh && echo yes";
    const { stdout } = await sandbox.exec(["sh", "-c", script], { check: false });
    expect(stdout.toString()).toBe("yes\n");
  });

  test("widens no grant to a volume by a link", async () => {
    const image = imageOver(BUSYBOX, { "/lib64": "/data", "/lib32": "data/hidden" });
    const volumes = [{ name: uniqueId(), path: "/data" }];
    const options = { image, runtime: "docker", volumes } as const;
    try {
      await using writer = await createSandbox({ version: 1, filesystem: { write: ["/data"] } }, options);
      const make = "mkdir -p /data/public /data/hidden; echo shown >/data/public/a; echo hidden >/data/hidden/a";
      await writer.exec(["sh", "-c", make], { check: true });
      await writer.stop();
      const filesystem = { read: ["/data/public"] };
      await using reader = await createSandbox({ version: 1, filesystem }, options);
      const look = "cat /data/public/a /data/hidden/a /lib64/hidden/a /lib64/public/a /lib32/a";
      expect((await reader.exec(["sh", "-c", look])).stdout).toBe("shown\nshown\n");
    } finally {
      for (const { name } of volumes) await removeVolume(name, { runtime: "docker" });
    }
  });

  test("may have links that lead elsewhere", async () => {
    const image = imageOf({ "/home": "var/home", "/var/tmp": "../tmp", "/etc/group": "/usr/group" });
    const started = await runtime.start({ image, workspace: await makeWorkspace(), filesystem });
    await started.end();
  });
});
