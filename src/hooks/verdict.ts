/**
 * What a decide hook may answer.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";

/** The answer of a decide hook. `undefined` in its place abstains; anything else is a denial. */
export type HookVerdict =
  | { readonly verdict: "allow" | "ask"; readonly reason?: string | undefined }
  | { readonly verdict: "deny"; readonly reason: string }
  | { readonly verdict: "substitute"; readonly content: Uint8Array; readonly reason?: string | undefined };

/** The longest reason that is kept, in UTF-16 code units. */
const REASON_MAX = 1024;

const ALLOW: HookVerdict = Object.freeze({ verdict: "allow" });
const ASK: HookVerdict = Object.freeze({ verdict: "ask" });
const encoder = new TextEncoder();

/**
 * Allows what the policy left open. What a rule allows already needs no hook; what a rule denies no hook ever sees.
 *
 * @example
 * ```ts
 * import { allow, definePlugin } from "cofferdam";
 *
 * export const drafts = definePlugin(() => ({
 *   name: "drafts",
 *   hooks: { filesystem: { access: ({ path }) => (path.endsWith(".md") ? allow("a draft") : undefined) } },
 * }));
 * ```
 */
export function allow(reason?: string): HookVerdict {
  return reason === undefined ? ALLOW : { verdict: "allow", reason };
}

/**
 * Denies, whatever the policy and other hooks say.
 *
 * @example
 * ```ts
 * import { definePlugin, deny } from "cofferdam";
 *
 * export const noForce = definePlugin(() => ({
 *   name: "no-force",
 *   hooks: { process: { start: ({ argv }) => (argv.includes("--force") ? deny("no force") : undefined) } },
 * }));
 * ```
 */
export function deny(reason: string): HookVerdict {
  return { verdict: "deny", reason };
}

/**
 * Leaves it to the approver, even where the policy allows it.
 *
 * @example
 * ```ts
 * import { ask, definePlugin } from "cofferdam";
 *
 * export const careful = definePlugin(() => ({
 *   name: "careful",
 *   hooks: { filesystem: { access: { operations: ["delete"], handler: ({ path }) => ask(`it deletes ${path}`) } } },
 * }));
 * ```
 */
export function ask(reason?: string): HookVerdict {
  return reason === undefined ? ASK : { verdict: "ask", reason };
}

/**
 * Gives a program something else to read than what is in the file, if it may read the file at all.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If the content is neither a string nor bytes.
 *
 * @example
 * ```ts
 * import { definePlugin, substitute } from "cofferdam";
 *
 * export const noHosts = definePlugin(() => ({
 *   name: "no-hosts",
 *   hooks: {
 *     filesystem: {
 *       access: { paths: ["/etc/hosts"], operations: ["read"], handler: () => substitute("127.0.0.1 localhost\n") },
 *     },
 *   },
 * }));
 * ```
 */
export function substitute(content: Uint8Array | string, reason?: string): HookVerdict {
  if (typeof content !== "string" && !(content instanceof Uint8Array)) {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot give a ${typeof content} to read`, {
      details: { argument: "content", value: content },
      hint: "Give a string or a Uint8Array",
    });
  }
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  return { verdict: "substitute", content: bytes, ...(reason === undefined ? {} : { reason }) };
}

/**
 * The verdict that a value is, from any copy of this library.
 *
 * @returns undefined where it is none.
 */
export function readVerdict(value: unknown): HookVerdict | undefined {
  try {
    return typeof value === "object" && value !== null ? readObject(value) : undefined;
  } catch {
    // A property that throws when it is looked at.
    return undefined;
  }
}

function readObject(value: object): HookVerdict | undefined {
  const { verdict, reason, content } = value as Readonly<Record<string, unknown>>;
  // A denial counts, however it is worded.
  if (verdict === "deny") return { verdict, reason: clip(reason) ?? "" };
  if (reason !== undefined && typeof reason !== "string") return undefined;
  if (verdict === "allow" || verdict === "ask") return { verdict, reason: clip(reason) };
  if (verdict !== "substitute" || !(content instanceof Uint8Array)) return undefined;
  return { verdict, content, reason: clip(reason) };
}

function clip(reason: unknown): string | undefined {
  if (typeof reason !== "string") return undefined;
  return reason.length > REASON_MAX ? `${reason.slice(0, REASON_MAX)}…` : reason;
}
