/**
 * The end of a container.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { statusOf } from "./failures.ts";

/** Follows a container to its end. */
export interface Lifecycle {
  /** Settles with the reason when the container and its anonymous volumes are gone. Never rejects. */
  readonly ended: Promise<string>;
  /** Ends the container; settles as `ended` does. Idempotent. Without a reason it is what the engine says. */
  end(reason?: string): Promise<void>;
}

/** How long an engine may take to remove a container. */
const REMOVAL_MS = 15_000;
/** How long an engine may be away meanwhile. */
const ABSENCE_MS = 3_000;

/** Follows a container that was created, from before it starts. `onUnconfirmed` hears of an end that nobody confirms. */
export function followContainer(container: Docker.Container, onUnconfirmed: () => void = () => {}): Lifecycle {
  const giveUp = new AbortController();
  // The engine removes a container that ends by itself some time after its end: this answers when it has.
  const removed: Promise<string | undefined> = container
    .wait({ condition: "removed", abortSignal: giveUp.signal })
    .then(describeExit, () => undefined);
  let finish: (reason: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    finish = resolve;
  });
  let ending: Promise<void> | undefined;
  removed.then((reason) => {
    // The engine went away. Whatever it says of the container now, it may have forgotten its volumes.
    if (reason === undefined && !giveUp.signal.aborted) onUnconfirmed();
    // Otherwise the wait was given up, or the engine went away: the link ends as well then, and somebody calls end().
    if (reason !== undefined && ending === undefined) finish(reason);
  });
  return {
    ended,
    end: (reason) => {
      ending ??= removeContainer(container, removed).then(async (gone) => {
        if (!gone) {
          onUnconfirmed();
          finish("the engine did not confirm that the container is gone");
        }
        // The wait answers within the same moment as the removal.
        else finish(reason ?? (await Promise.race([removed, sleep(20)])) ?? "the link ended");
        giveUp.abort();
      });
      return ending;
    },
  };
}

/** Kills and removes a container with its anonymous volumes. Whether the engine says that it is gone. Never rejects. */
export async function removeContainer(
  container: Docker.Container,
  removed: Promise<unknown> = sleep(25),
): Promise<boolean> {
  const deadline = Date.now() + REMOVAL_MS;
  let absentSince: number | undefined;
  while (Date.now() < deadline) {
    const attempt = await tryRemove(container, deadline);
    if (attempt === "gone") return true;
    if (attempt === "absent") {
      absentSince ??= Date.now();
      if (Date.now() - absentSince > ABSENCE_MS) return false;
      await sleep(100);
    } else {
      absentSince = undefined;
      // It is being removed already, mostly because the warden ended just now.
      await Promise.race([removed, sleep(25)]);
      await sleep(5);
    }
  }
  return false;
}

async function tryRemove(container: Docker.Container, deadline: number): Promise<"gone" | "busy" | "absent"> {
  const expiry = new AbortController();
  const expired = sleep(deadline - Date.now(), "absent" as const, { signal: expiry.signal });
  const removal = container.remove({ force: true, v: true }).then(() => "gone" as const, outcomeOf);
  try {
    return await Promise.race([removal, expired]);
  } finally {
    expired.catch(() => {});
    expiry.abort();
  }
}

function outcomeOf(error: unknown): "gone" | "busy" | "absent" {
  const status = statusOf(error);
  if (status === 404) return "gone";
  return status === undefined ? "absent" : "busy";
}

function describeExit(result: { readonly StatusCode?: number } | undefined): string {
  return `the container ended with status ${result?.StatusCode ?? "unknown"}`;
}
