/**
 * `createSandbox`: read this first. It is the list of the steps between a policy and a sandbox that enforces it.
 *
 * @module
 */
import { SandboxError } from "./errors.ts";
import type { Policy } from "./policy/core.ts";
import type { Runtime, StartedWarden, StartRequest } from "./runtimes/runtime.ts";
import { chooseRuntime } from "./sandbox/choose-runtime.ts";
import { Connections } from "./sandbox/connections.ts";
import { openCredentials } from "./sandbox/credentials.ts";
import { Decisions } from "./sandbox/decisions.ts";
import { firstPolicy } from "./sandbox/first-policy.ts";
import { createId } from "./sandbox/id.ts";
import { checkPatterns } from "./sandbox/inference/check-patterns.ts";
import { readProviders } from "./sandbox/inference/options.ts";
import { SensitiveFiles } from "./sandbox/inference/sensitive-files.ts";
import { writeLogins } from "./sandbox/login-files.ts";
import { type LinkAhead, openLink, takeLink } from "./sandbox/open-link.ts";
import { checkOptions, resolveWorkspace, type SandboxOptions } from "./sandbox/options.ts";
import { type Plans, planDomains } from "./sandbox/plan-domains.ts";
import { openPlugins } from "./sandbox/plugins.ts";
import { type ReadPolicy, readPolicy } from "./sandbox/read-policy.ts";
import { SandboxRecords } from "./sandbox/records.ts";
import { resolveRoot } from "./sandbox/root.ts";
import { RunningSandbox, type Sandbox } from "./sandbox/running.ts";
import { makeTrust, type SandboxTrust } from "./sandbox/trust.ts";
import { resolveVolumes } from "./sandbox/volumes.ts";

/**
 * Creates a sandbox: nothing runs in it yet, and whatever will run is bound by the policy.
 *
 * Shape: the policy is an object, YAML or JSON text, or the path of a file that ends in `.yaml`, `.yml` or `.json`. What
 * it does not grant is denied. Units: options that end in `Ms` are milliseconds. Defaults: an empty workspace, no network,
 * the local runtime on Linux.
 *
 * @throws {SandboxError} POLICY_INVALID If the policy is malformed; `details.issues` has every mistake and its place.
 * @throws {SandboxError} POLICY_UNSUPPORTED If this version cannot enforce what the policy asks for.
 * @throws {SandboxError} ARGUMENT_INVALID If an option is malformed, or names a proxy that cannot be used.
 * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If the host does not have a credential that the policy asks for, or cannot read it.
 * @throws {SandboxError} POLICY_UNREADABLE If the policy's file cannot be read.
 * @throws {SandboxError} PATH_MISSING If the policy grants a path that does not exist.
 * @throws {SandboxError} WORKSPACE_UNUSABLE If the workspace cannot be used as asked.
 * @throws {SandboxError} VOLUME_BUSY If another sandbox has a volume.
 * @throws {SandboxError} VOLUME_UNUSABLE If a volume cannot be used as asked.
 * @throws {SandboxError} SNAPSHOT_UNUSABLE If there is no such snapshot, or the policy does not cover it.
 * @throws {SandboxError} STATE_UNUSABLE If the folder that keeps volumes, or unpacked images, cannot be used.
 * @throws {SandboxError} RUNTIME_UNAVAILABLE If the runtime does not work here.
 * @throws {SandboxError} ROOT_UNUSABLE If the root is neither a folder nor an archive of an image for this machine.
 * @throws {SandboxError} IMAGE_MISSING If the Docker engine does not have the image.
 * @throws {SandboxError} ENFORCEMENT_MISSING If the kernel or the engine cannot hold what the policy asks for.
 * @throws {SandboxError} START_FAILED If the sandbox does not come up; nothing is left behind then.
 * @throws {SandboxError} ABORTED If `options.signal` says so first.
 *
 * @example
 * ```ts
 * import { createSandbox } from "cofferdam";
 *
 * await using sandbox = await createSandbox(
 *   { version: 1, filesystem: { read: ["./src"], write: ["./docs"] } },
 *   { workspace: "." },
 * );
 * const { stdout } = await sandbox.exec(["grep", "-rc", "export", "src"]);
 * console.log(stdout);
 * ```
 */
export async function createSandbox(policy: Policy | string, options: SandboxOptions = {}): Promise<Sandbox> {
  checkOptions(options);
  throwIfAborted(options.signal);
  const read = await readPolicy(policy);
  const plans = planDomains(read.normalized, readProviders(options.inference));
  const workspace = await resolveWorkspace(options.workspace);
  const volumes = resolveVolumes(plans.filesystem, options.volumes);
  const runtime = await chooseRuntime(options);
  const root = await resolveRoot(options, runtime.name);
  const { image, signal } = options;
  const id = createId();
  const trust = await makeTrust(id, plans, options);
  const request = { id, ...plans, workspace, volumes, files: trust?.files ?? [], image, root, signal };
  const sandbox = await openSandbox({
    read,
    plans,
    request,
    runtime,
    options,
    trust,
    startWarden: () => runtime.start(request),
  });
  if (options.snapshot === undefined) return sandbox;
  try {
    await sandbox.state.restore(options.snapshot, signal === undefined ? {} : { signal });
    return sandbox;
  } catch (error) {
    await sandbox.stop();
    throw error;
  }
}

/** What a sandbox is opened from. */
export interface SandboxStart {
  readonly read: ReadPolicy;
  readonly plans: Plans;
  readonly request: StartRequest;
  readonly runtime: Runtime;
  readonly options: SandboxOptions;
  /** Absent: the policy has nothing to do with the network. */
  readonly trust: SandboxTrust | undefined;
  /** Whether the warden was started for a wider policy: then what this one grants need not be there. */
  readonly narrowed?: boolean;
  /** Now, or taken from those that a pool has started ahead. */
  startWarden(): Promise<StartedWarden>;
  /** Its link, where that was opened ahead. */
  readonly ahead?: LinkAhead | undefined;
}

/** The second half: from a warden to a sandbox whose policy, hooks and records are its own. */
export async function openSandbox(start: SandboxStart): Promise<Sandbox> {
  const { read, plans, request, runtime, options, trust, ahead, narrowed = false } = start;
  const { id, workspace } = request;
  const records = await SandboxRecords.open(id, read.digest, options.audit);
  const registry = await openPlugins(id, records, options);
  let warden: StartedWarden | undefined;
  try {
    await checkPatterns(read, plans, options);
    const credentials = await openCredentials(read.normalized, options, records);
    warden = await start.startWarden();
    const sensitive = new SensitiveFiles(plans.inference);
    const setting = { warden, registry, options, workspace: workspace?.path, trust, credentials, sensitive };
    const { parts, frames, rules, changed } = firstPolicy({ read, plans, setting, narrowed, ahead });
    const decisions = new Decisions(registry, records, sensitive);
    decisions.addRules(rules);
    const engine = trust === undefined ? undefined : await import("./sandbox/requests.ts");
    const flows = new Connections(
      { registry, records, trust, engine, credentials, options, sensitive, history: () => records.decisions() },
      { plan: plans.network, inference: plans.inference, policy: read.normalized },
    );
    const handlers = { decisions, flows };
    const { link, facts } =
      ahead === undefined
        ? await openLink(warden, { filesystem: plans.filesystem, frames }, handlers, options)
        : await takeLink(ahead, changed ? frames : undefined, handlers, options);
    const running = { id, policy: read, parts, setting, runtime, link, facts, records, decisions, flows };
    const sandbox = new RunningSandbox({ ...running, create: createSandbox });
    await writeLogins(sandbox.files, credentials.logins);
    records.sandboxStarted(sandbox.enforcement);
    return sandbox;
  } catch (error) {
    // Whatever failed after its start, nothing of it goes on.
    await warden?.end();
    await registry.teardown();
    await records.startFailed(error);
    throw options.signal?.aborted ? abortedStart(options.signal) : error;
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedStart(signal);
}

function abortedStart(signal: AbortSignal): SandboxError<"ABORTED"> {
  return new SandboxError("ABORTED", "Cannot create the sandbox: its signal was aborted", {
    details: { operation: "createSandbox" },
    hint: "Nothing is left of it",
    cause: signal.reason,
  });
}
