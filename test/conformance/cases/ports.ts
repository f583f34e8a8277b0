/**
 * `sandbox.forward`: servers in the sandbox, reached from the host byte for byte.
 */
import { connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { patterned, refused, until, within } from "../help.ts";
import { bringServer, client, connectionsTo, freshPort, listen, serve, talk } from "../ports.ts";

const TEN_MB = 10_000_000;

export const portCases: readonly Case[] = [
  {
    name: "forward() leads to a server on 127.0.0.1, and each connection is recorded",
    async run(scene) {
      const sandbox = await scene.shared();
      const port = freshPort();
      await serve(scene, sandbox, port, ["echo"]);
      const records: unknown[] = [];
      const stop = sandbox.events.on("record", (record) => records.push(record));
      await using forward = await sandbox.forward(port);
      expect(forward.url).toBe(`http://127.0.0.1:${forward.port}`);
      expect(await talk(forward, "one")).toEqual({ text: "one", error: undefined });
      expect(await talk(forward, "two")).toEqual({ text: "two", error: undefined });
      stop();
      const seen = connectionsTo(records, port);
      expect(seen).toHaveLength(2);
      expect(seen[0]).toMatchObject({ via: "forward", client: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
      expect(seen[0]).not.toHaveProperty("errno");
    },
  },
  ...(["0.0.0.0", "::1", "::"] as const).map(
    (address): Case => ({
      name: `forward() leads to a server that listens on ${address}`,
      // Docker switches IPv6 off where there is no network.
      notIn: (place) => (place.docker && address.includes(":") ? "there is no IPv6 in the container" : undefined),
      async run(scene) {
        const sandbox = await scene.shared();
        const port = freshPort();
        await serve(scene, sandbox, port, ["echo"], address);
        await using forward = await sandbox.forward(port);
        expect(await talk(forward, "hello")).toEqual({ text: "hello", error: undefined });
      },
    }),
  ),
  {
    name: "forward() carries 10 MB each way byte for byte, on several connections at once",
    async run(scene) {
      const sandbox = await scene.shared();
      const port = freshPort();
      await serve(scene, sandbox, port, ["echo"]);
      await using forward = await sandbox.forward(port);
      const bytes = patterned(TEN_MB);
      const answers = await Promise.all([0, 1, 2].map(() => talk(forward, bytes)));
      for (const { text, error } of answers) {
        expect(error).toBeUndefined();
        expect(Buffer.from(text, "latin1").equals(bytes)).toBe(true);
      }
    },
  },
  {
    name: "forward() keeps half-closes apart: a client's end is the server's, and the other way round",
    async run(scene) {
      const sandbox = await scene.shared();
      const [counting, leaving] = [freshPort(), freshPort()];
      await serve(scene, sandbox, counting, ["tally"]);
      const left = await serve(scene, sandbox, leaving, ["bye"]);
      await using first = await sandbox.forward(counting);
      expect(await talk(first, patterned(1_000_000))).toEqual({ text: "1000000\n", error: undefined });
      await using second = await sandbox.forward(leaving);
      const socket = client(second);
      const ended = new Promise((resolve) => socket.once("end", resolve));
      socket.resume();
      await ended;
      // The server has ended its half, and still listens.
      socket.end("more of it");
      await left.hear("heard 10");
    },
  },
  {
    name: "forward() breaks a client's connection where the server breaks its own, and the other way round",
    async run(scene) {
      const sandbox = await scene.shared();
      const [breaking, echoing] = [freshPort(), freshPort()];
      await serve(scene, sandbox, breaking, ["reset"]);
      const echo = await serve(scene, sandbox, echoing, ["echo"]);
      await using first = await sandbox.forward(breaking);
      expect((await listen(client(first), (socket) => socket.write("x"))).error).toBe("ECONNRESET");
      await using second = await sandbox.forward(echoing);
      const socket = client(second);
      socket.once("data", () => socket.resetAndDestroy());
      socket.write("x");
      await echo.hear(/broken 104/);
    },
  },
  {
    name: "forward() makes a server wait for a client that does not read, and lets it go when the client vanishes",
    async run(scene) {
      const sandbox = await scene.shared();
      const port = freshPort();
      const pouring = await serve(scene, sandbox, port, ["pour", "500000000"]);
      await using forward = await sandbox.forward(port);
      const socket = client(forward);
      await new Promise((resolve) => socket.once("readable", resolve));
      const before = process.memoryUsage().arrayBuffers;
      // Everything else in the sandbox goes on meanwhile.
      for (let turn = 0; turn < 20; turn++) await sandbox.exec(["true"]);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
      socket.destroy();
      await pouring.hear(/poured \d+/);
      const poured = Number(/poured (\d+)/.exec(pouring.all)?.[1]);
      expect(poured).toBeLessThan(50_000_000);
    },
  },
  {
    name: "forward() refuses a client where nothing listens, and says so in the records",
    async run(scene) {
      const sandbox = await scene.shared();
      const port = freshPort();
      const records: unknown[] = [];
      const stop = sandbox.events.on("record", (record) => records.push(record));
      await using forward = await sandbox.forward(port);
      const { text, error } = await listen(client(forward), () => undefined);
      stop();
      expect({ text, error }).toEqual({ text: "", error: "ECONNRESET" });
      expect(connectionsTo(records, port)).toMatchObject([{ errno: "ECONNREFUSED", via: "forward" }]);
    },
  },
  {
    name: "forward({ waitMs }) holds a client until a server that starts late is there",
    async run(scene) {
      const sandbox = await scene.shared();
      const port = freshPort();
      await bringServer(scene, sandbox);
      await using forward = await sandbox.forward(port, { waitMs: 30_000 });
      const early = talk(forward, "early");
      await sandbox.exec(["true"]);
      await serve(scene, sandbox, port, ["echo"]);
      expect(await within(30_000, "an early client", early)).toEqual({ text: "early", error: undefined });
    },
  },
  {
    name: "forward() carries 300 connections at once, and commands run beside them",
    async run(scene) {
      const sandbox = await scene.shared();
      const port = freshPort();
      const held = await serve(scene, sandbox, port, ["hold"]);
      await using forward = await sandbox.forward(port);
      const sockets = Array.from({ length: 300 }, () => client(forward));
      await until(() => held.all.split("holding").length === 301, "all of them are held");
      expect((await sandbox.exec(["echo", "beside"])).stdout).toBe("beside\n");
      for (const socket of sockets) socket.end("1234");
      await until(() => held.all.split("released 4").length === 301, "all of them are released");
      for (const socket of sockets) socket.destroy();
    },
  },
  {
    name: "forward() listens on the host's loopback only, unless it is told otherwise",
    async run(scene) {
      const sandbox = await scene.shared();
      await using forward = await sandbox.forward(freshPort());
      const outer = Object.values(networkInterfaces())
        .flat()
        .find((each) => each !== undefined && !each.internal && each.family === "IPv4");
      const reach = (host: string): Promise<string> =>
        new Promise((resolve) => {
          const socket = connect({ port: forward.port, host });
          socket.once("connect", () => resolve("connected"));
          socket.once("error", (error) => resolve((error as { code?: string }).code ?? "failed"));
          scene.defer(() => socket.destroy());
        });
      expect(await reach("127.0.0.1")).toBe("connected");
      if (outer !== undefined) expect(await reach(outer.address)).toBe("ECONNREFUSED");
      await using everywhere = await sandbox.forward(freshPort(), { host: "0.0.0.0" });
      expect(everywhere.url).toMatch(/^http:\/\/0\.0\.0\.0:\d+$/);
      await refused(sandbox.forward(80, { host: "localhost.example" }), "ARGUMENT_INVALID");
      for (const port of [0, 65_536, 1.5, -1]) await refused(sandbox.forward(port), "ARGUMENT_INVALID");
    },
  },
  {
    name: "forward() takes the port that it is told, and says when the host does not give it",
    async run(scene) {
      const sandbox = await scene.shared();
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
      scene.defer(() => taken.close());
      const address = taken.address();
      const hostPort = typeof address === "object" ? (address?.port ?? 0) : 0;
      const error = await refused(sandbox.forward(80, { hostPort }), "LISTEN_FAILED");
      expect(error.details).toEqual({ host: "127.0.0.1", port: hostPort, errno: "EADDRINUSE" });
      taken.close();
      await using forward = await sandbox.forward(80, { hostPort });
      expect(forward.port).toBe(hostPort);
    },
  },
  {
    name: "forward() closes with close() and with the sandbox, and clients hear of it",
    async run(scene) {
      const sandbox = await scene.own();
      const port = freshPort();
      const held = await serve(scene, sandbox, port, ["hold"]);
      const [first, second] = [await sandbox.forward(port), await sandbox.forward(port)];
      const [one, two] = [client(first), client(second)];
      const gone = (socket: typeof one) =>
        new Promise<void>((resolve) => {
          socket.on("error", () => undefined);
          socket.resume().once("close", () => resolve());
          socket.once("end", () => socket.destroy());
        });
      const [oneGone, twoGone] = [gone(one), gone(two)];
      await until(() => held.all.split("holding").length === 3, "both are held");
      await first.close();
      await within(10_000, "the first client's end", oneGone);
      await held.hear(/released/);
      await sandbox.stop();
      await within(10_000, "the second forward's end", second.closed);
      await within(10_000, "the second client's end", twoGone);
      expect(await listen(client(second), () => undefined)).toEqual({ text: "", error: "ECONNREFUSED" });
      await refused(sandbox.forward(port), "SANDBOX_STOPPED");
    },
  },
  {
    name: "a server behind a full backlog does not hold up other connections",
    async run(scene) {
      const sandbox = await scene.shared();
      const [stuck, quick] = [freshPort(), freshPort()];
      await serve(scene, sandbox, stuck, ["stuck"]);
      await serve(scene, sandbox, quick, ["echo"]);
      await using hanging = await sandbox.forward(stuck);
      const sockets = Array.from({ length: 8 }, () => client(hanging));
      for (const socket of sockets) socket.on("error", () => undefined);
      await using forward = await sandbox.forward(quick);
      expect(await within(20_000, "the other server", talk(forward, "quick"))).toEqual({
        text: "quick",
        error: undefined,
      });
      for (const socket of sockets) socket.destroy();
    },
  },
];
