/**
 * Servers on loopback that stand in for real hosts: a name of their own, a certificate of an authority that the sandbox's
 * owner says to trust.
 */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { createAuthority } from "../../src/egress/tls/certificate-authority.ts";
import type { DecisionRecord, NetworkRule, NetworkSection, Sandbox, SandboxOptions } from "../../src/mod.ts";
import { until } from "./help.ts";
import type { Scene } from "./scene.ts";

export const WORLD: ReturnType<typeof createAuthority> = createAuthority("the world");

/** A host that answers over HTTPS. */
export interface StandIn {
  readonly host: string;
  readonly port: number;
  /** `https://host:port`. */
  readonly url: string;
  /** `METHOD target` of every request that reached it. */
  readonly requests: readonly string[];
  /** For servers that take connections over. */
  readonly http: Server;
}

/** Serves as a host. */
export async function standIn(scene: Scene, host: string, listener: RequestListener): Promise<StandIn> {
  const requests: string[] = [];
  const http = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  const server = createTlsServer({
    SNICallback: (_, done) => done(null, WORLD.contextFor(host)),
    ALPNProtocols: ["http/1.1"],
  });
  const sockets = new Set<TLSSocket>();
  server.on("secureConnection", (socket: TLSSocket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    http.emit("connection", socket);
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  scene.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host, port, url: `https://${host}:${port}`, requests, http };
}

/** A sandbox to which all names are this machine. */
export function httpSandbox(scene: Scene, network: NetworkSection, options: SandboxOptions = {}): Promise<Sandbox> {
  const certificates = [WORLD.certificate];
  const policy = { version: 1, filesystem: { write: ["."] }, network } as const;
  return scene.create(policy, { resolver: () => ["127.0.0.1"], certificates, ...options });
}

/** A rule for such a host. */
export function ruleFor(
  { host, port }: Pick<StandIn, "host" | "port">,
  http: NetworkRule["http"],
  rest: Partial<NetworkRule> = {},
): NetworkRule {
  const about = http === undefined ? {} : { http };
  return { id: "it", host, ports: [port], addresses: ["127.0.0.1"], ...about, ...rest };
}

/** The record of a message, as `direction what (url)`. */
export async function messageRecord(sandbox: Sandbox, object: string, verdict: string): Promise<DecisionRecord> {
  const find = () =>
    sandbox.decisions().find((each) => {
      return each.operation === "message" && each.object === object && each.verdict === verdict;
    });
  await until(() => find() !== undefined, `${verdict} of the message ${object} is recorded`);
  return find() as DecisionRecord;
}

/** The record of a request, as `METHOD url` without the query. */
export async function requestRecord(sandbox: Sandbox, object: string, verdict: string): Promise<DecisionRecord> {
  const find = () =>
    sandbox.decisions().find((each) => {
      return each.operation === "request" && each.object === object && each.verdict === verdict;
    });
  await until(() => find() !== undefined, `${verdict} of ${object} is recorded`);
  return find() as DecisionRecord;
}

/** What `curl` prints, the status last. */
export async function curl(sandbox: Sandbox, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await sandbox.exec(
    ["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", ...args],
    { timeoutMs: 30_000 },
  );
  return exitCode === 0 ? stdout.replace(/\n+(\d+)$/, "\n$1") : `curl ${exitCode}: ${stderr}`;
}
