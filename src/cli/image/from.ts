/**
 * `--from`: an image by its name, a folder with a devcontainer.json, a Dockerfile or a root file system, a Dockerfile, or an archive
 * of an image.
 *
 * @module
 */
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { displaySafe } from "../../audit/display.ts";
import type { ImageSource } from "../../mod.ts";
import { buildImage } from "../../sandbox/build-image.ts";
import { UsageError } from "../failure.ts";
import { isUnderWay } from "../run/progress.ts";
import { aside } from "../write.ts";

/** What a sandbox is made from. */
export interface FromImage {
  /** One that the engine has. */
  readonly image?: string;
  /** A folder or an archive of this host. */
  readonly root?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly setup: readonly (readonly string[])[];
}

/** How it is found. */
export interface FromOptions {
  readonly runtime: "auto" | "local" | "docker";
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly signal: AbortSignal;
}

/** Finds, builds or unpacks it. A path begins with `.` or `/`; everything else is a name. */
export async function imageFrom(from: string, options: FromOptions): Promise<FromImage> {
  if (!/^(?:\/|\.{1,2}(?:\/|$))/.test(from)) {
    if (from.endsWith(".tar")) throw new UsageError(`"${from}" would be the name of an image: the file is ./${from}`);
    return onEngine(from, options, { image: from });
  }
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) throw new UsageError(`Cannot make an image from "${from}": there is nothing`);
  if (found.isDirectory()) return folderFrom(from, options);
  if (found.isFile() && (await isArchive(from))) return rootFrom(from, options);
  return builtFrom(from, { context: dirname(from), dockerfile: basename(from) }, options);
}

async function folderFrom(from: string, options: FromOptions): Promise<FromImage> {
  const { findDevcontainer, readDevcontainer } = await import("./devcontainer.ts");
  const path = await findDevcontainer(from);
  if (path !== undefined) {
    const { image, env, setup, notes } = await readDevcontainer(path, from);
    if (!options.quiet) for (const text of notes) aside(displaySafe(`${path}: ${text}`));
    if (typeof image === "string") return onEngine(from, options, { image, env, setup });
    return { ...(await builtFrom(from, image, options)), env, setup };
  }
  if (await has(from, "Dockerfile")) return builtFrom(from, { context: from }, options);
  if ((await has(from, "oci-layout")) || (await has(from, "usr")) || (await has(from, "bin")))
    return rootFrom(from, options);
  throw new UsageError(
    `Cannot make an image from "${from}": it has neither a devcontainer.json nor a Dockerfile, and is no root file system (no usr or bin)`,
  );
}

async function builtFrom(from: string, source: ImageSource, options: FromOptions): Promise<FromImage> {
  const { quiet, signal } = options;
  const made = onEngine(from, options, {});
  const onProgress = quiet ? undefined : (line: string) => aside(displaySafe(line));
  const { name } = await buildImage(source, { signal, ...(onProgress === undefined ? {} : { onProgress }) });
  return { ...made, image: name };
}

/** An image is unpacked here, where there is somebody to tell: the sandbox finds it then. */
async function rootFrom(from: string, options: FromOptions): Promise<FromImage> {
  if (options.runtime === "docker") {
    throw new UsageError(
      `Cannot use "${from}" with --runtime docker: it is for local sandboxes (an engine takes an archive by \`docker load\`)`,
    );
  }
  const { openRoot } = await import("../../runtimes/local/root/mod.ts");
  await isUnderWay(`Unpacking ${displaySafe(basename(from))}`, openRoot(from, { signal: options.signal }), options);
  return { root: from, env: {}, setup: [] };
}

function onEngine(from: string, { runtime }: FromOptions, made: Partial<FromImage>): FromImage {
  if (runtime !== "local") return { env: {}, setup: [], ...made };
  throw new UsageError(
    `Cannot use "${from}" with --runtime local: it is an engine's image (\`docker save NAME > image.tar\` makes one for --from ./image.tar)`,
  );
}

function has(folder: string, name: string): Promise<boolean> {
  return stat(join(folder, name)).then(
    () => true,
    () => false,
  );
}

/** Whether a file is an archive, compressed or not, rather than a Dockerfile: by what it says of itself. */
async function isArchive(path: string): Promise<boolean> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    const text = buffer.toString("latin1", 0, bytesRead);
    return text.startsWith("ustar", 257) || /^(?:\u001f\u008b|\u0028\u00b5\u002f\u00fd|BZh|\u00fd7zXZ)/.test(text);
  } catch {
    return false;
  } finally {
    await file?.close();
  }
}
