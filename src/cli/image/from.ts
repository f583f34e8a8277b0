/**
 * `--from`: an image by its name, a folder with a Dockerfile or devcontainer.json, or a Dockerfile.
 *
 * @module
 */
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { displaySafe } from "../../audit/display.ts";
import type { ImageSource } from "../../mod.ts";
import { buildImage } from "../../sandbox/build-image.ts";
import { UsageError } from "../failure.ts";
import { aside } from "../write.ts";

/** What a sandbox is made from. */
export interface FromImage {
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly setup: readonly (readonly string[])[];
}

/** Finds or builds the image. A path begins with `.` or `/`; everything else is a name. */
export async function imageFrom(
  from: string,
  options: { readonly quiet?: boolean; readonly signal: AbortSignal },
): Promise<FromImage> {
  if (!/^(?:\/|\.{1,2}(?:\/|$))/.test(from)) return { image: from, env: {}, setup: [] };
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) throw new UsageError(`Cannot make an image from "${from}": there is nothing`);
  if (!found.isDirectory()) {
    const source = { context: dirname(from), dockerfile: basename(from) };
    return { image: await built(source, options), env: {}, setup: [] };
  }
  const { findDevcontainer, readDevcontainer } = await import("./devcontainer.ts");
  const path = await findDevcontainer(from);
  if (path !== undefined) {
    const { image, env, setup, notes } = await readDevcontainer(path, from);
    if (!options.quiet) for (const text of notes) aside(displaySafe(`${path}: ${text}`));
    return { image: typeof image === "string" ? image : await built(image, options), env, setup };
  }
  const dockerfile = await stat(join(from, "Dockerfile")).catch(() => undefined);
  if (dockerfile?.isFile()) return { image: await built({ context: from }, options), env: {}, setup: [] };
  throw new UsageError(`Cannot make an image from "${from}": it has neither a devcontainer.json nor a Dockerfile`);
}

async function built(
  source: ImageSource,
  { quiet, signal }: { readonly quiet?: boolean; readonly signal: AbortSignal },
): Promise<string> {
  const onProgress = quiet ? undefined : (line: string) => aside(displaySafe(line));
  const { name } = await buildImage(source, { signal, ...(onProgress === undefined ? {} : { onProgress }) });
  return name;
}
