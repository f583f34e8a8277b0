import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { planFilesystem } from "../../../src/domains/filesystem/mod.ts";
import { HOME_PATH, normalizePolicy, parsePolicy, WORKSPACE_PATH } from "../../../src/policy/mod.ts";
import { localRuntime } from "../../../src/runtimes/local/mod.ts";
import type { StartedWarden, WorkspaceMode } from "../../../src/runtimes/runtime.ts";
import { createWardenLocator } from "../../../src/warden/mod.ts";

const locateWarden = createWardenLocator();
const runtime = localRuntime({ locateWarden });
const cleanups: (() => unknown)[] = [];

// It may have to be built.
beforeAll(() => locateWarden(process.arch === "arm64" ? "arm64" : "x64"), 120_000);

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A warden that has said its first word: its root stands. */
async function start(mode: WorkspaceMode): Promise<{ path: string; warden: StartedWarden }> {
  const path = mkdtempSync(join(realpathSync(tmpdir()), "view-"));
  cleanups.push(() => rmSync(path, { recursive: true }));
  for (const folder of ["docs", "secret"]) {
    mkdirSync(join(path, folder));
    writeFileSync(join(path, folder, "file"), `${folder}\n`);
  }
  const policy = normalizePolicy(parsePolicy({ version: 1, filesystem: { write: ["./docs", "./made"] } }));
  const { uid, gid, dev: device, ino: inode } = statSync(path);
  const warden = await runtime.start({
    id: `view-${process.pid}-${Math.random().toString(36).slice(2)}`,
    filesystem: planFilesystem(policy, { workspace: WORKSPACE_PATH, home: HOME_PATH }),
    process: { kind: "readable", rules: [], allowList: false, unmatched: "deny", limits: { mode: "enforce" } },
    workspace: { path, mode, uid, gid, identity: { device, inode } },
    image: undefined,
    signal: undefined,
  });
  cleanups.push(() => warden.end());
  await new Promise((resolve) => warden.input.once("readable", resolve));
  return { path, warden };
}

describe("StartedWarden.view", () => {
  it("shows the host what the sandbox sees, and no more", async () => {
    const { warden } = await start("copy");
    const root = warden.view?.root ?? "";
    expect(readdirSync(join(root, "workspace")).sort()).toEqual(["docs", "made"]);
    writeFileSync(join(root, "workspace/docs/of-host"), "host\n");
    expect(readFileSync(join(warden.view?.copy ?? "", "docs/of-host"), "utf8")).toBe("host\n");
    await warden.end();
    expect(() => readdirSync(root)).toThrow();
  });

  it("is of a folder without links, wherever the temporary directory is", async () => {
    const real = mkdtempSync(join(tmpdir(), "real-"));
    cleanups.push(() => rmSync(real, { recursive: true }));
    mkdirSync(join(real, "folder"));
    symlinkSync("folder", join(real, "link"));
    vi.stubEnv("TMPDIR", join(real, "link"));
    cleanups.push(() => vi.unstubAllEnvs());
    const { warden } = await start("copy");
    expect(warden.view?.copy).toMatch(`${real}/folder/`);
    expect(readdirSync(join(warden.view?.root ?? "", "workspace")).sort()).toEqual(["docs", "made"]);
  });

  it("shows both layers of an overlay: what changed is above, and nothing else is", async () => {
    const { path, warden } = await start("overlay");
    const { root = "", overlay = { lower: "", upper: "" } } = warden.view ?? {};
    expect(overlay.lower).toBe(path);
    expect(readdirSync(overlay.upper)).toEqual(["made"]);
    writeFileSync(join(root, "workspace/docs/file"), "changed\n");
    expect(readFileSync(join(overlay.upper, "docs/file"), "utf8")).toBe("changed\n");
    expect(readFileSync(join(path, "docs/file"), "utf8")).toBe("docs\n");
    rmSync(join(root, "workspace/docs/file"));
    expect(statSync(join(overlay.upper, "docs/file"))).toMatchObject({ rdev: 0 });
    expect(statSync(join(overlay.upper, "docs/file")).isCharacterDevice()).toBe(true);
  });
});
