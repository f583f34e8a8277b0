/**
 * An image that is another one and what a program has changed in it.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import Docker from "dockerode";
import { SandboxError } from "../../errors.ts";
import { OWNER_LABEL, ownerOfThisProcess } from "../owner.ts";
import { helperName } from "./create.ts";
import { inspectImage } from "./engine.ts";
import { messageOf } from "./failures.ts";

/** It is removed when it is disposed of. */
export interface DerivedImage extends AsyncDisposable {
  /** Names this very image. */
  readonly id: string;
}

const OUTPUT_BYTES = 4096;

/**
 * Runs a program of the image, as its root and without a network, and keeps what came of it.
 *
 * @throws {SandboxError} IMAGE_MISSING If the engine does not have the image.
 * @throws {SandboxError} IMAGE_BUILD_FAILED If the program is not there, or fails.
 * @throws {SandboxError} RUNTIME_UNAVAILABLE If no engine answers.
 */
export async function deriveImage(base: string, argv: readonly string[]): Promise<DerivedImage> {
  const docker = new Docker();
  const { id: Image } = await inspectImage(docker, base);
  const [program = "", ...Cmd] = argv;
  const owner = ownerOfThisProcess();
  const container = await docker.createContainer({
    name: helperName(),
    ...{ Image, Entrypoint: [program], Cmd, User: "0:0", WorkingDir: "/" },
    ...(owner === undefined ? {} : { Labels: { [OWNER_LABEL]: owner } }),
    HostConfig: { NetworkMode: "none" },
  });
  try {
    await container.start();
    const { StatusCode } = (await container.wait()) as { readonly StatusCode: number };
    if (StatusCode !== 0) {
      const output = await container.logs({ stdout: true, stderr: true, tail: 40 });
      throw new Error(`${program} ended with ${StatusCode}: ${output.toString("utf8").slice(-OUTPUT_BYTES)}`);
    }
    const tag = { repo: "cofferdam-claims", tag: randomUUID() };
    const { Id: id } = (await container.commit(tag)) as { readonly Id: string };
    return { id, [Symbol.asyncDispose]: () => docker.getImage(id).remove({ force: true }) };
  } catch (cause) {
    const reason = messageOf(cause);
    throw new SandboxError("IMAGE_BUILD_FAILED", `Cannot make an image from ${base}: ${reason}`, {
      details: { context: base, reason },
      hint: `It must have the program ${JSON.stringify(program)}`,
      cause,
    });
  } finally {
    await container.remove({ force: true, v: true }).catch(() => undefined);
  }
}
