/**
 * What the cases about connections have in common: servers on the loopback of the host, whose names only the sandbox's
 * resolver knows, and a program that connects.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect } from "vitest";
import type { DecisionRecord, NetworkSection, Sandbox, SandboxOptions } from "../../src/mod.ts";
import { within } from "./help.ts";
import { BIN, recorded, sandboxWith } from "./mediation.ts";
import type { Scene } from "./scene.ts";

/** A server of the host. */
export interface HostServer {
  readonly port: number;
  readonly sockets: readonly Socket[];
  /** How the connections ended, in the order in which they did. */
  readonly ends: readonly string[];
  /** What came, of all connections together. */
  text(): string;
}

/** Listens on the loopback. By default everything is echoed, and an end is answered by one. */
export async function serveOutside(
  scene: Scene,
  handle: (socket: Socket) => void = (socket) => socket.pipe(socket),
): Promise<HostServer> {
  const sockets: Socket[] = [];
  const ends: string[] = [];
  let text = "";
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.push(socket);
    let end = "end";
    socket.on("error", (error: NodeJS.ErrnoException) => {
      end = error.code ?? "error";
    });
    socket.on("close", () => ends.push(end));
    socket.on("data", (data: Buffer) => {
      if (text.length < 65_536) text += data.toString("latin1");
    });
    handle(socket);
  });
  server.maxConnections = 4096;
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, resolve));
  scene.defer(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, sockets, ends, text: () => text };
}

/** A sandbox with network rules. `asked` has the names that its host had to resolve: every name is the loopback. */
export async function networkSandbox(
  scene: Scene,
  network: NetworkSection,
  options: Omit<SandboxOptions, "workspace"> & { readonly emulated?: boolean } = {},
): Promise<{ sandbox: Sandbox; asked: string[]; problems: readonly Error[] }> {
  const asked: string[] = [];
  const { emulated, ...rest } = options;
  const resolver = (host: string) => {
    asked.push(host);
    return ["127.0.0.1"];
  };
  const filesystem = emulated ? { write: ["."], deny: ["**/.env"] } : { read: ["."] };
  const { sandbox, problems } = await sandboxWith(scene, {}, { filesystem, network }, { resolver, ...rest });
  return { sandbox, asked, problems };
}

/** A job of net.c: what it said. */
export async function net(sandbox: Sandbox, ...job: readonly (string | number)[]): Promise<string> {
  const argv = [`${BIN}/net`, ...job.map(String)];
  const result = await within(90_000, job.join(" "), sandbox.exec(argv, { timeoutMs: 60_000 }));
  if (result.timedOut || result.exitCode !== 0) {
    expect.fail(`${job.join(" ")} ${result.timedOut ? "hung" : "failed"}: ${result.stdout}${result.stderr}`);
  }
  return result.stdout.trim();
}

/** Waits for the record of a connection. */
export function connection(sandbox: Sandbox, object: string, verdict: "allow" | "deny"): Promise<DecisionRecord> {
  const matches = (record: DecisionRecord) => {
    return record.domain === "network" && record.object === object && record.verdict === verdict;
  };
  return recorded(sandbox, matches, `connecting to ${object}: ${verdict}`);
}
