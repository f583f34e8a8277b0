/**
 * What a caller can say about the Docker runtime.
 *
 * @module
 */
import type Docker from "dockerode";
import type { LocateWarden } from "../../warden/mod.ts";

/**
 * How to reach the Docker engine, as dockerode takes it, and what to ask of it. What is absent of the connection comes
 * from `DOCKER_HOST` and its relatives; without those it is the local engine's socket.
 */
export interface DockerOptions
  extends Pick<
    Docker.DockerOptions,
    "socketPath" | "host" | "port" | "protocol" | "ca" | "cert" | "key" | "timeout" | "version"
  > {
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
