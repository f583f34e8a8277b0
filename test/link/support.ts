/** What the tests of the link share. */
import { SandboxError } from "../../src/errors.ts";
import type { DecisionHandler } from "../../src/link/handlers.ts";
import { Link, type LinkFacts } from "../../src/link/link.ts";
import { FakeWarden, type FakeWardenScript, HELLO } from "./fake-warden.ts";

export const CONFIG = { flags: 0, dataBytes: 0, processes: 0, cpus: 0, workspace: Buffer.from("/workspace") };

/** Hears questions and answers none. */
export const UNASKED: DecisionHandler = {
  onAccess: () => undefined,
  onProgram: () => undefined,
  onExpired: () => undefined,
  onDecided: () => undefined,
};

export interface Pair {
  readonly warden: FakeWarden;
  readonly link: Link;
}

/** A link to a fake warden, before the handshake. */
export function pair(script: FakeWardenScript = {}, heartbeatMs = 10_000): Pair {
  const warden = new FakeWarden(script);
  const link = new Link({ input: warden.input, output: warden.output, heartbeatMs });
  link.serve({ decisions: UNASKED });
  return { warden, link };
}

/** A link to a fake warden, after the handshake. */
export async function ready(script: FakeWardenScript = {}, heartbeatMs?: number): Promise<Pair & { facts: LinkFacts }> {
  const both = pair(script, heartbeatMs);
  both.warden.send("hello", HELLO);
  return { ...both, facts: await both.link.configure(CONFIG, []) };
}

/** Lets everything that is under way arrive: nothing in these tests waits for time. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The error that a promise rejects with. */
export async function failure(work: Promise<unknown>): Promise<SandboxError> {
  const outcome = await work.then(
    (value) => new Error(`it succeeded with ${String(value)}`),
    (error: unknown) => error,
  );
  if (SandboxError.is(outcome)) return outcome;
  throw outcome;
}

/** Whether a promise has settled by now. */
export async function settled(work: Promise<unknown>): Promise<boolean> {
  let done = false;
  const mark = () => {
    done = true;
  };
  work.then(mark, mark);
  await settle();
  return done;
}
