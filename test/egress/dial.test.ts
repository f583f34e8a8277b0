import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect, TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { dial } from "../../src/egress/dial.ts";
import { join } from "../../src/egress/join.ts";
import { createAuthority } from "../../src/egress/tls/certificate-authority.ts";

const servers: Server[] = [];
const never = new AbortController().signal;

async function serve(handle: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    handle(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Two streams, joined: what is written to one is read from the other. */
function pair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const make = (index: number): Duplex => {
    const other = () => ends[1 - index];
    return new Duplex({
      allowHalfOpen: true,
      read() {},
      write(chunk, _, done) {
        other()?.push(chunk);
        done();
      },
      final(done) {
        other()?.push(null);
        done();
      },
    });
  };
  const [one, two] = [make(0), make(1)];
  ends.push(one, two);
  return [one, two];
}

async function code(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "connected",
    (error: { code?: string }) => error.code,
  );
}

describe("dial()", () => {
  test("connects to the first address that answers", async () => {
    const port = await serve((socket) => socket.end());
    const socket = await dial(["127.0.0.9", "127.0.0.1"], port, { timeoutMs: 5000, signal: never });
    expect(socket.remoteAddress).toBe("127.0.0.1");
    socket.destroy();
  });

  test("fails as the last address does, or for want of one", async () => {
    const port = await serve(() => undefined);
    expect(await code(dial(["127.0.0.9"], port, { timeoutMs: 5000, signal: never }))).toBe("ECONNREFUSED");
    expect(await code(dial([], port, { timeoutMs: 5000, signal: never }))).toBe("EHOSTUNREACH");
  });

  test("ends when nobody waits", async () => {
    const port = await serve(() => undefined);
    expect(await code(dial(["127.0.0.1"], port, { timeoutMs: 5000, signal: AbortSignal.abort() }))).toBe("ABORT_ERR");
  });
});

describe("join()", () => {
  test("carries both directions to their ends, one after the other", async () => {
    const port = await serve((socket) => {
      let text = "";
      socket.on("data", (data) => {
        text += data;
      });
      socket.on("end", () => socket.end(`heard ${text}`));
    });
    const [outer, inner] = pair();
    const over = join(inner, await dial(["127.0.0.1"], port, { timeoutMs: 5000, signal: never }));
    outer.end("question");
    let answer = "";
    for await (const chunk of outer) answer += chunk;
    expect(answer).toBe("heard question");
    await over;
    expect(inner.destroyed).toBe(true);
  });

  test("leaves a slow reader the last bytes of a side that is over, whichever side that is", async () => {
    const bytes = Buffer.alloc(300_000, "x");
    let served = 0;
    const port = await serve((socket) => {
      socket.on("end", () => socket.end(bytes));
      socket.on("data", (data) => {
        served += data.length;
        socket.pause();
        setTimeout(() => socket.resume(), 1);
      });
    });
    let taken = 0;
    const inner = new Duplex({
      allowHalfOpen: true,
      read() {},
      write(chunk, _, done) {
        taken += chunk.length;
        setTimeout(done, 20);
      },
    });
    const over = join(inner, await dial(["127.0.0.1"], port, { timeoutMs: 5000, signal: never }));
    inner.push(bytes);
    inner.push(null);
    await over;
    expect([served, taken, inner.writableFinished]).toEqual([bytes.length, bytes.length, true]);
  });

  test("makes a reset of a break, so that nothing that was cut off looks whole", async () => {
    const [outer, inner] = pair();
    const ended = new Promise<string>((resolve) => {
      void serve((socket) => socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""))).then(
        async (port) => {
          const socket = await dial(["127.0.0.1"], port, { timeoutMs: 5000, signal: never });
          void join(inner, socket);
          outer.write("half");
          setTimeout(() => inner.destroy(), 50);
        },
      );
    });
    expect(await ended).toBe("ECONNRESET");
  });

  test("breaks the inside when the outside breaks", async () => {
    const port = await serve((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const [outer, inner] = pair();
    const over = join(inner, await dial(["127.0.0.1"], port, { timeoutMs: 5000, signal: never }));
    outer.write("word");
    await over;
    expect(inner.destroyed).toBe(true);
    expect(inner.readableEnded).toBe(false);
  });

  test("breaks TLS over another stream, which knows no reset", async () => {
    const port = await serve((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const [outer, inner] = pair();
    const secure = new TLSSocket(inner, {
      isServer: true,
      secureContext: createAuthority("test").contextFor("a.test"),
    });
    secure.on("error", () => undefined);
    const client = connect({ socket: outer, rejectUnauthorized: false });
    client.on("error", () => undefined);
    await once(client, "secureConnect");
    const over = join(secure, await dial(["127.0.0.1"], port, { timeoutMs: 5000, signal: never }));
    client.write("word");
    await over;
    expect(inner.destroyed).toBe(true);
  });
});
