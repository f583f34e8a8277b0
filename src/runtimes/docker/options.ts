/**
 * What a caller can say about the Docker runtime.
 *
 * @module
 */
import type { LocateWarden } from "../../warden/mod.ts";

/**
 * How to reach the Docker engine, as dockerode takes it, and what to ask of it. What is absent of the connection comes
 * from `DOCKER_HOST` and its relatives; without those it is the local engine's socket.
 */
export interface DockerOptions {
  /** The socket of an engine on this host. */
  readonly socketPath?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  readonly protocol?: "https" | "http" | "ssh" | undefined;
  /** Who certifies the engine, as PEM. */
  readonly ca?: string | string[] | Buffer | Buffer[] | undefined;
  /** This process's own certificate, as PEM, and its key. */
  readonly cert?: string | string[] | Buffer | Buffer[] | undefined;
  readonly key?: string | string[] | Buffer | Buffer[] | undefined;
  /** How long the engine may take for a call, in milliseconds. */
  readonly timeout?: number | undefined;
  /** The version of the engine's API. @default the engine's own */
  readonly version?: string | undefined;
  /** The image of sandboxes that name none. @default {"debian:12-slim"} */
  readonly image?: string;
  /** An OCI runtime that the engine knows, for instance `kata`. @default the engine's own default */
  readonly ociRuntime?: string;
}

/** The options of the Docker runtime. */
export interface DockerRuntimeOptions {
  readonly docker?: DockerOptions | undefined;
  /** Finds the warden for the engine's machine. */
  readonly locateWarden: LocateWarden;
}

/** The image of a sandbox where nothing names one. */
export const DEFAULT_IMAGE = "debian:12-slim";
