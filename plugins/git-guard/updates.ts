/**
 * The updates of refs in a push over smart HTTP: lines with their length before them, until a flush.
 *
 * @module
 * @see {@link https://git-scm.com/docs/pack-protocol#_reference_update_request_and_packfile_transfer | gitprotocol-pack}
 */

/** What a push does to a ref. */
export interface RefUpdate {
  readonly kind: "create" | "delete" | "update";
  readonly ref: string;
  /** The ids of objects, in hexadecimal; all zeros where there is none. */
  readonly before: string;
  readonly after: string;
}

const COMMANDS_BYTES_MAX = 262_144;
const COMMAND = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) (refs\/[^\0\n ]{1,1024})$/;

/** Reads them from a request, which can still be sent; a text: why they cannot be read. */
export async function readUpdates(request: Request): Promise<readonly RefUpdate[] | string> {
  if (request.headers.has("content-encoding")) return "it is compressed";
  const reader = request.clone().body?.getReader();
  if (reader === undefined) return "it is empty";
  try {
    let bytes = Buffer.alloc(0);
    for (;;) {
      const updates = parse(bytes);
      if (updates !== undefined) return updates;
      if (bytes.length > COMMANDS_BYTES_MAX) return "it has too many refs";
      const { value, done } = await reader.read();
      if (done) return "it ends too soon";
      bytes = Buffer.concat([bytes, value]);
    }
  } finally {
    // It settles when the other copy is read, too.
    void reader.cancel().catch(() => undefined);
  }
}

/** Undefined: it goes on. */
function parse(bytes: Buffer): readonly RefUpdate[] | string | undefined {
  const updates: RefUpdate[] = [];
  for (let at = 0; ; ) {
    if (bytes.length < at + 4) return undefined;
    const length = bytes.toString("latin1", at, at + 4);
    // A flush: what follows is the pack. Alone it asks whether one may push at all.
    if (length === "0000") return updates;
    if (!/^[0-9a-f]{4}$/i.test(length)) return "a line has no length";
    const end = at + Number.parseInt(length, 16);
    if (end < at + 5) return "a line has no content";
    if (bytes.length < end) return undefined;
    const line =
      bytes
        .toString("utf8", at + 4, end)
        .split("\0", 1)[0]
        ?.replace(/\n$/, "") ?? "";
    at = end;
    if (line.startsWith("shallow ")) continue;
    const [, before, after, ref] = COMMAND.exec(line) ?? [];
    // Signed pushes and what comes after this version of git.
    if (before === undefined || after === undefined || ref === undefined) return "a line is no update of a ref";
    const kind = isZero(before) ? "create" : isZero(after) ? "delete" : "update";
    updates.push({ kind, ref, before, after });
  }
}

function isZero(id: string): boolean {
  return /^0+$/.test(id);
}
