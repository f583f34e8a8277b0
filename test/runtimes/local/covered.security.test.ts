import { describe, expect, it } from "vitest";
import { planFilesystem } from "../../../src/domains/filesystem/mod.ts";
import { HOME_PATH, normalizePolicy, parsePolicy, WORKSPACE_PATH } from "../../../src/policy/mod.ts";
import type { FilesystemSection } from "../../../src/policy/types.ts";
import { planLayout } from "../../../src/runtimes/local/layout.ts";

const CONTEXT = { uid: 1000, gid: 1000, ownerUid: 4321, ownerGid: 4321 };

function stepsOf(filesystem: FilesystemSection) {
  const policy = normalizePolicy(parsePolicy({ version: 1, filesystem }));
  return planLayout(planFilesystem(policy, { workspace: WORKSPACE_PATH, home: HOME_PATH }), CONTEXT).steps;
}

describe("planLayout() on grants that hold the sandbox's own files", () => {
  it("writes no file of its own into a folder of the host", () => {
    for (const filesystem of [{ write: ["/etc"] }, { read: ["/etc"] }]) {
      const made = stepsOf(filesystem).filter((step) => step.kind === "file");
      expect(made).toEqual([]);
    }
    expect(stepsOf({}).filter((step) => step.kind === "file")).not.toEqual([]);
  });

  it("refuses a tree in which the sandbox's own folders would have to be made", () => {
    for (const filesystem of [{ write: ["/home"] }, { read: ["/home"] }, { read: ["/"] }]) {
      expect(() => stepsOf(filesystem), JSON.stringify(filesystem)).toThrow(
        expect.objectContaining({ code: "POLICY_UNSUPPORTED" }),
      );
    }
  });
});
