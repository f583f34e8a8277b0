/** Roots of local sandboxes: what is unpacked of an image, and what is refused. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { planFilesystem } from "../../../src/domains/filesystem/mod.ts";
import { HOME_PATH, normalizePolicy, parsePolicy, WORKSPACE_PATH } from "../../../src/policy/mod.ts";
import { planLayout } from "../../../src/runtimes/local/layout.ts";
import { openRoot } from "../../../src/runtimes/local/root/mod.ts";
import { unpackImage } from "../../../src/runtimes/local/root/unpack.ts";
import { type ArchiveEntry, type ImageParts, layoutOf, savedByDocker, tarOf } from "./image-archive.ts";

let folder = "";

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "root-")));
  vi.stubEnv("COFFERDAM_CACHE", join(folder, "cache"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const store = () => readdirSync(join(folder, "cache/images"));

/** Without what is behind a symlink. */
const namesIn = (root: string, below = ""): string[] =>
  readdirSync(join(root, below), { withFileTypes: true })
    .flatMap((entry) => {
      const name = join(below, entry.name);
      return entry.isDirectory() ? [name, ...namesIn(root, name)] : [name];
    })
    .sort();

async function archive(files: readonly ArchiveEntry[]): Promise<string> {
  const path = join(folder, "image.tar");
  writeFileSync(path, await tarOf(files));
  return path;
}

const file = (name: string, content = name): ArchiveEntry => ({ name, content });
const link = (name: string, linkname: string): ArchiveEntry => ({ name, type: "symlink", linkname });
const hard = (name: string, linkname: string): ArchiveEntry => ({ name, type: "link", linkname });
const directory = (name: string, mode = 0o755): ArchiveEntry => ({ name, type: "directory", mode });

/** Two layers: what the second one does to what the first one has brought. */
const IMAGE: ImageParts = {
  env: ["PATH=/opt/bin", "GREETING=hello=you"],
  layers: [
    [
      directory("usr/bin"),
      { ...file("usr/bin/tool"), mode: 0o4755, mtime: new Date(1_700_000_000_000) },
      hard("usr/bin/same", "usr/bin/tool"),
      link("bin", "usr/bin"),
      file("etc/gone"),
      file("etc/kept", "old"),
      file("var/full/one"),
      file("replaced/inner"),
      { name: "dev/sda", type: "block-device", devmajor: 8, devminor: 0 },
    ],
    [
      file("etc/.wh.gone", ""),
      file("etc/kept", "new"),
      file("var/full/two"),
      file("var/full/.wh..wh..opq", ""),
      file("bin/more"),
      file("./replaced"),
      directory("locked", 0o555),
      file("/locked/in"),
    ],
  ],
};

describe("openRoot() of an image", () => {
  test.each([
    ["an OCI archive", { gzip: true }, layoutOf],
    ["an archive of an older engine", {}, savedByDocker],
  ])("unpacks %s once, layer on layer", async (_, how, make) => {
    const path = await archive(await make({ ...IMAGE, ...how }));
    const onUnpack = vi.fn();
    const { path: root, environment, imageId } = await openRoot(path, { onUnpack });
    expect(environment).toEqual({ PATH: "/opt/bin", GREETING: "hello=you" });
    expect(imageId).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(namesIn(root)).toEqual(
      ["bin", "etc", "etc/kept", "locked", "locked/in", "replaced", "usr", "usr/bin"]
        .concat(["usr/bin/more", "usr/bin/same", "usr/bin/tool", "var", "var/full", "var/full/two"])
        .sort(),
    );
    expect(readFileSync(join(root, "etc/kept"), "utf8")).toBe("new");
    expect(readlinkSync(join(root, "bin"))).toBe("usr/bin");
    // No set-id bits; the time, which what is compiled from a file goes by; one file of two names.
    expect(statSync(join(root, "usr/bin/tool"))).toMatchObject({
      mode: 0o100755,
      mtimeMs: 1_700_000_000_000,
      nlink: 2,
    });
    expect(statSync(join(root, "locked")).mode & 0o777).toBe(0o555);

    expect(await openRoot(path, { onUnpack })).toMatchObject({ path: root, environment, imageId });
    // Of the same content, at another place.
    const other = join(folder, "layout");
    for (const { name, content = "" } of await layoutOf(IMAGE)) {
      mkdirSync(dirname(join(other, name)), { recursive: true });
      writeFileSync(join(other, name), content);
    }
    expect(await openRoot(other, { onUnpack })).toMatchObject({ path: root });
    expect(onUnpack).toHaveBeenCalledTimes(1);
  });

  test("puts what comes through a symlink where the image has it, and not where this host does", async () => {
    const outside = join(folder, "outside");
    mkdirSync(outside);
    const layers = [
      [link("way", outside), link("up", "../../../../..")],
      [file("way/in"), file(`up/${outside}/up`)],
    ];
    // What a plain reader of archives makes of it.
    const naive = join(folder, "naive");
    mkdirSync(naive);
    symlinkSync(outside, join(naive, "way"));
    writeFileSync(join(naive, "way/in"), "");
    expect(readdirSync(outside)).toEqual(["in"]);
    rmSync(join(outside, "in"));

    const { path: root } = await openRoot(await archive(await layoutOf({ layers })));
    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(join(root, outside)).sort()).toEqual(["in", "up"]);
  });

  const whole = { layers: [[file("a", "old text")]] };
  const swap = (layer: Buffer) => Buffer.from(layer.toString("latin1").replace("old text", "new text"), "latin1");
  const looped = [link("a", "b"), link("b", "a")];
  test.each<[string, () => Promise<readonly ArchiveEntry[]>, RegExp]>([
    ["a name that leads up", () => layoutOf({ layers: [[file("a/../../b")]] }), /lies outside/],
    ["a hard link to this host", () => layoutOf({ layers: [[hard("a", "/etc/passwd")]] }), /no file of it/],
    ["symlinks in a circle", () => layoutOf({ layers: [looped, [file("a/b")]] }), /no directory/],
    ["a file that is a directory", () => layoutOf({ layers: [[file("a"), file("a/b")]] }), /no directory/],
    ["a layer of other bytes", () => layoutOf({ ...whole, tamper: (all) => Buffer.concat([all, all]) }), /its digest/],
    ["a layer of other content", () => layoutOf({ ...whole, swap }), /its digest/],
    [
      "half a layer",
      () => layoutOf({ ...whole, gzip: true, tamper: (all) => all.subarray(0, 60) }),
      /broken: unexpected end/,
    ],
    ["a layer that is not there", async () => (await layoutOf(whole)).slice(0, 2), /is not in it/],
    ["another machine", () => layoutOf({ ...whole, architecture: "s390x" }), /linux\/s390x only, and this machine is/],
    ["no image", async () => [file("usr/bin/tool")], /no archive of an image/],
    ["two images", async () => twoImages(), /2 images: save one/],
    ["folders without end", () => layoutOf({ layers: [[file(`${"a/".repeat(1100)}b`)]] }), /too long|deep/],
    [
      "more than is unpacked",
      () => layoutOf({ gzip: true, layers: [[file("a", "a".repeat(1 << 20))]] }),
      /larger than/,
    ],
  ])("refuses %s, and leaves nothing", async (_, make, reason) => {
    const path = await archive(await make());
    const unpacked = unpackImage(path, path, { maxBytes: 100_000 });
    await expect(unpacked).rejects.toMatchObject({
      code: "ROOT_UNUSABLE",
      details: { reason: expect.stringMatching(reason) },
    });
    expect(store()).toEqual([]);
  });

  async function twoImages(): Promise<ArchiveEntry[]> {
    const both = [await layoutOf(whole), await layoutOf({ layers: [[file("b")]] })];
    const manifests = both.flatMap((files) => JSON.parse(String(files[1]?.content)).manifests);
    return [file("index.json", JSON.stringify({ manifests })), ...both.flatMap((files) => files.slice(2))];
  }

  test("refuses what is no archive at all", async () => {
    const path = join(folder, "noise.tar");
    for (const [content, reason] of [
      ["FROM scratch\n".repeat(100), /tar/i],
      [Buffer.from([0x1f, 0x8b, 8, 0]), /compressed/],
    ] as const) {
      writeFileSync(path, content);
      await expect(openRoot(path)).rejects.toMatchObject({
        code: "ROOT_UNUSABLE",
        message: expect.stringMatching(reason),
      });
    }
    await expect(openRoot(join(folder, "none"))).rejects.toMatchObject({ code: "ROOT_UNUSABLE" });
    await expect(openRoot("/")).rejects.toMatchObject({ code: "ROOT_UNUSABLE" });
  });
});

test("the layout of another root has its files, and never this host's", () => {
  for (const name of ["usr/bin", "etc/ssl"]) mkdirSync(join(folder, name), { recursive: true });
  symlinkSync("/usr/bin", join(folder, "bin"));
  // On this host there is something there.
  symlinkSync("/proc/self/root/etc", join(folder, "lib"));
  symlinkSync("../../../../etc/hostname", join(folder, "etc/ssl/certs"));
  const policy = normalizePolicy(parsePolicy({ version: 1 }));
  const plan = planFilesystem(policy, { workspace: WORKSPACE_PATH, home: HOME_PATH });
  const context = {
    uid: 1000,
    gid: 1000,
    ownerUid: 1,
    ownerGid: 1,
    root: { path: folder, lock: join(folder, "lock") },
  };
  const { steps } = planLayout(plan, context);
  const binds = steps.flatMap((step) => (step.kind === "bind" && !step.target.startsWith("/dev/") ? [step] : []));
  expect(binds.map(({ source, target }) => [source, target])).toEqual([
    ...(existsSync("/sys/devices/system/cpu") ? [["/sys/devices/system/cpu", "/sys/devices/system/cpu"]] : []),
    [join(folder, "usr"), "/usr"],
  ]);
  expect(binds[0]).toMatchObject({ lock: join(folder, "lock"), shared: true });
  expect(steps).toContainEqual({ kind: "symlink", source: "/usr/bin", target: "/bin" });
  expect(lstatSync(join(folder, "lib")).isSymbolicLink()).toBe(true);
});
