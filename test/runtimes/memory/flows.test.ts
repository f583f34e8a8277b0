import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import {
  createSandbox,
  type GuestError,
  type GuestProgram,
  type NetworkSection,
  type Sandbox,
} from "../../../src/mod.ts";

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function guest(network: NetworkSection, agent: GuestProgram): Promise<Sandbox> {
  const sandbox = await createSandbox(
    { version: 1, network },
    { runtime: "memory", guest: { programs: { agent } }, resolver: () => ["127.0.0.1"], proxy: false },
  );
  onTestFinished(() => sandbox.stop());
  return sandbox;
}

const here = (port: number): NetworkSection => ({
  allow: [{ host: "*.test", ports: [port], addresses: ["127.0.0.1"] }],
});

test("a guest's connection carries megabytes both ways, and its half-close is one", async () => {
  const port = await listen(createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)));
  const data = Buffer.alloc(3_000_000, "abc");
  let same = false;
  const sandbox = await guest(here(port), async (self) => {
    const connection = await self.connect("Echo.test.", port);
    connection.end(data);
    same = (await buffer(connection)).equals(data);
  });
  await sandbox.exec(["agent"], { check: true });
  expect(same).toBe(true);
});

test("a host that resets is heard of, and a guest that is killed is a reset to its host", async () => {
  const ends: string[] = [];
  const port = await listen(
    createServer((socket) => {
      socket.on("error", (error: NodeJS.ErrnoException) => ends.push(error.code ?? ""));
      socket.once("data", (word) => {
        if (String(word) === "reset") socket.resetAndDestroy();
      });
    }),
  );
  const sandbox = await guest(here(port), async (self) => {
    const connection = await self.connect("a.test", port);
    connection.write(self.argv[1] ?? "");
    await new Promise((resolve) => connection.once("close", resolve));
    return connection.readableEnded ? 1 : 7;
  });
  expect((await sandbox.exec(["agent", "reset"])).exitCode).toBe(7);
  const command = await sandbox.spawn(["agent", "hold"]);
  await expect.poll(() => sandbox.decisions().length).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await command.kill();
  await expect.poll(() => ends).toEqual(["ECONNRESET"]);
});

test("a guest is told of denials as programs are: by an errno, by an answer in HTTP, and at cofferdam.local", async () => {
  const port = await listen(createHttp((request, response) => response.end(request.url)));
  const told: unknown[] = [];
  const network: NetworkSection = {
    allow: [
      {
        id: "read",
        host: "api.test",
        ports: [port],
        addresses: ["127.0.0.1"],
        http: { rules: [{ methods: ["GET"], paths: ["/pub/**"] }] },
      },
    ],
  };
  const sandbox = await guest(network, async (self) => {
    told.push(await self.connect("other.test", 22).catch((error: GuestError) => error.errno));
    for (const path of ["/pub/a", "/private"]) {
      const answer = await self.fetch(`http://api.test:${port}${path}`);
      told.push(
        answer.status,
        answer.status === 200 ? await answer.text() : ((await answer.json()) as { error: string }).error,
      );
    }
    const page = await (await self.fetch("http://cofferdam.local/denials")).json();
    told.push((page as { denials: { object: string }[] }).denials.map(({ object }) => object));
  });
  await sandbox.exec(["agent"], { check: true });
  expect(told).toEqual([
    "ECONNREFUSED",
    200,
    "/pub/a",
    403,
    "denied",
    [`GET http://api.test:${port}/private`, "other.test:22"],
  ]);
});
