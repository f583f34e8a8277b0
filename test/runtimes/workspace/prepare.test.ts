import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { FilesystemPlan } from "../../../src/domains/filesystem/mod.ts";
import { prepareWorkspace } from "../../../src/runtimes/workspace/mod.ts";

const scratch = mkdtempSync(join(tmpdir(), "cofferdam-prepare-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let path = "";
beforeEach(() => {
  path = mkdtempSync(join(scratch, "ws-"));
  mkdirSync(join(path, "src"));
  writeFileSync(join(path, "file"), "");
});

function plan(grants: [access: "read" | "write", relative: string, optional?: boolean][]): FilesystemPlan {
  return {
    grants: [
      { path: "/usr", access: "read", optional: true, ruleId: "baseline:/usr", inWorkspace: false },
      ...grants.map(([access, relative, optional = false]) => ({
        path: relative === "." ? "/workspace" : `/workspace/${relative}`,
        access,
        optional,
        ruleId: `rule:${relative}`,
        inWorkspace: true,
        workspaceRelative: relative,
      })),
    ],
    denials: [],
    rules: [],
    unmatched: "deny",
    finer: false,
  };
}

const owner = () => {
  const { uid, gid } = statSync(path);
  return { uid, gid };
};

describe("preparing a workspace", () => {
  test("finds what is granted", () => {
    const filesystem = plan([
      ["read", "."],
      ["write", "src"],
      ["read", "file"],
      ["write", "none", true],
      ["read", "no/ne", true],
    ]);
    expect(prepareWorkspace({ path, filesystem, create: undefined })).toEqual({
      grants: [
        { relative: ".", access: "read", kind: "directory" },
        { relative: "src", access: "write", kind: "directory" },
        { relative: "file", access: "read", kind: "file" },
      ],
      missing: [],
    });
  });

  test("lists what is to be made, and makes it only where it is asked to", () => {
    const filesystem = plan([
      ["write", "a/b"],
      ["write", "a/b/c"],
      ["write", "src/new"],
    ]);
    const listed = prepareWorkspace({ path, filesystem, create: undefined });
    expect(listed.missing).toEqual(["a", "a/b", "a/b/c", "src/new"]);
    expect(existsSync(join(path, "a"))).toBe(false);
    const made = prepareWorkspace({ path, filesystem, create: owner() });
    expect(made).toEqual({ grants: [{ relative: ".", access: "write", kind: "directory" }], missing: [] });
    expect(statSync(join(path, "a/b/c"))).toMatchObject(owner());
  });

  test("needs what may only be read", () => {
    const start = () => prepareWorkspace({ path, filesystem: plan([["read", "none"]]), create: undefined });
    expect(start).toThrow(
      expect.objectContaining({ code: "PATH_MISSING", details: { path: join(path, "none"), rule: "rule:none" } }),
    );
  });

  test.each(["link", "link/below", "src/up/x", "dangling", "file/below"])("refuses %s", (relative) => {
    symlinkSync("/etc", join(path, "link"));
    symlinkSync("..", join(path, "src/up"));
    symlinkSync("/tmp/cofferdam-not-there", join(path, "dangling"));
    for (const create of [undefined, owner()]) {
      const start = () => prepareWorkspace({ path, filesystem: plan([["write", relative]]), create });
      expect(start).toThrow(expect.objectContaining({ code: "WORKSPACE_UNUSABLE", hint: expect.any(String) }));
    }
    expect(existsSync("/tmp/cofferdam-not-there")).toBe(false);
  });

  test("refuses a workspace that is none", () => {
    symlinkSync(path, join(scratch, "ws-link"));
    for (const wrong of ["relative", join(path, "none"), join(path, "file"), join(scratch, "ws-link")]) {
      const start = () => prepareWorkspace({ path: wrong, filesystem: plan([]), create: undefined });
      expect(start).toThrow(expect.objectContaining({ code: "WORKSPACE_UNUSABLE" }));
    }
  });

  test("shows a live workspace whole, with the widest access that anything in it gets", () => {
    const live = (...grants: Parameters<typeof plan>[0]) => {
      return prepareWorkspace({ path, filesystem: plan(grants), create: owner() }).grants;
    };
    expect(live(["read", "src"], ["read", "file"])).toEqual([{ relative: ".", access: "read", kind: "directory" }]);
    expect(live(["read", "."], ["write", "none", true])).toMatchObject([{ relative: ".", access: "write" }]);
    expect(live()).toEqual([]);
    expect(() => live(["read", "."], ["read", "none"])).toThrow(expect.objectContaining({ code: "PATH_MISSING" }));
  });

  test("of nothing has its own folder and what is made", () => {
    const filesystem = plan([
      ["write", "."],
      ["write", "out"],
    ]);
    expect(prepareWorkspace({ path: undefined, filesystem, create: undefined })).toMatchObject({
      grants: [{ relative: "." }, { relative: "out" }],
      missing: ["out"],
    });
  });
});
