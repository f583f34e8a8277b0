/**
 * Starts one container: what is decided before (`planStart`), and the steps of an attempt.
 *
 * @module
 */
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { HOME_PATH } from "../../policy/core.ts";
import type { StartedWarden, StartRequest, WarmWarden } from "../runtime.ts";
import { folderOf } from "../workspace/baseline.ts";
import { type Attachment, attach } from "./attach.ts";
import { containerBody, type Mount, PRIVATE_PLACES } from "./container-options.ts";
import type { StartContext } from "./context.ts";
import { createContainer } from "./create.ts";
import { aborted, failureOf, imageMissing, statusOf } from "./failures.ts";
import { refuseLinks } from "./image-links.ts";
import { removeUnconfirmed } from "./leftovers.ts";
import { followContainer, type Lifecycle } from "./lifecycle.ts";
import { remedyFor } from "./remedies.ts";
import { planCopy, planStart, type StartPlan } from "./start-plan.ts";
import { fillTrust, trustMounts } from "./trust-volume.ts";
import { holdVolumes, isCollision, ownVolumes } from "./volumes.ts";
import { copyIn } from "./workspace-copy.ts";
import { verifyMount } from "./workspace-mounts.ts";

const COLLISIONS_MAX = 3;

/** Starts a container. What fails for a reason that can be helped is helped and tried again, once for each reason. */
export async function startContainer(context: StartContext, request: StartRequest): Promise<StartedWarden> {
  const plan = await planStart(context, request);
  return persist(context, plan, async () => finish(context, plan, request, await bringUp(context, plan, request)));
}

/** The same without the workspace, which comes when the sandbox is used. */
export async function warmContainer(context: StartContext, request: StartRequest): Promise<WarmWarden> {
  const plan = await planStart(context, request);
  const running = await persist(context, plan, () => bringUp(context, plan, request));
  const ready = request.workspace === undefined ? await finish(context, plan, request, running) : undefined;
  return {
    ready,
    ended: running.life.ended,
    end: running.end,
    finish: async (later) => ready ?? finish(context, plan, later, running),
  };
}

async function persist<T>(context: StartContext, plan: StartPlan, attempt: () => Promise<T>): Promise<T> {
  if (context.unconfirmed.size > 0) await removeUnconfirmed(context.docker, context).catch(() => undefined);
  const helped = new Set<string>();
  for (let collisions = 0; ; ) {
    try {
      return await attempt();
    } catch (error) {
      // Two that start at once see each other and both stand back.
      if (isCollision(error) && collisions++ < COLLISIONS_MAX) {
        await sleep(randomInt(20, 250));
        continue;
      }
      const remedy = remedyFor(error, helped);
      if (remedy === undefined) throw error;
      helped.add(remedy.name);
      await inStage("warden", remedy.apply(context, plan));
    }
  }
}

/** A container that runs. */
interface Running {
  readonly container: Docker.Container;
  readonly life: Lifecycle;
  readonly link: Attachment;
  end(reason?: string): Promise<void>;
}

async function bringUp(context: StartContext, plan: StartPlan, request: StartRequest): Promise<Running> {
  throwIfAborted(request);
  const wardenMounts = context.volume.mounts(plan.agent, plan.container.wardenDirectory);
  const trust = trustMounts(request.files ?? [], plan.container.labels);
  const mounts = [...wardenMounts, ...trust, ...plan.workspaceMounts];
  const container = await create(context, plan, mounts);
  const life = followContainer(container, () => context.unconfirmed.add(plan.id));
  life.ended.then(() => context.alive.delete(plan.id));
  const attaching = inStage("attach", attach(container));
  try {
    const filled = inStage("warden", ensureFilled(context, plan, container));
    const trusted = inStage("links", checkLinks(context, plan, mounts, container)).then(() =>
      inStage("trust", fillTrust(container, request.files ?? [])),
    );
    const [link] = await Promise.all([attaching, filled, trusted]);
    throwIfAborted(request);
    await inStage("volumes", holdVolumes(context.docker, container.id, plan.volumes));
    await inStage("start", container.start());
    await inStage("volumes", ownVolumes(container, plan.volumes, plan.agent));
    return follow(context, plan, { container, life, link });
  } catch (error) {
    attaching.then(
      (link) => link.close(),
      () => {},
    );
    await life.end("the start failed");
    throwIfAborted(request);
    throw error;
  }
}

/** Ends a container with its link, and the link with its container. */
function follow(context: StartContext, plan: StartPlan, parts: Omit<Running, "end">): Running {
  const { life, link } = parts;
  let asked = false;
  link.closed.then(() => {
    // It may be the engine that ends, and one that ends forgets volumes: the next start looks.
    if (!asked) context.unconfirmed.add(plan.id);
    return life.end();
  });
  life.ended.then(() => link.close());
  const end = (reason = "the sandbox was ended"): Promise<void> => {
    asked = true;
    // First, or the engine waits for its output to be read.
    link.close();
    return life.end(reason);
  };
  return { ...parts, end };
}

async function finish(
  context: StartContext,
  plan: StartPlan,
  request: StartRequest,
  running: Running,
): Promise<StartedWarden> {
  try {
    throwIfAborted(request);
    // It may be a while since the start was planned.
    const made = plan.live === undefined ? planCopy(request, plan.agent) : undefined;
    const copy = plan.copy === undefined ? undefined : made;
    const notes = await bringWorkspace(context, { ...plan, copy }, running.container, request.signal);
    throwIfAborted(request);
    const baseline = made?.baseline.baseline(folderOf(request.workspace), made.prepared.grants);
    return startedWarden(context, plan, running, { notes, baseline });
  } catch (error) {
    await running.end("the start failed");
    throwIfAborted(request);
    throw error;
  }
}

async function create(context: StartContext, plan: StartPlan, mounts: readonly Mount[]): Promise<Docker.Container> {
  const { withoutIpv6 } = context.learnt;
  const body = containerBody({ ...plan.container, withoutIpv6, mounts });
  context.alive.add(plan.id);
  try {
    return await createContainer(context.docker, body, `cofferdam-${plan.id}`);
  } catch (error) {
    context.alive.delete(plan.id);
    // It was there a moment ago.
    if (statusOf(error) === 404) throw imageMissing(plan.image, error);
    // Without an answer nobody knows how far the engine came.
    if (statusOf(error) === undefined) context.unconfirmed.add(plan.id);
    throw failureOf("create", error);
  }
}

async function ensureFilled(context: StartContext, plan: StartPlan, container: Docker.Container): Promise<void> {
  const { volume } = context;
  if (volume.isFilled(plan.agent) || (await volume.check(container, plan.agent, plan.container.wardenDirectory)))
    return;
  await volume.fill(plan.container.imageId, plan.container.labels, plan.agent);
}

/** Once for each image and what is mounted where: an image never changes. */
async function checkLinks(
  context: StartContext,
  { image, live, volumes, container: { imageId, imageVolumes, wardenDirectory } }: StartPlan,
  mounts: readonly Mount[],
  container: Docker.Container,
): Promise<void> {
  const targets = mounts.map(({ Target }) => Target).filter((path) => path !== wardenDirectory);
  const others = [...targets, ...imageVolumes, ...PRIVATE_PLACES];
  const key = JSON.stringify([imageId, live !== undefined, volumes.map(({ path }) => path), others]);
  if (context.learnt.unlinked.has(key)) return;
  await refuseLinks(container, { image, live: live !== undefined, volumes, others });
  context.learnt.unlinked.add(key);
}

async function bringWorkspace(
  context: StartContext,
  plan: StartPlan,
  container: Docker.Container,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const { copy, live } = plan;
  if (copy !== undefined) {
    return inStage("copy", copyIn(context.docker, container, { ...copy, labels: plan.container.labels, signal }));
  }
  if (live === undefined) return [];
  const note = await inStage("mount", verifyMount(container, live));
  return note === undefined ? [] : [note];
}

function startedWarden(
  context: StartContext,
  plan: StartPlan,
  { life, link, end }: Running,
  { notes, baseline }: Pick<StartedWarden, "notes" | "baseline">,
): StartedWarden {
  const volumeNote = context.volume.note();
  return {
    input: link.input,
    output: link.output,
    uid: plan.agent.uid,
    gid: plan.agent.gid,
    imageId: plan.container.imageId,
    environment: { PATH: DEFAULT_PATH, ...plan.environment, HOME: HOME_PATH },
    limits: { holder: plan.container.limits.holder, warden: plan.container.limits.warden },
    baseline,
    liveMounts: plan.live !== undefined || plan.volumes.some(({ live }) => live),
    notes: [
      ...plan.container.limits.notes,
      ...(volumeNote === undefined ? [] : [volumeNote]),
      ...(context.learnt.withoutIpv6 ? [] : ["IPv6 could not be switched off on the sandbox's loopback"]),
      ...notes,
    ],
    diagnostics: link.diagnostics,
    ended: life.ended,
    end: () => end(),
  };
}

async function inStage<T>(stage: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw failureOf(stage, error);
  }
}

function throwIfAborted(request: StartRequest): void {
  if (request.signal?.aborted) throw aborted(request.signal.reason);
}

/** What an image without a PATH gets: Docker's own default. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
