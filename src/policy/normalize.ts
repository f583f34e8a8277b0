/**
 * From the policy that was written to the policy that is meant.
 *
 * @module
 */

import { BASELINE } from "./baseline.ts";
import { checkPolicy } from "./check.ts";
import { normalizeCredential } from "./credentials/normalize.ts";
import type * as n from "./normalized.ts";
import { originOf, rememberOrigin } from "./origin.ts";
import { canonicalBinary, canonicalPath } from "./paths.ts";
import type * as t from "./types.ts";
import { parseBytes, parseDuration } from "./units.ts";

/**
 * Makes every default explicit, names every rule, and resolves every unit.
 *
 * Shape: frozen; lists keep the length and order of the document. A rule without an id gets one from what it says:
 * the list's path, `:`, and the rule in short, such as `filesystem.read:./src`, `process.deny:git push **`,
 * `network.allow:api.github.com:443` or `credentials:GITHUB_TOKEN`; where two rules of a list say the same, the later one
 * ends in `#2`. Given ids contain no `:`, so they never meet a derived one. Derived ids depend on nothing but the rules
 * of the same list.
 *
 * @throws {SandboxError} POLICY_INVALID If the policy was not checked by `parsePolicy()` before, and fails it.
 *
 * @example
 * ```ts
 * import { normalizePolicy } from "cofferdam";
 *
 * const policy = normalizePolicy({ version: 1, process: { limits: { memory: "1GiB" } } });
 * console.log(policy.process.limits.memoryBytes); // 1073741824
 * ```
 */
export function normalizePolicy(input: t.Policy): n.NormalizedPolicy {
  const policy = checkPolicy(input);
  const {
    filesystem = {},
    process = {},
    network = {},
    inference = {},
    credentials = [],
    audit = {},
    locked = [],
  } = policy;
  const normalized: n.NormalizedPolicy = {
    version: 1,
    ...given({ name: policy.name }),
    filesystem: normalizeFilesystem(filesystem),
    process: normalizeProcess(process),
    network: normalizeNetwork(network),
    inference: normalizeInference(inference),
    credentials: credentials.map(normalizeCredential),
    audit: { files: audit.files ?? "denials", ...(audit.inference === "content" ? { inference: "content" } : {}) },
    ...(locked.length === 0 ? {} : { locked: [...new Set(locked)].sort() }),
  };
  return rememberOrigin(normalized, originOf(policy) ?? {});
}

function normalizeFilesystem(section: t.FilesystemSection): n.NormalizedFilesystem {
  const grants = (list: "read" | "write" | "ask"): n.NormalizedPathGrant[] => {
    return withIds(`filesystem.${list}`, section[list], (entry) => {
      const { id, path, optional = false, defer } = typeof entry === "string" ? { path: entry } : entry;
      const canonical = canonicalPath(path);
      return [id ?? canonical, id !== undefined, { path: canonical, optional, ...given({ defer }) }];
    });
  };
  return {
    baseline: section.baseline === false ? [] : BASELINE,
    read: grants("read"),
    write: grants("write"),
    deny: withIds("filesystem.deny", section.deny, (entry) => {
      const { id, path } = typeof entry === "string" ? { path: entry } : entry;
      const canonical = canonicalPath(path);
      return [id ?? canonical, id !== undefined, { path: canonical }];
    }),
    ask: grants("ask"),
    unmatched: section.unmatched ?? "deny",
  };
}

function normalizeProcess(section: t.ProcessSection): n.NormalizedProcess {
  const { memory, memoryBytes, cpus, pids, timeout, timeoutMs, mode = "enforce" } = section.limits ?? {};
  const rule = (entry: string | t.ProcessRule): Named<Omit<n.NormalizedProcessRule, "id">> => {
    const { id, binary, args, sha256, defer } = typeof entry === "string" ? { binary: entry } : entry;
    const canonical = canonicalBinary(binary);
    const slug = [canonical, ...(args ?? [])].join(" ");
    const body = { binary: canonical, ...given({ args, sha256: sha256?.toLowerCase(), defer }) };
    return [id ?? slug, id !== undefined, body];
  };
  return {
    allow: section.allow === undefined ? "readable" : withIds("process.allow", section.allow, rule),
    deny: withIds("process.deny", section.deny, rule),
    ask: withIds("process.ask", section.ask, rule),
    limits: {
      ...given({
        memoryBytes: memory === undefined ? memoryBytes : parseBytes(memory),
        cpus,
        pids,
        timeoutMs: timeout === undefined ? timeoutMs : parseDuration(timeout),
      }),
      mode,
    },
    unmatched: section.unmatched ?? "deny",
  };
}

function normalizeNetwork(section: t.NetworkSection): n.NormalizedNetwork {
  const common = (entry: t.NetworkRule | t.NetworkDenial, allPorts: readonly number[] | "all") => {
    const ports = entry.ports ?? allPorts;
    return {
      host: lower(entry.host),
      ports: ports === "all" ? ports : [...new Set(ports)].sort((a, b) => a - b),
      binaries: entry.binaries?.map(canonicalBinary) ?? ("any" as const),
    };
  };
  const slug = ({ host, ports }: { host: string; ports: readonly number[] | "all" }): string => {
    return `${host}:${ports === "all" ? "*" : ports.join(",")}`;
  };
  const rule = (entry: t.NetworkRule): Named<Omit<n.NormalizedNetworkRule, "id">> => {
    const { id, tls = "auto", http, enforcement = "enforce", addresses = [], defer } = entry;
    const where = { ...common(entry, [443]), tls, addresses: addresses.map(lower) };
    const body = { ...where, ...given({ http }), enforcement, ...given({ defer }) };
    return [id ?? slug(body), id !== undefined, body];
  };
  return {
    allow: withIds("network.allow", section.allow, rule),
    deny: withIds("network.deny", section.deny, (entry) => {
      const body = { ...common(entry, "all"), ...given({ http: entry.http }) };
      return [entry.id ?? slug(body), entry.id !== undefined, body];
    }),
    ask: withIds("network.ask", section.ask, rule),
    unmatched: section.unmatched ?? "deny",
    privateRanges: (section.privateRanges ?? []).map(lower),
  };
}

function normalizeInference(section: t.InferenceSection): n.NormalizedInference {
  const target = ({ provider, model, timeout, timeoutMs }: t.InferenceTarget): n.NormalizedTarget => ({
    provider,
    ...given({ model, timeoutMs: timeout === undefined ? timeoutMs : parseDuration(timeout) }),
  });
  const { routes, providers, intercept = [], localOnly, budget = {}, privacy = [], unmatched = "deny" } = section;
  return {
    routes: withIds("inference.routes", routes, (entry) => {
      const { id, models, fallbacks } = entry;
      const body = { models, ...target(entry), ...given({ fallbacks: fallbacks?.map(target) }) };
      return [id ?? models.join(","), id !== undefined, body];
    }),
    ...given({ providers }),
    intercept: intercept.map(lower),
    ...given({ localOnly: localOnly === true ? true : undefined }),
    budget: given({ ...budget }),
    ...given({ privacy: privacy.length > 0 ? normalizePrivacy(privacy) : undefined }),
    unmatched,
  };
}

function normalizePrivacy(rules: readonly t.PrivacyRule[]): n.NormalizedPrivacyRule[] {
  return withIds("inference.privacy", rules, ({ id, sensitive, patterns, action, provider, model, local }) => {
    const paths = sensitive === undefined ? undefined : [...new Set(sensitive.map(canonicalPath))].sort();
    const names = (patterns ?? []).map((it) => (typeof it === "string" ? it : "regex" in it ? it.regex : it.function));
    const kept = local === true ? (true as const) : undefined;
    const body = { action, ...given({ sensitive: paths, patterns, provider, model, local: kept }) };
    return [id ?? [...(paths ?? []), ...names].join(","), id !== undefined, body];
  });
}

/** The id or slug of a rule, whether it was given, and the rule without it. */
type Named<B> = readonly [name: string, isGiven: boolean, body: B];

function withIds<E, B extends object>(
  list: string,
  entries: readonly E[] | undefined,
  normalize: (entry: E) => Named<B>,
): (B & { readonly id: string })[] {
  const taken = new Map<string, number>();
  return (entries ?? []).map((entry) => {
    const [name, isGiven, body] = normalize(entry);
    if (isGiven) return { id: name, ...body };
    const count = (taken.get(name) ?? 0) + 1;
    taken.set(name, count);
    return { id: `${list}:${name}${count > 1 ? `#${count}` : ""}`, ...body };
  });
}

/** The keys that have a value. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function lower(text: string): string {
  return text.toLowerCase();
}
