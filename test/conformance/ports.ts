/**
 * Servers in a sandbox, and clients on the host.
 */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { PortConnection, PortForward, Sandbox } from "../../src/mod.ts";
import { Listener } from "./help.ts";
import type { Scene } from "./scene.ts";

let lastPort = 20_000;

/** A port that no other case uses. */
export function freshPort(): number {
  return ++lastPort;
}

/** Where {@link serve} puts its program. */
export const SERVER = "writable/server";

/** Puts the server where it can be started. */
export async function bringServer(scene: Scene, sandbox: Sandbox): Promise<void> {
  if (await sandbox.files.exists(SERVER)) return;
  await sandbox.files.write(SERVER, readFileSync(scene.programs.server), { mode: 0o755 });
}

/** Starts a server (server.c) that ends with the case; comes back when it listens. */
export async function serve(
  scene: Scene,
  sandbox: Sandbox,
  port: number,
  job: readonly string[],
  address = "127.0.0.1",
): Promise<Listener> {
  await bringServer(scene, sandbox);
  const command = await sandbox.spawn([`/workspace/${SERVER}`, address, String(port), ...job]);
  scene.defer(() => command.kill());
  const listener = new Listener(command);
  await listener.hear("listening");
  return listener;
}

/** A server that answers every request with these bytes. */
export async function serveAnswer(
  scene: Scene,
  sandbox: Sandbox,
  answer: string | Uint8Array,
): Promise<{ readonly port: number; readonly heard: Listener }> {
  const port = freshPort();
  const file = `/workspace/writable/answer-${port}`;
  await sandbox.files.write(file, answer);
  return { port, heard: await serve(scene, sandbox, port, ["answer", file]) };
}

/** What a client saw. */
export interface Seen {
  readonly text: string;
  /** The code of an error, if it did not end in order. */
  readonly error: string | undefined;
}

/** Connects to a forward, sends this, ends its half, and reads to the end. */
export function talk(forward: PortForward, data: string | Uint8Array): Promise<Seen> {
  return listen(client(forward), (socket) => socket.end(data));
}

/** A client of a forward. */
export function client(forward: PortForward): Socket {
  return connect({ port: forward.port, host: "127.0.0.1", allowHalfOpen: true });
}

/** Does something once it is connected, and reads to the end. */
export function listen(socket: Socket, then: (socket: Socket) => void): Promise<Seen> {
  const pieces: Buffer[] = [];
  let error: string | undefined;
  return new Promise((resolve) => {
    socket.on("connect", () => then(socket));
    socket.on("data", (piece) => pieces.push(piece));
    socket.on("error", (cause) => {
      error = (cause as { code?: string }).code ?? String(cause);
    });
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve({ text: Buffer.concat(pieces).toString("latin1"), error }));
  });
}

/** The records of connections to a port. */
export function connectionsTo(records: readonly unknown[], port: number): PortConnection[] {
  return (records as PortConnection[]).filter((record) => record.kind === "port.connection" && record.port === port);
}
