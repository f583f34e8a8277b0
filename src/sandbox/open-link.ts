/**
 * From a started warden to a link on which the floor stands.
 *
 * @module
 */
import { finished } from "node:stream/promises";
import type { FilesystemPlan } from "../domains/filesystem/mod.ts";
import { SandboxError } from "../errors.ts";
import type { DecisionHandler, FlowHandler } from "../link/handlers.ts";
import { Link, type LinkFacts, lost, type PolicyFrames } from "../link/link.ts";
import { FLAGS } from "../link/protocol.ts";
import { WORKSPACE_PATH } from "../policy/core.ts";
import type { StartedWarden } from "../runtimes/runtime.ts";
import { milliseconds } from "./arguments.ts";
import type { SandboxOptions } from "./options.ts";

const HEARTBEAT_MS = 10_000;
/** How long a warden may take to get ready, in milliseconds. */
const START_MS = 30_000;
/** How long the end of what a warden said may come after its own, in milliseconds. */
const LAST_WORDS_MS = 500;

/** Who hears the warden; each gets the link before its first frame. */
export interface SandboxHandlers {
  readonly decisions: DecisionHandler & { link: Link | undefined };
  /** Without one no connection is carried. */
  readonly flows?: FlowHandler & { link: Link | undefined };
}

/** What the warden is configured with. */
export interface LinkPolicy {
  readonly filesystem: FilesystemPlan;
  readonly frames: PolicyFrames;
}

/** A link on which the floor stands. */
export interface OpenedLink {
  readonly link: Link;
  readonly facts: LinkFacts;
}

/** Configures the warden. If that fails, nothing of the sandbox is left. */
export async function openLink(
  warden: StartedWarden,
  policy: LinkPolicy,
  handlers: SandboxHandlers,
  options: SandboxOptions,
): Promise<OpenedLink> {
  try {
    const heartbeatMs = milliseconds("heartbeatMs", options.heartbeatMs) ?? HEARTBEAT_MS;
    const link = linkTo(warden, heartbeatMs);
    serve(link, handlers);
    return { link, facts: await configured(link, warden, policy.frames, options.signal) };
  } catch (error) {
    await warden.end();
    throw explained(error, policy.filesystem, warden.diagnostics());
  }
}

/** A warden that has a policy in force before anybody has its sandbox. */
export interface LinkAhead extends OpenedLink {
  readonly frames: PolicyFrames;
}

/** Does ahead what {@link openLink} does. */
export async function openLinkAhead(
  warden: StartedWarden,
  policy: LinkPolicy,
  signal: AbortSignal,
): Promise<LinkAhead> {
  try {
    const link = linkTo(warden, HEARTBEAT_MS);
    return { link, facts: await configured(link, warden, policy.frames, signal), frames: policy.frames };
  } catch (error) {
    await warden.end();
    throw explained(error, policy.filesystem, warden.diagnostics());
  }
}

/**
 * The same from a link that was opened ahead. `changed` is what the sandbox's policy is where it is another than the one in
 * force.
 */
export async function takeLink(
  { link, facts }: LinkAhead,
  changed: PolicyFrames | undefined,
  handlers: SandboxHandlers,
  options: SandboxOptions,
): Promise<OpenedLink> {
  const heartbeatMs = milliseconds("heartbeatMs", options.heartbeatMs);
  serve(link, handlers);
  if (heartbeatMs !== undefined) link.beatEvery(heartbeatMs);
  if (changed === undefined) {
    // It may have died without anybody having heard.
    await bounded(link, options.signal, link.alive());
    return { link, facts };
  }
  const ready = await bounded(link, options.signal, link.changePolicy(changed));
  return { link, facts: { ...facts, ready } };
}

function linkTo(warden: StartedWarden, heartbeatMs: number): Link {
  const link = new Link({ input: warden.input, output: warden.output, heartbeatMs });
  // The runtime knows of the end before the stream says so, where the stream says nothing.
  const over = warden.ended.then((reason) => lost(reason));
  void lastWords(warden).then(async () => link.close(await over));
  return link;
}

function serve(link: Link, { decisions, flows }: SandboxHandlers): void {
  decisions.link = link;
  if (flows !== undefined) flows.link = link;
  link.serve({ decisions, ...(flows && { flows }) });
}

function configured(
  link: Link,
  warden: StartedWarden,
  frames: PolicyFrames,
  signal: AbortSignal | undefined,
): Promise<LinkFacts> {
  const config = {
    flags: warden.liveMounts ? 0 : FLAGS.config.unixSockets,
    ...warden.limits.warden,
    workspace: Buffer.from(WORKSPACE_PATH),
  };
  return bounded(link, signal, link.configure(config, frames));
}

/** Settles when the warden has ended and, if that was early, what it said before was read: that is why it ended. */
async function lastWords({ ended, input }: StartedWarden): Promise<void> {
  await ended;
  if (input.readableEnded || input.destroyed) return;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LAST_WORDS_MS);
  });
  await Promise.race([finished(input, { writable: false }).catch(() => undefined), patience]);
  clearTimeout(timer);
}

/** A warden that says nothing must not be waited for, nor one that nobody wants any more. */
async function bounded<T>(link: Link, signal: AbortSignal | undefined, handshake: Promise<T>): Promise<T> {
  const abort = () => link.close(lost("the start was aborted"));
  const timer = setTimeout(() => link.close(silent()), START_MS);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  try {
    return await handshake;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

function silent(): SandboxError<"START_FAILED"> {
  return new SandboxError("START_FAILED", `Cannot start the sandbox: the warden was not ready within ${START_MS} ms`, {
    details: { stage: "handshake" },
    hint: "The machine or the engine may be overloaded; try again",
  });
}

/** Adds what only this side knows: the rule behind a path, and what the warden said before it died. */
function explained(error: unknown, filesystem: FilesystemPlan, diagnostics: string): unknown {
  if (SandboxError.is(error, "PATH_MISSING")) {
    const { path } = error.details;
    const grant = filesystem.grants.find((each) => each.path === path || each.workspaceRelative === path);
    const rule = grant?.ruleId ?? "";
    return new SandboxError(
      "PATH_MISSING",
      `Cannot grant "${path}" as rule ${rule} asks: it does not exist in the sandbox`,
      {
        details: { path, rule },
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      },
    );
  }
  if (!SandboxError.is(error, "LINK_LOST")) return error;
  const output = diagnostics.trim();
  return new SandboxError(
    "START_FAILED",
    `Cannot start the sandbox: the warden ended${output ? ` and said ${JSON.stringify(output)}` : ""}`,
    {
      details: { stage: "handshake", output },
      hint: "Look at what it said; the runtime may lack what it needs",
      cause: error,
    },
  );
}
