import { Duplex, PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ContainerPlan, containerBody } from "../../../src/runtimes/docker/container-options.ts";
import { createSplitter, demultiplex } from "../../../src/runtimes/docker/demultiplex.ts";
import { isLocal } from "../../../src/runtimes/docker/engine.ts";
import { limitsFor } from "../../../src/runtimes/docker/limits.ts";
import { checkMountable, workspaceMounts } from "../../../src/runtimes/docker/workspace-mounts.ts";
import { isOwnerDead, ownerOfThisProcess } from "../../../src/runtimes/owner.ts";

const engine = {
  architecture: "x64" as const,
  cpus: 4,
  holds: { memory: true, swap: true, pids: true, cpus: true },
  remapsUsers: false,
};

function frame(kind: number, data: Buffer): Buffer {
  const header = Buffer.from([kind, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
}

describe("the engine's output stream", () => {
  test("comes apart however it is cut", () => {
    const pieces = fc.array(fc.record({ stderr: fc.boolean(), data: fc.uint8Array({ maxLength: 40 }) }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(pieces, fc.array(fc.integer({ min: 1, max: 50 })), (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(({ stderr, data }) => frame(stderr ? 2 : 1, Buffer.from(data))));
        const split = createSplitter();
        const received = [];
        for (let at = 0, index = 0; at < bytes.length; index++) {
          const end = at + (cuts[index] ?? bytes.length);
          received.push(...split(bytes.subarray(at, end)));
          at = end;
        }
        for (const stderr of [false, true]) {
          const of = (all: readonly { stderr: boolean; data: Uint8Array }[]): Buffer =>
            Buffer.concat(all.filter((piece) => piece.stderr === stderr).map((piece) => piece.data));
          expect(of(received).equals(of(sent))).toBe(true);
        }
      }),
    );
  });

  test.each([
    ["another stream", Buffer.from([0, 0, 0, 0, 0, 0, 0, 1])],
    ["bytes where there are none", Buffer.from([1, 0, 1, 0, 0, 0, 0, 1])],
    ["a length without bound", Buffer.from([1, 0, 0, 0, 0xff, 0, 0, 0])],
    ["a terminal's raw output", Buffer.from("hello world")],
  ])("is refused with %s", (_, bytes) => {
    expect(() => createSplitter()(bytes)).toThrow(expect.objectContaining({ code: "PROTOCOL_VIOLATION" }));
  });

  test("ends with its source, and fails on what it must not hold", async () => {
    const good = new PassThrough();
    const errors: Buffer[] = [];
    const output = demultiplex(good, (data) => errors.push(data));
    good.end(Buffer.concat([frame(1, Buffer.from("out")), frame(2, Buffer.from("err"))]));
    expect((await buffer(output)).toString()).toBe("out");
    expect(Buffer.concat(errors).toString()).toBe("err");
    const bad = new PassThrough();
    const broken = buffer(demultiplex(bad, () => {}));
    bad.write("garbage!");
    await expect(broken).rejects.toMatchObject({ code: "PROTOCOL_VIOLATION" });
    expect(bad.destroyed).toBe(true);
  });

  test("ends when its source breaks", async () => {
    const source = new Duplex({ read: () => {} });
    const output = buffer(demultiplex(source, () => {}));
    source.destroy(new Error("connection reset"));
    expect((await output).length).toBe(0);
  });
});

describe("an owner", () => {
  test("is alive while it runs, and dead when its pid is another's", () => {
    const owner = ownerOfThisProcess() ?? "";
    expect(owner).toMatch(/^[0-9a-f]{16}\.\d+\.\d+$/);
    const [host = "", pid = ""] = owner.split(".");
    expect(isOwnerDead(owner)).toBe(false);
    expect(isOwnerDead(`${host}.${pid}.1`)).toBe(true);
    expect(isOwnerDead(`${host}.4194304.1`)).toBe(true);
  });

  test("is not dead where that cannot be told", () => {
    for (const label of [
      undefined,
      "",
      "x",
      "0123456789abcdef.1.1",
      "a.b.c",
      `${(ownerOfThisProcess() ?? "").split(".")[0]}.-1.1`,
    ]) {
      expect(isOwnerDead(label)).toBe(false);
    }
  });
});

describe("limits", () => {
  const limits = { memoryBytes: 1000, cpus: 1.5, pids: 10, mode: "enforce" as const };

  test("are the cgroup's", () => {
    expect(limitsFor(limits, engine)).toMatchObject({
      memoryBytes: 1000,
      nanoCpus: 1.5e9,
      processes: 58,
      holder: "cgroup",
    });
    expect(limitsFor({ mode: "enforce" }, engine)).toMatchObject({ processes: 4096, holder: "none", notes: [] });
    expect(limitsFor({ mode: "enforce", cpus: 64 }, engine).nanoCpus).toBe(4e9);
  });

  test("are refused where the engine cannot hold them, or approximated", () => {
    const weak = { ...engine, holds: { memory: false, swap: false, pids: true, cpus: true } };
    expect(() => limitsFor(limits, weak)).toThrow(expect.objectContaining({ code: "ENFORCEMENT_MISSING" }));
    expect(limitsFor({ ...limits, mode: "best-effort" }, weak)).toMatchObject({
      memoryBytes: undefined,
      holder: "rlimit",
      warden: { dataBytes: 1000, processes: 0, cpus: 0 },
      notes: [expect.stringContaining("memory")],
    });
    expect(limitsFor({ mode: "enforce", pids: 5 }, weak).holder).toBe("cgroup");
  });

  test("on memory say when they leave swap out", () => {
    const swapping = { ...engine, holds: { ...engine.holds, swap: false } };
    expect(limitsFor(limits, swapping).notes).toEqual([expect.stringContaining("swap")]);
  });
});

describe("a container's options", () => {
  const plan: ContainerPlan = {
    imageId: "sha256:1",
    imageVolumes: ["/data", "/tmp", "/workspace"],
    wardenDirectory: "/.cofferdam-1",
    agent: { uid: 5, gid: 6 },
    limits: limitsFor({ mode: "enforce" }, engine),
    labels: {},
    mounts: [{ Type: "bind", Source: "/w", Target: "/workspace", ReadOnly: false }],
    emptyWorkspace: false,
    workspaceWritable: true,
    ociRuntime: "kata",
    withoutIpv6: true,
  };

  test("mask the image's volumes but not our own mounts", () => {
    const { HostConfig } = JSON.parse(JSON.stringify(containerBody(plan)));
    expect(Object.keys(HostConfig.Tmpfs).sort()).toEqual(["/data", "/home/agent", "/tmp", "/var/tmp"]);
    expect(HostConfig.Tmpfs["/data"]).toMatch(/^ro,/);
    expect(HostConfig.Tmpfs["/tmp"]).toMatch(/^rw,.*mode=1777$/);
    expect(HostConfig).toMatchObject({ Runtime: "kata", Mounts: plan.mounts });
  });

  test("never name user 0", () => {
    expect(containerBody(plan)).toMatchObject({ User: "5:6", StdinOnce: true, Healthcheck: { Test: ["NONE"] } });
  });
});

describe("the mounts of a workspace", () => {
  const readOnly = (...accesses: ("read" | "write")[]): unknown => {
    const mounts = workspaceMounts(
      "/w",
      accesses.map((access) => ({ relative: ".", access })),
    );
    expect(mounts).toMatchObject([{ Source: "/w", Target: "/workspace" }]);
    return mounts[0]?.ReadOnly;
  };

  test("are one, read-only where nothing may be written", () => {
    expect(readOnly()).toBe(true);
    expect(readOnly("read")).toBe(true);
    expect(readOnly("write")).toBe(false);
    expect(readOnly("read", "write")).toBe(false);
  });

  test("are refused for root, for engines elsewhere and for engines that map users", () => {
    const workspace = { path: "/w", mode: "mount" as const, uid: 5, gid: 5 };
    const refused = expect.objectContaining({ code: "WORKSPACE_UNUSABLE", hint: expect.stringContaining("copy") });
    expect(() => checkMountable(workspace, engine, true)).not.toThrow();
    expect(() => checkMountable({ ...workspace, uid: 0 }, engine, true)).toThrow(refused);
    expect(() => checkMountable(workspace, engine, false)).toThrow(refused);
    expect(() => checkMountable(workspace, { ...engine, remapsUsers: true }, true)).toThrow(refused);
  });
});

describe("an engine", () => {
  test("is local behind a socket", () => {
    const before = process.env.DOCKER_HOST;
    try {
      delete process.env.DOCKER_HOST;
      expect(isLocal({})).toBe(true);
      expect(isLocal({ host: "10.0.0.1" })).toBe(false);
      process.env.DOCKER_HOST = "tcp://10.0.0.1:2375";
      expect(isLocal({})).toBe(false);
      expect(isLocal({ socketPath: "/run/docker.sock" })).toBe(true);
      process.env.DOCKER_HOST = "unix:///run/docker.sock";
      expect(isLocal({})).toBe(true);
    } finally {
      if (before === undefined) delete process.env.DOCKER_HOST;
      else process.env.DOCKER_HOST = before;
    }
  });
});
