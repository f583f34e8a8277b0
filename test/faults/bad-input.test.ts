/**
 * What cannot work is refused with a typed error, at once, and nothing is left of it.
 */
import { execFileSync } from "node:child_process";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox, type Policy, SandboxError } from "../../src/mod.ts";
import { freePort } from "./private-engine.ts";
import {
  BUSYBOX,
  describeWith,
  engineProblem,
  failure,
  removeFolder,
  sandboxFolders,
  scratchFolder,
} from "./support.ts";

const QUICK_MS = 10_000;
const directory = scratchFolder("input");
const temporary = process.env.TMPDIR;
const policy: Policy = { version: 1, filesystem: { read: ["."] } };

beforeAll(() => {
  process.env.TMPDIR = directory;
});

afterAll(() => {
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
  removeFolder(directory);
});

describe.each(["local", "docker"] as const)("on %s, before anything is started", (runtime) => {
  const malformed: [string, unknown][] = [
    ["no object", 7],
    ["null", null],
    ["an unknown key", { version: 1, filesytem: {} }],
    ["an unknown version", { version: 2 }],
    ["a wrong type", { version: 1, filesystem: { read: "src" } }],
    ["a limit without a unit", { version: 1, process: { limits: { memory: "lots" } } }],
    ["torn YAML", "version: 1\nfilesystem: [\n"],
    ["torn JSON", '{ "version": 1, "filesystem": '],
    ["YAML of another kind", "- 1\n- 2\n"],
    ["an endless alias", "version: 1\nfilesystem: &a\n  read: [*a, *a]\n"],
  ];

  test.each(malformed)("a policy that is %s", async (_name, value) => {
    const error = await failure(QUICK_MS, createSandbox(value as Policy, { runtime, image: undefined as never }));
    expect(error.code).toBe("POLICY_INVALID");
    expect(SandboxError.is(error, "POLICY_INVALID") && error.details.issues.length).toBeGreaterThan(0);
  });

  test("a policy file that is not there", async () => {
    await failure(QUICK_MS, createSandbox(join(directory, "none.yaml"), { runtime }), "POLICY_UNREADABLE");
  });

  test("a workspace that is not there", async () => {
    await failure(
      QUICK_MS,
      createSandbox(policy, { runtime, workspace: join(directory, "none") }),
      "WORKSPACE_UNUSABLE",
    );
  });

  test("nothing of it is left", () => {
    expect(sandboxFolders(directory)).toEqual([]);
  });
});

describe("options that make no sense", () => {
  test.each([
    { runtime: "podman" },
    { runtime: "local", heartbeatMs: -1 },
    { runtime: "local", heartbeatMs: Number.NaN },
    { runtime: "local", workspace: { path: ".", mode: "borrow" } },
  ])("%j", async (options) => {
    await failure(QUICK_MS, createSandbox(policy, options as never), "ARGUMENT_INVALID");
    expect(sandboxFolders(directory)).toEqual([]);
  });

  test("an image on the local runtime", async () => {
    await failure(QUICK_MS, createSandbox(policy, { runtime: "local", image: "x" }), "RUNTIME_UNAVAILABLE");
  });

  test("a path of the host that is not there", async () => {
    const missing: Policy = { version: 1, filesystem: { read: ["/no/such/path"] } };
    await failure(QUICK_MS, createSandbox(missing, { runtime: "local" }), "PATH_MISSING");
    expect(sandboxFolders(directory)).toEqual([]);
  });
});

describeWith(engineProblem(), "an image", () => {
  test.each(["cofferdam-no-such-image:latest", "127.0.0.1:1/none/at/all:v1", "Not A Reference", "sha256:00", "-"])(
    "that the engine does not have: %s",
    async (image) => {
      const error = await failure(QUICK_MS, createSandbox(policy, { runtime: "docker", image }));
      expect(error).toMatchObject({ code: "IMAGE_MISSING", details: { image } });
      expect(error.hint).toBeTruthy();
    },
  );
});

describe("an engine that cannot be reached", () => {
  const unavailable = async (work: Promise<unknown>): Promise<void> => {
    const error = await failure(QUICK_MS, work, "RUNTIME_UNAVAILABLE");
    expect(error.details).toMatchObject({ runtime: "docker" });
    expect(error.hint).toContain("DOCKER_HOST");
  };
  const image = BUSYBOX;

  async function withDockerHost(value: string, work: () => Promise<void>): Promise<void> {
    const before = process.env.DOCKER_HOST;
    process.env.DOCKER_HOST = value;
    try {
      await work();
    } finally {
      if (before === undefined) delete process.env.DOCKER_HOST;
      else process.env.DOCKER_HOST = before;
    }
  }

  test("because its socket is not there", async () => {
    const socketPath = join(directory, "none.sock");
    await unavailable(createSandbox(policy, { runtime: "docker", image, docker: { socketPath } }));
    await withDockerHost(`unix://${socketPath}`, () =>
      unavailable(createSandbox(policy, { runtime: "docker", image })),
    );
  });

  test("because nobody listens on its socket", async () => {
    const socketPath = join(directory, "dead.sock");
    // A server that is closed removes its socket, so this one is killed with its process.
    const listen = "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";
    expect(() => execFileSync(process.execPath, ["-e", listen, socketPath], { stdio: "ignore" })).toThrow();
    await unavailable(createSandbox(policy, { runtime: "docker", image, docker: { socketPath } }));
  });

  test("because nobody listens on its port", async () => {
    const port = await freePort();
    const docker = { host: "127.0.0.1", port, protocol: "http" as const };
    await unavailable(createSandbox(policy, { runtime: "docker", image, docker }));
    await withDockerHost(`tcp://127.0.0.1:${port}`, () =>
      unavailable(createSandbox(policy, { runtime: "docker", image })),
    );
  });

  test("because its name does not exist", async () => {
    const docker = { host: "no-such-host.invalid", port: 2375, protocol: "http" as const };
    await unavailable(createSandbox(policy, { runtime: "docker", image, docker }));
  });

  describe("behind a port where something else", () => {
    const open = new Set<Socket>();
    let server: Server;
    let port: number;
    const listen = async (answer: (socket: Socket) => void): Promise<void> => {
      server = createServer((socket) => {
        open.add(socket);
        socket.on("error", () => undefined);
        answer(socket);
      });
      port = await freePort();
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    };
    const close = async (): Promise<void> => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    };
    const start = (): Promise<unknown> =>
      createSandbox(policy, { runtime: "docker", image, docker: { host: "127.0.0.1", port, protocol: "http" } });

    test("hangs up", async () => {
      await listen((socket) => socket.destroy());
      await unavailable(start()).finally(close);
    });

    test("talks nonsense", async () => {
      await listen((socket) => socket.end("220 mail.example.com ESMTP\r\n"));
      await unavailable(start()).finally(close);
    });

    test("is a web server", async () => {
      await listen((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"));
      await unavailable(start()).finally(close);
    });

    test("never answers", { timeout: 90_000 }, async () => {
      await listen(() => undefined);
      const error = await failure(45_000, start()).finally(close);
      expect(error.code).toBe("RUNTIME_UNAVAILABLE");
    });
  });
});
