/**
 * Building images on an engine.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { lstat, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { createInterface } from "node:readline";
import Docker from "dockerode";
import { SandboxError } from "../../errors.ts";
import { contextFailed, writeContext } from "./build-context.ts";
import { messageOf, statusOf, unreachable } from "./failures.ts";
import type { DockerOptions } from "./options.ts";

/** What an image is built from. */
export interface ImageSource {
  /** A folder of this host. What its `.dockerignore` names stays here. */
  readonly context: string;
  /** Below the context, with `/` between names. @default "Dockerfile" */
  readonly dockerfile?: string;
  /** Values of the Dockerfile's `ARG`s. They can be read in the image: no secrets. */
  readonly args?: Readonly<Record<string, string>>;
  /** The stage to build. @default the last */
  readonly target?: string;
}

/** How an image is built. */
export interface ImageBuildOptions {
  /** The engine. */
  readonly docker?: DockerOptions;
  /** Hears what the build says, line by line. What a Dockerfile runs writes there: `displaySafe` it. */
  readonly onProgress?: (line: string) => void;
  /** Ends the build. */
  readonly signal?: AbortSignal;
}

/** An image that is there. */
export interface BuiltImage {
  /** For the option `image`. */
  readonly name: string;
  /** By content: `sha256:` and hexadecimal digits. */
  readonly id: string;
  /** Whether it was there before. */
  readonly cached: boolean;
}

/** How much of what a build said an error carries, in lines. */
const OUTPUT_LINES = 40;

/** See `buildImage`. */
export async function buildOnEngine(source: ImageSource, options: ImageBuildOptions): Promise<BuiltImage> {
  const { image: _, ociRuntime: __, ...connection } = options.docker ?? {};
  const docker = new Docker(connection);
  const dockerfile = posix.normalize(source.dockerfile ?? "Dockerfile");
  if (dockerfile.startsWith("../") || posix.isAbsolute(dockerfile)) {
    throw contextFailed(source.context, `its Dockerfile "${dockerfile}" is outside of it`);
  }
  await lstat(join(source.context, dockerfile)).catch((cause: unknown) => {
    throw contextFailed(source.context, `it has no "${dockerfile}"`, cause);
  });
  const folder = await mkdtemp(join(tmpdir(), "cofferdam-build-"));
  try {
    const archive = join(folder, "context.tar");
    const hash = await writeContext(source.context, archive);
    const { args = {}, target = "" } = source;
    hash.update(JSON.stringify([dockerfile, target, Object.entries(args).sort()]));
    const name = `cofferdam-build:${hash.digest("hex").slice(0, 32)}`;
    const known = await idOf(docker, name);
    if (known !== undefined) return { name, id: known, cached: true };
    const request = { t: name, dockerfile, buildargs: { ...args }, target, rm: true, forcerm: true };
    await build(docker, archive, request, source.context, options);
    const id = await idOf(docker, name);
    if (id === undefined) throw contextFailed(source.context, "the engine says nothing of what it built");
    return { name, id, cached: false };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function idOf(docker: Docker, name: string): Promise<string | undefined> {
  try {
    return (await docker.getImage(name).inspect()).Id;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw statusOf(error) === undefined ? unreachable(error) : error;
  }
}

async function build(
  docker: Docker,
  archive: string,
  request: Docker.ImageBuildOptions,
  context: string,
  { onProgress, signal }: ImageBuildOptions,
): Promise<void> {
  const said: string[] = [];
  const abort = signal === undefined ? {} : { abortSignal: signal };
  try {
    const answer = await docker.buildImage(createReadStream(archive), { ...request, ...abort });
    for await (const line of createInterface({ input: answer as NodeJS.ReadableStream })) {
      const { stream, error } = JSON.parse(line) as { stream?: unknown; error?: unknown };
      if (error !== undefined) throw new Error(String(error));
      for (const text of String(stream ?? "").split("\n")) {
        if (text.trim() === "") continue;
        said.push(text);
        onProgress?.(text);
      }
    }
  } catch (cause) {
    if (signal?.aborted) throw aborted(signal);
    if (SandboxError.is(cause)) throw cause;
    const output = said.slice(-OUTPUT_LINES).join("\n");
    throw new SandboxError("IMAGE_BUILD_FAILED", `Cannot build an image from "${context}": ${messageOf(cause)}`, {
      details: { context, reason: messageOf(cause), output },
      hint: "Build it with docker to look into it",
      cause,
    });
  }
}

function aborted(signal: AbortSignal): SandboxError<"ABORTED"> {
  return new SandboxError("ABORTED", "Cannot finish the image: its signal was aborted", {
    details: { operation: "buildImage" },
    hint: "The engine may keep the steps that were done",
    cause: signal.reason,
  });
}
