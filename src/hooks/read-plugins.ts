/**
 * Reads the plugins of a sandbox: checks them, so that nothing that was meant to decide is silently left out.
 *
 * @module
 */
import type { DecisionRecord } from "../audit/mod.ts";
import { nearestKey } from "../policy/nearest.ts";
import type { InferenceAnswer, InferenceCall, InferenceChunk } from "./inference-types.ts";
import { invalidPlugin } from "./problems.ts";
import {
  type DecideHook,
  type InferenceHook,
  isName,
  type ObserveHook,
  readAccess,
  readConnect,
  readInference,
  readObserve,
  readStart,
  readTraffic,
  type TrafficHook,
} from "./read-hook.ts";
import type { FilesystemAccess, NetworkConnect, ProcessStart } from "./subjects.ts";
import type { LifecycleEvent, MessageHandler, Plugin, RequestHandler, ResponseHandler } from "./types.ts";

/** A plugin, checked. What is changed in the original later has no effect. */
export interface ReadPlugin {
  readonly name: string;
  readonly setup: Plugin["setup"];
  readonly teardown: Plugin["teardown"];
  readonly approve: Plugin["approve"];
  readonly access: DecideHook<FilesystemAccess> | undefined;
  readonly start: DecideHook<ProcessStart> | undefined;
  readonly connect: DecideHook<NetworkConnect> | undefined;
  readonly request: TrafficHook<RequestHandler> | undefined;
  readonly response: TrafficHook<ResponseHandler> | undefined;
  readonly message: TrafficHook<MessageHandler> | undefined;
  readonly call: InferenceHook<InferenceCall> | undefined;
  readonly chunk: InferenceHook<InferenceChunk> | undefined;
  readonly answer: InferenceHook<InferenceAnswer> | undefined;
  readonly decision: ObserveHook<DecisionRecord> | undefined;
  readonly lifecycle: ObserveHook<LifecycleEvent> | undefined;
}

const PLUGIN_KEYS = ["name", "hooks", "setup", "teardown", "approve"];
const HOOKS = [
  "filesystem.access",
  "process.start",
  "network.connect",
  "network.request",
  "network.response",
  "network.message",
  "inference.call",
  "inference.chunk",
  "inference.response",
  "decision",
  "lifecycle",
];
const DOMAINS = ["filesystem", "process", "network", "inference"];

/**
 * Reads them.
 *
 * @throws {SandboxError} PLUGIN_INVALID If one is malformed, or two have one name.
 */
export function readPlugins(plugins: unknown): readonly ReadPlugin[] {
  if (!Array.isArray(plugins)) throw invalidPlugin("plugins", "the plugins are no list", "Give an array of plugins");
  const read = plugins.map((plugin: unknown, index) => readPlugin(plugin, `plugins[${index}]`));
  refuseTwins(read);
  return read;
}

function readPlugin(plugin: unknown, place: string): ReadPlugin {
  if (typeof plugin === "function") {
    throw invalidPlugin(place, "it is a function", "Call what definePlugin() returned: plugins: [noSecrets()]");
  }
  if (!isObject(plugin)) throw invalidPlugin(place, "it is no object", "Give what a plugin's factory returns");
  const { name, setup, teardown, approve } = plugin;
  if (!isName(name)) {
    const hint = 'A name is up to 128 letters, digits, ".", "_" and "-", and starts with a letter or digit';
    throw invalidPlugin(place, `its name is ${JSON.stringify(name)}`, hint);
  }
  // A plugin may keep a state of its own; what looks like a key of ours is one that was misspelt.
  for (const key of Object.keys(plugin).filter((key) => !PLUGIN_KEYS.includes(key))) {
    const nearest = nearestKey(key, PLUGIN_KEYS);
    if (nearest !== undefined) throw invalidPlugin(name, `it has a ${JSON.stringify(key)}`, "", { nearest });
  }
  const method = (key: "setup" | "teardown" | "approve", value: unknown) => {
    if (value === undefined) return undefined;
    if (typeof value !== "function") throw invalidPlugin(name, `its ${key} is no function`, "Give a function");
    return value.bind(plugin);
  };
  const hooks = readHooks(name, plugin.hooks);
  const of = <T>(hook: string, read: (value: unknown) => T): T | undefined => {
    const value = hooks.get(hook);
    return value === undefined ? undefined : read(value);
  };
  return {
    name,
    setup: method("setup", setup),
    teardown: method("teardown", teardown),
    approve: method("approve", approve),
    access: of("filesystem.access", (value) => readAccess(name, value)),
    start: of("process.start", (value) => readStart(name, value)),
    connect: of("network.connect", (value) => readConnect(name, value)),
    request: of("network.request", (value) => readTraffic(name, "network.request", value)),
    response: of("network.response", (value) => readTraffic(name, "network.response", value)),
    message: of("network.message", (value) => readTraffic(name, "network.message", value)),
    call: of("inference.call", (value) => readInference(name, "inference.call", value)),
    chunk: of("inference.chunk", (value) => readInference(name, "inference.chunk", value)),
    answer: of("inference.response", (value) => readInference(name, "inference.response", value)),
    decision: of("decision", (value) => readObserve(name, "decision", value)),
    lifecycle: of("lifecycle", (value) => readObserve(name, "lifecycle", value)),
  };
}

/** The hooks of a plugin by their full names. */
function readHooks(plugin: string, hooks: unknown): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  if (hooks === undefined) return found;
  if (!isObject(hooks)) throw invalidPlugin(plugin, "its hooks are no object", "Give { filesystem: { access } }");
  for (const [key, value] of Object.entries(hooks)) {
    if (value === undefined) continue;
    if (!DOMAINS.includes(key)) {
      found.set(key, value);
      continue;
    }
    if (!isObject(value)) throw invalidPlugin(plugin, `its hooks.${key} is no object`, "Give an object of hooks");
    for (const [name, hook] of Object.entries(value)) {
      if (hook !== undefined) found.set(`${key}.${name}`, hook);
    }
  }
  for (const hook of found.keys()) refuseUnknown(plugin, hook);
  return found;
}

function refuseUnknown(plugin: string, hook: string): void {
  if (HOOKS.includes(hook)) return;
  const nearest = nearestKey(hook, [...HOOKS, ...DOMAINS]);
  const reason = `there is no hook ${JSON.stringify(hook)}`;
  throw invalidPlugin(plugin, reason, `Known are ${HOOKS.join(", ")}`, { hook, nearest });
}

/** What decides, and can be named by a rule. */
const TWINS = [
  "access",
  "start",
  "connect",
  "request",
  "response",
  "message",
  "call",
  "chunk",
  "answer",
] as const satisfies readonly (keyof ReadPlugin)[];

function refuseTwins(plugins: readonly ReadPlugin[]): void {
  const names = new Set<string>();
  for (const { name } of plugins) {
    if (names.has(name)) throw invalidPlugin(name, "another plugin has its name", "Give each a name of its own");
    names.add(name);
  }
  for (const key of TWINS) {
    const owners = new Map<string, string>();
    for (const { name: plugin, [key]: hook } of plugins) {
      if (hook === undefined) continue;
      const owner = owners.get(hook.name);
      if (owner !== undefined) {
        const reason = `its hook ${hook.hook} has the name of that of plugin ${JSON.stringify(owner)}, ${JSON.stringify(hook.name)}`;
        throw invalidPlugin(plugin, reason, "A rule that defers by name must mean one hook", { hook: hook.hook });
      }
      owners.set(hook.name, plugin);
    }
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
