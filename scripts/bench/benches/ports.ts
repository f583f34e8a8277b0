/** What a connection into the sandbox costs, and how much it carries: beside one that stays on the host. */
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { interleave, rate, timed } from "../measure.ts";
import { localSandbox } from "../ours.ts";
import type { Bench, Contestant } from "../types.ts";

const BYTES = 256 * 1024 * 1024;
const PORT = 8099;
/** `/` answers with two bytes, anything else with as many as it says. */
const SERVER = `
  const { createServer } = require("node:http");
  const piece = Buffer.alloc(65536, "x");
  createServer((request, response) => {
    let left = Number(request.url.slice(1));
    if (left === 0) return response.end("ok");
    const more = () => {
      while (left > 0) {
        left -= piece.length;
        if (!response.write(piece)) return response.once("drain", more);
      }
      response.end();
    };
    more();
  }).listen(Number(process.argv[1]), "127.0.0.1", () => console.log("ready"));
`;

/** The bench. */
export const portsBench: Bench = {
  key: "ports",
  async *run(context) {
    await using sandbox = await localSandbox();
    await using inside = await sandbox.spawn(["node", "-e", SERVER, String(PORT)]);
    await inside.stdout.getReader().read();
    await using forward = await sandbox.forward(PORT);
    const own = await ownServer();
    try {
      const fetched = async (path: string) => (await sandbox.fetch(PORT, path)).arrayBuffer();
      const small: Contestant[] = [
        { name: "sandbox.fetch", run: () => timed(() => fetched("/")) },
        { name: "forward", run: () => timed(() => get(forward.port, 0)) },
        { name: "node:http on the host", run: () => timed(() => get(own.port, 0)) },
      ];
      const rows = await interleave(context, small, { full: 200, quick: 10 });
      yield { title: "one request on a new connection, local", unit: "ms", rows, notes: [] };
      const large: Contestant[] = [
        { name: "forward", run: async () => rate(BYTES, await timed(() => get(forward.port, BYTES))) },
        { name: "node:http on the host", run: async () => rate(BYTES, await timed(() => get(own.port, BYTES))) },
      ];
      const rates = await interleave(context, large, { full: 7, quick: 1, warmUp: 1 });
      yield { title: "256 MiB from a server, local", unit: "MB/s", rows: rates, notes: [] };
    } finally {
      own.server.close();
    }
  },
};

/** Reads an answer to its end, and counts nothing: the client is the same for all. */
function get(port: number, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`GET /${bytes} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    });
    socket.on("data", () => undefined);
    socket.on("end", () => resolve());
    socket.on("error", reject);
  });
}

async function ownServer(): Promise<{ server: Server; port: number }> {
  const piece = Buffer.alloc(65_536, "x");
  const server = createServer((request, response) => {
    let left = Number(request.url?.slice(1));
    if (left === 0) return response.end("ok");
    const more = (): unknown => {
      while (left > 0) {
        left -= piece.length;
        if (!response.write(piece)) return response.once("drain", more);
      }
      return response.end();
    };
    return more();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}
