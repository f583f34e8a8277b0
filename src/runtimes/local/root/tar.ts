/**
 * Reading tar archives that nobody trusts, piece by piece.
 *
 * @module
 */
import { once } from "node:events";
import { type Extract, extract } from "tar-stream";
import { Malformed } from "./failure.ts";

/** An entry, and its content. */
export type TarEntry = Extract extends AsyncIterable<infer Entry> ? Entry : never;

/**
 * Calls `take` for each entry, one after the other; what it leaves of a content is passed over.
 *
 * @throws {Malformed} If it is no archive, or half of one.
 */
export async function readTar(
  pieces: AsyncIterable<Buffer>,
  take: (entry: TarEntry) => void | Promise<void>,
): Promise<void> {
  const archive = extract();
  // What the source, or `take`, failed with; anything else is the archive's own.
  let failed: { readonly error: unknown } | undefined;
  const feeding = feed(pieces, archive).catch((error: unknown) => {
    failed ??= { error };
    archive.destroy(new Error("its source failed"));
  });
  try {
    for await (const entry of archive) {
      try {
        await take(entry);
      } catch (error) {
        failed ??= { error };
        break;
      }
      entry.resume();
    }
  } catch (cause) {
    failed ??= { error: new Malformed("it is no tar archive, or half of one", { cause }) };
  }
  await feeding;
  if (failed !== undefined) throw failed.error;
}

async function feed(pieces: AsyncIterable<Buffer>, archive: Extract): Promise<void> {
  for await (const piece of pieces) {
    if (archive.destroyed) return;
    if (archive.write(piece)) continue;
    const over = new AbortController();
    const { signal } = over;
    await Promise.race([once(archive, "drain", { signal }), once(archive, "close", { signal })]).catch(() => undefined);
    over.abort();
  }
  archive.end(undefined);
}
