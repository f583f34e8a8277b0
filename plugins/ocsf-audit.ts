/**
 * Writes what happened as events of the Open Cybersecurity Schema Framework, to a file or to whatever takes them.
 *
 * @module
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import {
  type DecisionRecord,
  definePlugin,
  type LifecycleEvent,
  type OcsfEvent,
  type Plugin,
  toOcsf,
} from "../src/mod.ts";

/** The options of `ocsfAudit`: at least one of the two. */
export interface OcsfAuditOptions {
  /** A file that events are appended to, one a line; made with mode 0600, and not followed where it is a symlink. */
  readonly file?: string;
  readonly write?: (event: OcsfEvent) => unknown;
  /** Only denials, and what is no decision. @default false */
  readonly denialsOnly?: boolean;
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;

/**
 * Makes the plugin. It is a copy for those who watch; the log with the hash chain is `audit.file`.
 *
 * @throws {TypeError} If it has nowhere to write.
 */
export const ocsfAudit: (options: OcsfAuditOptions) => Plugin = definePlugin((options: OcsfAuditOptions): Plugin => {
  const { file, write, denialsOnly = false } = options;
  if (file === undefined && write === undefined) throw new TypeError("Name a file, or give a function to write with");
  // One line after the other, whatever happens at once.
  let turn: Promise<unknown> = Promise.resolve();
  const put = (record: DecisionRecord | LifecycleEvent): Promise<unknown> => {
    const event = toOcsf(record);
    turn = turn
      .catch(() => undefined)
      .then(async () => {
        if (file !== undefined) await append(file, `${JSON.stringify(event)}\n`);
        await write?.(event);
      });
    return turn;
  };
  return {
    name: "ocsf-audit",
    hooks: {
      decision: (record) => (denialsOnly && record.verdict === "allow" ? undefined : put(record)),
      lifecycle: put,
    },
    // What cannot be written is told before anything runs. The last event comes when plugins have ended: no file is held open.
    setup: async () => {
      if (file !== undefined) await append(file, "");
    },
  };
});

async function append(file: string, text: string): Promise<void> {
  const handle = await open(file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
  try {
    await handle.write(text);
  } finally {
    await handle.close();
  }
}
