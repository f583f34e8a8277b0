import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planFilesystem } from "../../../src/domains/filesystem/mod.ts";
import { HOME_PATH, normalizePolicy, parsePolicy, WORKSPACE_PATH } from "../../../src/policy/mod.ts";
import type { FilesystemSection } from "../../../src/policy/types.ts";
import { planLayout, workspaceSteps } from "../../../src/runtimes/local/layout.ts";
import type { Step } from "../../../src/runtimes/local/steps.ts";

const CONTEXT = { uid: 1000, gid: 1000, ownerUid: 4321, ownerGid: 4321 };

function layoutOf(filesystem: FilesystemSection) {
  const policy = normalizePolicy(parsePolicy({ version: 1, filesystem }));
  return planLayout(planFilesystem(policy, { workspace: WORKSPACE_PATH, home: HOME_PATH }), CONTEXT);
}

function bindAt(steps: readonly Step[], target: string) {
  return steps.find((step) => step.kind === "bind" && step.target === target);
}

describe("planLayout()", () => {
  it("binds what is only read read-only, and what is written on top of it", () => {
    const { steps } = layoutOf({ read: ["/usr"], write: [{ path: "/usr/local/share", optional: true }] });
    expect(bindAt(steps, "/usr")).toMatchObject({ readOnly: true });
    expect(bindAt(steps, "/usr/local/share")).toMatchObject({ readOnly: false });
    const order = steps.map((step) => step.target);
    expect(order.indexOf("/usr")).toBeLessThan(order.indexOf("/usr/local/share"));
  });

  it("binds a tree once, however often its parts are granted", () => {
    const { steps } = layoutOf({ read: ["/usr", "/usr/bin", "/usr/share"] });
    expect(steps.filter((step) => step.kind === "bind" && step.target.startsWith("/usr"))).toHaveLength(1);
  });

  it("never binds anything of the host at the places that are the sandbox's own", () => {
    const { steps } = layoutOf({ read: ["~/y", "/home/agent/y"], write: ["/tmp", "/var/tmp"] });
    const own = ["/tmp", "/var/tmp", HOME_PATH];
    expect(steps.filter((step) => step.kind === "bind" && own.some((place) => step.target.startsWith(place)))).toEqual(
      [],
    );
    for (const target of own) {
      expect(steps).toContainEqual(
        expect.objectContaining({ kind: "tmpfs", target, options: expect.stringContaining("uid=4321") }),
      );
    }
  });

  it("shows a folder of the host that is granted by name in the private /tmp, on top of it", () => {
    const folder = realpathSync(mkdtempSync("/tmp/cofferdam-test-"));
    try {
      const { steps, liveMounts } = layoutOf({ write: [folder] });
      expect(bindAt(steps, folder)).toMatchObject({ source: folder, readOnly: false });
      const order = steps.map((step) => step.target);
      expect(order.indexOf("/tmp")).toBeLessThan(order.indexOf(folder));
      expect(liveMounts).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("makes passwd, group and resolv.conf instead of showing the host's", () => {
    const { steps } = layoutOf({});
    const passwd = steps.find((step) => step.target === "/etc/passwd");
    expect(passwd).toMatchObject({ kind: "file", data: expect.stringContaining("agent:x:1000:1000:") });
    expect(steps.find((step) => step.target === "/etc/resolv.conf")).toMatchObject({
      kind: "file",
      data: expect.stringContaining("nameserver 127.0.0.1\n"),
    });
  });

  it("shows nothing of the host's devices but what is granted, and null for itself", () => {
    const { steps } = layoutOf({ baseline: false });
    const devices = steps.filter((step) => step.kind === "bind" && step.target.startsWith("/dev/"));
    expect(devices.map((step) => step.target)).toEqual(["/dev/null"]);
  });

  it("fails on a path that does not exist, naming the rule", () => {
    expect(() => layoutOf({ read: ["/opt/cofferdam-does-not-exist"] })).toThrow(
      expect.objectContaining({
        code: "PATH_MISSING",
        details: { path: "/opt/cofferdam-does-not-exist", rule: "filesystem.read:/opt/cofferdam-does-not-exist" },
      }),
    );
    expect(() => layoutOf({ read: [{ path: "/opt/cofferdam-does-not-exist", optional: true }] })).not.toThrow();
  });

  it("shows everything that a glob, an approver or a hook may allow", () => {
    const { steps } = layoutOf({
      read: ["/opt/**/*.d/x"],
      ask: ["/usr/local/share", "/opt/cofferdam-does-not-exist"],
      write: [{ path: "/usr/games", defer: "hook" }],
    });
    expect(bindAt(steps, "/opt")).toMatchObject({ readOnly: true });
    expect(bindAt(steps, "/usr/local/share")).toMatchObject({ readOnly: false });
    expect(bindAt(steps, "/usr/games")).toMatchObject({ readOnly: false });
    expect(() => layoutOf({ read: ["/opt/cofferdam-does-not-exist/*"] })).toThrow(
      expect.objectContaining({ code: "PATH_MISSING" }),
    );
  });

  it("shows nothing more where what nothing matches asks", () => {
    const targets = (filesystem: FilesystemSection) => layoutOf(filesystem).steps.map(({ target }) => target);
    expect(targets({ unmatched: "ask" })).toEqual(targets({}));
    expect(targets({ baseline: false, unmatched: "ask" })).toEqual(targets({ baseline: false }));
  });

  it("takes a denial that leads through a link into what is granted: the rules hold it", () => {
    const folder = realpathSync(mkdtempSync("/tmp/cofferdam-test-"));
    try {
      mkdirSync(join(folder, "granted"));
      symlinkSync("granted", join(folder, "denied"));
      const { steps } = layoutOf({ read: [join(folder, "granted")], deny: [join(folder, "denied")] });
      expect(bindAt(steps, join(folder, "granted"))).toBeDefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("says whether folders of the host are live in the sandbox", () => {
    expect(layoutOf({ read: ["/opt"] }).liveMounts).toBe(true);
    expect(layoutOf({ read: ["/usr/share"] }).liveMounts).toBe(false);
    expect(layoutOf({}).liveMounts).toBe(false);
  });
});

describe("workspaceSteps()", () => {
  const prepared = (grants: readonly (readonly [string, "read" | "write"])[]) => ({
    grants: grants.map(([relative, access]) => ({ relative, access, kind: "directory" as const })),
    missing: [],
  });

  it("binds each grant that no wider one gives", () => {
    const steps = workspaceSteps(
      prepared([
        [".", "read"],
        ["docs", "write"],
        ["docs/inner", "write"],
        ["src", "read"],
      ]),
    );
    expect(
      steps.filter((step) => step.kind === "bind").map((step) => [step.target, "readOnly" in step && step.readOnly]),
    ).toEqual([
      ["/workspace", true],
      ["/workspace/docs", false],
    ]);
  });

  it("leaves what is not granted out altogether", () => {
    const steps = workspaceSteps(prepared([["docs", "write"]]));
    expect(steps).toEqual([
      { kind: "directory", target: "/workspace" },
      { kind: "bind", source: "docs", target: "/workspace/docs", readOnly: false, workspace: true },
    ]);
  });

  it("does not take a name for a parent because it begins alike", () => {
    const steps = workspaceSteps(
      prepared([
        ["doc", "write"],
        ["docs", "write"],
      ]),
    );
    expect(steps.filter((step) => step.kind === "bind")).toHaveLength(2);
  });
});
