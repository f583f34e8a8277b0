import { describe, expect, test } from "vitest";
import { BUSYBOX, docker, hasEngine, processOf, run, shellRuntime, uniqueId } from "./support.ts";

describe.skipIf(!hasEngine)("a container", () => {
  const runtime = shellRuntime();

  test("is closed on every side", async () => {
    const started = await runtime.start();
    const status = await run(started, "cat /proc/1/status");
    expect(status).toMatch(/CapBnd:\t0{16}/);
    expect(status).toMatch(/CapEff:\t0{16}/);
    expect(status).toMatch(/NoNewPrivs:\t1/);
    expect(status).toMatch(/Seccomp:\t2/);
    expect(await run(started, "touch /x /etc/x /data/x $(echo /.cofferdam-*)/x")).toMatch(
      /^(.*Read-only file system\n?){4}$/,
    );
    expect(await run(started, "ls /sys/class/net")).toBe("lo");
    expect(await run(started, "cat /etc/resolv.conf")).toBe("nameserver 127.0.0.1\noptions ndots:0");
    expect(await run(started, "ping -6 -c1 ::1 | tail -1; cat /proc/net/if_inet6")).not.toMatch(
      /00000000000000000000000000000001/,
    );
    expect(await run(started, "cat /proc/1/oom_score_adj; hostname")).toBe("500\nsandbox");
  });

  test("has a user, a home and scratch space", async () => {
    const started = await runtime.start();
    expect(started).toMatchObject({ uid: 1000, gid: 1000, liveMounts: false, notes: [] });
    expect(started.environment).toMatchObject({ HOME: "/home/agent", PATH: expect.stringContaining("/usr/bin") });
    expect(await run(started, "id")).toBe("uid=1000(agent) gid=1000(agent) groups=1000(agent)");
    expect(
      await run(started, "for d in /tmp /var/tmp /home/agent /workspace /dev/shm; do touch $d/x && echo $d; done"),
    ).toBe("/tmp\n/var/tmp\n/home/agent\n/workspace\n/dev/shm");
  });

  test("runs no health check of its image", async () => {
    const id = uniqueId();
    const started = await runtime.start({ id });
    expect(docker("inspect", "-f", "{{json .Config.Healthcheck.Test}}", `cofferdam-${id}`)).toBe('["NONE"]');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await run(started, "ls /tmp")).toBe("");
  });

  test("holds the limits of the policy in its cgroup", async () => {
    const id = uniqueId();
    const limits = { memoryBytes: 64 * 1024 * 1024, cpus: 0.5, pids: 20 };
    const started = await runtime.start({ id, process: processOf(limits) });
    expect(started.limits).toEqual({ holder: "cgroup", warden: { dataBytes: 0, processes: 0, cpus: 0 } });
    const format =
      "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}";
    expect(docker("inspect", "-f", format, `cofferdam-${id}`)).toBe("67108864 67108864 500000000 68");
  });

  test("bounds processes where the policy does not", async () => {
    const id = uniqueId();
    const started = await runtime.start({ id });
    expect(started.limits.holder).toBe("none");
    expect(docker("inspect", "-f", "{{.HostConfig.PidsLimit}}", `cofferdam-${id}`)).toBe("4096");
  });

  test("keeps stdout and stderr apart, and little of stderr", async () => {
    const started = await runtime.start();
    started.output.write("head -c 100000 /dev/zero | tr '\\0' x >&2; echo end >&2; echo out\n");
    const first = await new Promise<Buffer>((resolve) => started.input.once("data", resolve));
    expect(first.toString()).toBe("out\n");
    await expect.poll(() => started.diagnostics()).toMatch(/x\nend\n$|xend\n$/);
    expect(started.diagnostics().length).toBeLessThanOrEqual(8192);
  });

  test("holds back what nobody reads", async () => {
    const started = await runtime.start();
    started.output.write("head -c 60000000 /dev/zero\n");
    let bytes = 0;
    const all = new Promise<void>((resolve) => {
      started.input.on("data", (chunk: Buffer) => {
        if (bytes === 0) started.input.pause();
        bytes += chunk.length;
        if (bytes === 60_000_000) resolve();
      });
    });
    await expect.poll(() => started.input.isPaused()).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(bytes + started.input.readableLength).toBeLessThan(4_000_000);
    const since = performance.now();
    started.input.resume();
    await all;
    console.info(`link: ${Math.round(60 / ((performance.now() - since) / 1000))} MB/s`);
    started.input.removeAllListeners("data");
    expect(await run(started, "echo still here")).toBe("still here");
  });

  test("ends although nobody reads", async () => {
    const started = await runtime.start();
    started.output.write("cat /dev/zero\n");
    await new Promise((resolve) => started.input.once("readable", resolve));
    await started.end();
    expect(await started.ended).toBe("the sandbox was ended");
  });

  test("masks the volumes of its image, wherever they are", async () => {
    const empty = "/dev/null";
    const image = `cofferdam-test-volumes-${process.pid}:latest`;
    docker("import", "--change", "VOLUME /tmp /workspace /srv/state/ /home/agent/x", empty, image);
    try {
      const started = await shellRuntime().start({ image });
      // There is no shell: the stand-in echoes.
      started.output.write("hello");
      const first = await new Promise<Buffer>((resolve) => started.input.once("data", resolve));
      expect(first.toString()).toBe("hello");
      await started.end();
    } finally {
      docker("image", "rm", image);
    }
  });

  test("is made from the image that was looked at", async () => {
    const id = uniqueId();
    await runtime.start({ id });
    const used = docker("inspect", "-f", "{{.Config.Image}}", `cofferdam-${id}`);
    expect(used).toBe(docker("image", "inspect", "-f", "{{.Id}}", BUSYBOX));
  });
});
