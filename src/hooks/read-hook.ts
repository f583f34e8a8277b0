/**
 * Reads one hook: checks it, and puts defaults in.
 *
 * @module
 */
import { hostRange, rangeProblem } from "../policy/addresses.ts";
import { globProblem } from "../policy/glob.ts";
import { nearestKey } from "../policy/nearest.ts";
import { pathProblem } from "../policy/paths.ts";
import {
  accessMatcher,
  binaryPatterns,
  callMatcher,
  connectMatcher,
  type Match,
  pathPatterns,
  startMatcher,
} from "./filter.ts";
import type { InferenceAbout } from "./inference-types.ts";
import { invalidPlugin } from "./problems.ts";
import type { FilesystemAccess, FilesystemOperation, NetworkConnect, ProcessStart } from "./subjects.ts";
import type { HookContext } from "./types.ts";

/** How long a hook may take unless it says so itself, in milliseconds. */
export const HOOK_TIMEOUT_MS: number = 5000;

const TIMEOUT_MAX_MS = 3_600_000;
const PATTERNS_MAX = 1024;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const OBSERVE_KEYS = ["handler", "timeoutMs"];
const DECIDE_KEYS = [...OBSERVE_KEYS, "name", "order", "binaries"];
const CONNECT_KEYS = [...DECIDE_KEYS, "hosts", "ports"];
const CALL_KEYS = [...DECIDE_KEYS, "models"];
const ACCESS_KEYS = [...DECIDE_KEYS, "paths", "operations"];

const OPERATIONS: readonly FilesystemOperation[] = [
  "read",
  "write",
  "create",
  "delete",
  "rename",
  "link",
  "list",
  "metadata",
  "connect",
];

/** A hook that observes. */
export interface ObserveHook<E> {
  readonly plugin: string;
  readonly hook: string;
  readonly timeoutMs: number;
  readonly handler: (event: E, context: HookContext) => unknown;
}

/** A hook that decides. */
export interface DecideHook<S> extends ObserveHook<S> {
  /** What a rule defers to. */
  readonly name: string;
  readonly order: "pre" | "normal" | "post";
  readonly matches: (subject: S) => Match;
  readonly operations: readonly FilesystemOperation[];
  /** Absolute patterns; none: all. */
  readonly paths: readonly string[];
  readonly binaries: readonly string[];
}

/** A hook that sees what goes over connections. */
export interface TrafficHook<F> extends Pick<DecideHook<never>, "plugin" | "hook" | "name" | "order" | "timeoutMs"> {
  readonly handler: F;
  readonly matches: (connect: NetworkConnect) => Match;
  readonly ports: readonly number[];
}

/** A hook of calls to models, of their answers, or of pieces of those. */
export interface InferenceHook<S extends InferenceAbout> extends DecideHook<S> {
  /** Of pieces: whether it hears when a part is over. */
  readonly ends: boolean;
}

/** A hook as it was written: checked to be a function or an object with one. */
type Written = Readonly<Record<string, unknown>>;

/** Reads `filesystem.access`. */
export function readAccess(plugin: string, value: unknown): DecideHook<FilesystemAccess> {
  const written = readWritten(plugin, "filesystem.access", value, ACCESS_KEYS);
  const decide = readDecide<FilesystemAccess>(plugin, "filesystem.access", written);
  const paths = pathPatterns(readPatterns(decide, "paths", written.paths));
  const operations = readOperations(decide, written.operations);
  return { ...decide, paths, operations, matches: accessMatcher(paths, decide.binaries, operations) };
}

/** Reads `process.start`. */
export function readStart(plugin: string, value: unknown): DecideHook<ProcessStart> {
  const written = readWritten(plugin, "process.start", value, DECIDE_KEYS);
  const decide = readDecide<ProcessStart>(plugin, "process.start", written);
  return { ...decide, paths: [], operations: [], matches: startMatcher(decide.binaries) };
}

/** Reads `network.connect`. */
export function readConnect(plugin: string, value: unknown): DecideHook<NetworkConnect> {
  const written = readWritten(plugin, "network.connect", value, CONNECT_KEYS);
  const decide = readDecide<NetworkConnect>(plugin, "network.connect", written);
  const hosts = readHosts(decide, written.hosts);
  const ports = readPorts(decide, written.ports);
  return { ...decide, paths: [], operations: [], matches: connectMatcher(hosts, ports, decide.binaries) };
}

/** Reads `network.request`, `network.response` or `network.message`. */
export function readTraffic<F>(plugin: string, hook: string, value: unknown): TrafficHook<F> {
  const written = readWritten(plugin, hook, value, CONNECT_KEYS);
  const decide = readDecide<unknown>(plugin, hook, written);
  const hosts = readHosts(decide, written.hosts);
  const ports = readPorts(decide, written.ports);
  const handler = decide.handler as unknown as F;
  return { ...decide, handler, ports, matches: connectMatcher(hosts, ports, decide.binaries) };
}

/** Reads `inference.call`, `inference.chunk` or `inference.response`. */
export function readInference<S extends InferenceAbout>(
  plugin: string,
  hook: string,
  value: unknown,
): InferenceHook<S> {
  const written = readWritten(plugin, hook, value, hook === "inference.chunk" ? [...CALL_KEYS, "ends"] : CALL_KEYS);
  const decide = readDecide<S>(plugin, hook, written);
  const models = readModels(decide, written.models);
  const { ends = false } = written;
  if (typeof ends !== "boolean")
    throw invalidHook(decide, "has ends that are no boolean", "Give true, or leave it out");
  return { ...decide, ends, paths: [], operations: [], matches: callMatcher(models, decide.binaries) };
}

/** Reads a hook that observes. */
export function readObserve<E>(plugin: string, hook: string, value: unknown): ObserveHook<E> {
  return readCommon(plugin, hook, readWritten(plugin, hook, value, OBSERVE_KEYS));
}

/** Whether a text can be the name of a plugin or a hook: what a rule of a policy can defer to. */
export function isName(name: unknown): name is string {
  return typeof name === "string" && NAME.test(name);
}

function readWritten(plugin: string, hook: string, value: unknown, known: readonly string[]): Written {
  if (typeof value === "function") return { handler: value };
  const found = Array.isArray(value) ? "an array" : value === null ? "null" : `a ${typeof value}`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidHook({ plugin, hook }, `is ${found}`, "Give a function, or { handler }");
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const nearest = nearestKey(key, known);
    const reason = `its hook ${hook} has an option ${JSON.stringify(key)}, which does not exist`;
    throw invalidPlugin(plugin, reason, `Known are ${known.join(", ")}`, { hook, nearest });
  }
  return value as Written;
}

function readCommon<E>(plugin: string, hook: string, { handler, timeoutMs }: Written): ObserveHook<E> {
  if (typeof handler !== "function") {
    throw invalidHook({ plugin, hook }, "has no handler", "Give a function, or { handler }");
  }
  const timeout = timeoutMs ?? HOOK_TIMEOUT_MS;
  if (typeof timeout !== "number" || !(timeout > 0 && timeout <= TIMEOUT_MAX_MS)) {
    const hint = `Give milliseconds, more than 0 and at most ${TIMEOUT_MAX_MS}`;
    throw invalidHook({ plugin, hook }, `has the timeoutMs ${String(timeout)}`, hint);
  }
  return { plugin, hook, handler: handler as ObserveHook<E>["handler"], timeoutMs: timeout };
}

function readDecide<S>(plugin: string, hook: string, written: Written) {
  const common = readCommon<S>(plugin, hook, written);
  const { name = plugin, order = "normal" } = written;
  if (!isName(name)) {
    const hint = 'A name is up to 128 letters, digits, ".", "_" and "-", and starts with a letter or digit';
    throw invalidHook(common, `has the name ${JSON.stringify(name)}`, hint);
  }
  if (order !== "pre" && order !== "post" && (order !== "normal" || written.order !== undefined)) {
    throw invalidHook(common, `has the order ${JSON.stringify(order)}`, 'Use "pre" or "post", or leave it out');
  }
  const binaries = binaryPatterns(readPatterns(common, "binaries", written.binaries));
  return { ...common, name, order, binaries } as const;
}

type Place = Pick<ObserveHook<never>, "plugin" | "hook">;

function readPatterns(place: Place, key: string, value: unknown): readonly string[] {
  for (const pattern of readList(place, key, value, PATTERNS_MAX)) {
    const problem = typeof pattern === "string" ? pathProblem(pattern) : "a pattern is a text";
    if (problem === undefined) continue;
    throw invalidHook(place, `has ${JSON.stringify(pattern)} in its ${key}`, `Change it: ${problem}`);
  }
  return [...((value as readonly string[] | undefined) ?? [])];
}

function readModels(place: Place, value: unknown): readonly string[] {
  for (const model of readList(place, "models", value, PATTERNS_MAX)) {
    if (typeof model === "string" && model !== "" && globProblem(model) === undefined) continue;
    throw invalidHook(place, `has ${JSON.stringify(model)} in its models`, "Give globs of the names of models");
  }
  return [...((value as readonly string[] | undefined) ?? [])];
}

function readHosts(place: Place, value: unknown): readonly string[] {
  for (const host of readList(place, "hosts", value, PATTERNS_MAX)) {
    if (typeof host === "string" && isHost(host)) continue;
    throw invalidHook(place, `has ${JSON.stringify(host)} in its hosts`, "Give names, globs of labels, or addresses");
  }
  return [...((value as readonly string[] | undefined) ?? [])];
}

function isHost(host: string): boolean {
  if (host.includes("/")) return rangeProblem(host) === undefined;
  return host !== "" && (hostRange(host) !== undefined || globProblem(host, ".") === undefined);
}

function readPorts(place: Place, value: unknown): readonly number[] {
  for (const port of readList(place, "ports", value, PATTERNS_MAX)) {
    if (Number.isInteger(port) && Number(port) > 0 && Number(port) <= 65_535) continue;
    throw invalidHook(place, `has ${JSON.stringify(port)} in its ports`, "Give numbers from 1 to 65535");
  }
  return [...((value as readonly number[] | undefined) ?? [])];
}

function readOperations(place: Place, value: unknown): readonly FilesystemOperation[] {
  for (const operation of readList(place, "operations", value, OPERATIONS.length)) {
    if (OPERATIONS.some((known) => known === operation)) continue;
    const nearest = typeof operation === "string" ? nearestKey(operation, OPERATIONS) : undefined;
    const reason = `its hook ${place.hook} has ${JSON.stringify(operation)} in its operations`;
    throw invalidPlugin(place.plugin, reason, `Known are ${OPERATIONS.join(", ")}`, { hook: place.hook, nearest });
  }
  return [...((value as readonly FilesystemOperation[] | undefined) ?? [])];
}

function readList(place: Place, key: string, value: unknown, max: number): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalidHook(place, `has ${key} that are no list`, "Give an array");
  // To the warden an empty list means everything; to its author it may mean nothing.
  if (value.length === 0)
    throw invalidHook(place, `has empty ${key}`, `Leave ${key} out for all, or the hook for none`);
  if (value.length > max) throw invalidHook(place, `has ${value.length} ${key}`, `Give at most ${max}`);
  return value;
}

function invalidHook({ plugin, hook }: Place, what: string, hint: string) {
  return invalidPlugin(plugin, `its hook ${hook} ${what}`, hint, { hook });
}
