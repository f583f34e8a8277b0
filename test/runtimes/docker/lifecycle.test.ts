import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { SandboxError } from "../../../src/errors.ts";
import { OWNER_LABEL, ownerOfThisProcess, SANDBOX_LABEL } from "../../../src/runtimes/owner.ts";
import type { LocateWarden } from "../../../src/warden/mod.ts";
import { BUSYBOX, docker, hasEngine, processOf, run, shellRuntime, uniqueId, wardenFrom } from "./support.ts";

const containers = (id: string): string => docker("ps", "-a", "-q", "--filter", `name=cofferdam-${id}`);
const volumes = (): number =>
  docker("volume", "ls", "-q")
    .split("\n")
    .filter((name) => /^[0-9a-f]{64}$/.test(name)).length;

describe.skipIf(!hasEngine)("the end of a container", () => {
  const runtime = shellRuntime();

  test("leaves nothing, in time", async () => {
    const before = volumes();
    const id = uniqueId();
    const started = await runtime.start({ id });
    const since = performance.now();
    const first = started.end();
    expect(started.end()).toBe(first);
    await first;
    console.info(`end: ${Math.round(performance.now() - since)} ms`);
    expect(containers(id)).toBe("");
    expect(volumes()).toBeLessThanOrEqual(before);
    expect(await started.ended).toBe("the sandbox was ended");
    await started.end();
  });

  test("comes with the end of the warden, and its status", async () => {
    const id = uniqueId();
    const started = await runtime.start({ id });
    started.input.resume();
    started.output.write("exit 3\n");
    expect(await started.ended).toBe("the container ended with status 3");
    expect(containers(id)).toBe("");
  });

  test("comes with the end of the link", async () => {
    const started = await runtime.start();
    started.input.resume();
    started.output.end();
    expect(await started.ended).toMatch(/^the container ended with status/);
  });

  test("comes with a kill from outside", async () => {
    const id = uniqueId();
    const started = await runtime.start({ id });
    docker("kill", `cofferdam-${id}`);
    started.input.resume();
    await started.ended;
    expect(containers(id)).toBe("");
  });

  test("comes with the death of its client", async () => {
    const id = uniqueId();
    const { path } = await wardenFrom(
      "#include <unistd.h>\nint main(void) { char b[99]; while (read(0, b, 99) > 0); return 0; }",
      "waits",
    )("x64");
    const script = `
      import { readFileSync } from "node:fs";
      import { requestOf, shellRuntime } from ${JSON.stringify(fileURLToPath(new URL("./support-child.ts", import.meta.url)))};
      await shellRuntime(readFileSync(${JSON.stringify(path)}), ${JSON.stringify(BUSYBOX)}).start(requestOf(${JSON.stringify(id)}));
      console.log("started");
    `;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    expect(containers(id)).not.toBe("");
    child.kill("SIGKILL");
    await expect.poll(() => containers(id), { timeout: 5000 }).toBe("");
  });
});

describe.skipIf(!hasEngine)("leftovers", () => {
  test("of dead owners on this host are swept, and no others", async () => {
    const self = ownerOfThisProcess() ?? "";
    const [host = "", pid = "", started = ""] = self.split(".");
    const owners = {
      alive: self,
      gone: `${host}.4194304.1`,
      reused: `${host}.${pid}.${Number(started) - 1}`,
      elsewhere: `0123456789abcdef.${pid}.1`,
      garbled: "x",
    };
    const make = (owner: string, ...more: string[]): string =>
      docker("create", "--label", `${OWNER_LABEL}=${owner}`, ...more, BUSYBOX);
    const ours = (owner: string): string => {
      const id = uniqueId();
      return make(owner, "--label", `${SANDBOX_LABEL}=${id}`, "--name", `cofferdam-${id}`);
    };
    const made = Object.fromEntries(Object.entries(owners).map(([name, owner]) => [name, ours(owner)]));
    // What somebody runs of an image that was a sandbox has its labels.
    made.inherited = make(owners.gone, "--label", `${SANDBOX_LABEL}=${uniqueId()}`);
    const left = (): string[] => {
      const all = docker("ps", "-a", "-q", "--no-trunc").split("\n");
      return Object.keys(made).filter((name) => all.includes(made[name] ?? ""));
    };
    try {
      await shellRuntime().start();
      await expect.poll(left, { timeout: 5000 }).toEqual(["alive", "elsewhere", "garbled", "inherited"]);
    } finally {
      for (const name of left()) docker("rm", "-v", made[name] ?? "");
    }
  });
});

describe.skipIf(!hasEngine)("a start that fails", () => {
  test("names an image that is missing", async () => {
    const start = shellRuntime().start({ image: "cofferdam-no-such-image:latest" });
    await expect(start).rejects.toMatchObject({
      code: "IMAGE_MISSING",
      details: { image: "cofferdam-no-such-image:latest" },
    });
  });

  test("says that there is no engine", async () => {
    const start = shellRuntime({ socketPath: "/nonexistent.sock" }).start();
    await expect(start).rejects.toMatchObject({
      code: "RUNTIME_UNAVAILABLE",
      hint: expect.stringContaining("DOCKER_HOST"),
    });
    await expect(shellRuntime({ host: "127.0.0.1", port: 1 }).start()).rejects.toMatchObject({
      code: "RUNTIME_UNAVAILABLE",
    });
  });

  test("says that an OCI runtime is unknown", async () => {
    await expect(shellRuntime({ ociRuntime: "no-such" }).start()).rejects.toMatchObject({
      code: "RUNTIME_UNAVAILABLE",
    });
  });

  test("says what the engine said, and leaves nothing", async () => {
    const id = uniqueId();
    const small = shellRuntime().start({ id, process: processOf({ memoryBytes: 1 }) });
    await expect(small).rejects.toMatchObject({
      code: "START_FAILED",
      details: { stage: "create", output: expect.stringMatching(/memory/i) },
    });
    const image = `cofferdam-test-tmp-file-${process.pid}:latest`;
    execFileSync("sh", ["-c", `cd "$(mktemp -d)" && touch tmp && tar c tmp | docker import - ${image}`]);
    try {
      const start = shellRuntime().start({ id, image });
      await expect(start).rejects.toMatchObject({ code: "START_FAILED", details: { stage: "start" } });
      expect(containers(id)).toBe("");
    } finally {
      docker("image", "rm", image);
    }
  });

  test("shows what became of a warden that cannot run", async () => {
    const broken: LocateWarden = async () => ({
      path: "",
      sha256: "0".repeat(64),
      bytes: async () => new TextEncoder().encode("not a program"),
    });
    const id = uniqueId();
    const started = await shellRuntime({}, broken).start({ id });
    started.input.resume();
    expect(await started.ended).toBe("the container ended with status 1");
    expect(started.diagnostics()).toMatch(/exec format error/);
    expect(containers(id)).toBe("");
    docker("volume", "rm", "cofferdam-warden-0000000000000000");
  });

  test("leaves nothing when it is aborted", async () => {
    const runtime = shellRuntime();
    await (await runtime.start()).end();
    for (const delay of [0, 5, 40, 120]) {
      const id = uniqueId();
      const start = runtime.start({ id, signal: AbortSignal.timeout(delay) });
      const outcome = await start.then(
        (started) => started.end(),
        (error: unknown) => error,
      );
      if (outcome !== undefined) expect(SandboxError.is(outcome, "ABORTED")).toBe(true);
      expect(containers(id)).toBe("");
    }
  });
});

describe.skipIf(!hasEngine)("the warden's volume", () => {
  // Another program than the other tests', so that it has a volume of its own.
  const source = `#include <unistd.h>
    volatile const char mark[] = "the volume's own";
    int main(void) { return execl("/bin/sh", "sh", (char *)0); }`;

  test("is filled once, and again when it is not complete", async () => {
    const locate = wardenFrom(source, "volume-test");
    const { sha256, path } = await locate("x64");
    const name = `cofferdam-warden-${sha256.slice(0, 16)}`;
    await (await shellRuntime({}, locate).start()).end();
    const disk = docker("volume", "inspect", "-f", "{{.Mountpoint}}", name);
    expect(readFileSync(`${disk}/warden`).equals(readFileSync(path))).toBe(true);
    // What a fill looks like that was cut short: the size is there, the time is not.
    docker(
      "run",
      "--network=none",
      "--rm",
      "-v",
      `${name}:/v`,
      BUSYBOX,
      "sh",
      "-c",
      "echo broken > /v/warden; rm -r /v/etc/1000-1000/group",
    );
    const again = await shellRuntime({}, locate).start();
    expect(await run(again, "cat /etc/group | wc -l")).toBe("3");
    await again.end();
    // Behind the back of a runtime that knows that it is filled.
    const runtime = shellRuntime({}, locate);
    await (await runtime.start()).end();
    docker("run", "--rm", "--network=none", "-v", `${name}:/v`, BUSYBOX, "rm", "/v/warden");
    const third = await runtime.start();
    expect(await run(third, "echo ok")).toBe("ok");
    await third.end();
    docker("volume", "rm", "-f", name);
  });
});
