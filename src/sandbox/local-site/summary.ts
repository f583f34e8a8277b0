/**
 * The policy in short, for the programs that it is about: what they may do, and not how the host is made.
 *
 * @module
 */
import {
  INFERENCE_HOST,
  type NormalizedInference,
  type NormalizedNetworkDenial,
  type NormalizedNetworkRule,
  type NormalizedPolicy,
  type NormalizedProcessDenial,
} from "../../policy/core.ts";

/** What a policy allows and denies, as programs see it. */
export interface PolicySummary {
  readonly name?: string;
  readonly files: {
    readonly read: readonly string[];
    readonly write: readonly string[];
    readonly deny: readonly string[];
    readonly ask: readonly string[];
  };
  readonly programs: {
    readonly allow: "readable" | readonly string[];
    readonly deny: readonly string[];
    readonly ask: readonly string[];
  };
  readonly network: {
    readonly allow: readonly HostSummary[];
    readonly deny: readonly HostSummary[];
    readonly ask: readonly HostSummary[];
    /** What becomes of everything else. */
    readonly unmatched: "deny" | "ask";
  };
  /** Absent: no models can be called. */
  readonly models?: {
    /** Globs of their names, in the order in which routes take calls. */
    readonly allow: readonly string[];
    /** Where their APIs are, beside the hosts whose calls are taken over. */
    readonly at: string;
    readonly intercept: readonly string[];
  };
}

/** A rule on connections. Addresses of the host's network, and names of plugins, are not in it. */
export interface HostSummary {
  readonly id: string;
  readonly host: string;
  readonly ports: readonly number[] | "all";
  readonly binaries?: readonly string[];
  /** What requests are meant, as in a policy. Absent: everything. */
  readonly http?: NormalizedNetworkRule["http"];
}

/** Sums a policy up. `granted`: rules that were added since, on request. */
export function summarize(policy: NormalizedPolicy, granted: readonly HostSummary[]): PolicySummary {
  const { name, filesystem, process, network, inference } = policy;
  const paths = (list: readonly { readonly path: string }[]) => list.map(({ path }) => path);
  const deferred = network.allow.filter(({ defer }) => defer !== undefined);
  return {
    ...(name === undefined ? {} : { name }),
    files: {
      read: paths(filesystem.read),
      write: paths(filesystem.write),
      deny: paths(filesystem.deny),
      ask: paths(filesystem.ask),
    },
    programs: {
      allow: process.allow === "readable" ? "readable" : process.allow.map(programOf),
      deny: process.deny.map(programOf),
      ask: process.ask.map(programOf),
    },
    network: {
      allow: [...network.allow.filter(({ defer }) => defer === undefined).map(hostOf), ...granted],
      deny: network.deny.map(hostOf),
      ask: [...network.ask, ...deferred].map(hostOf),
      unmatched: network.unmatched,
    },
    ...modelsOf(inference),
  };
}

/** Which models, and never whose they are. */
function modelsOf({ routes, intercept }: NormalizedInference): Pick<PolicySummary, "models"> {
  const allow = [...new Set(routes.flatMap(({ models }) => models))];
  return allow.length === 0 ? {} : { models: { allow, at: `https://${INFERENCE_HOST}`, intercept } };
}

/** The same for people, and for models that read plain text. */
export function summaryText({ name, files, programs, network, models }: PolicySummary): string {
  const line = (title: string, items: readonly string[]) =>
    items.length === 0 ? [] : [`${title}: ${items.join(", ")}`];
  const starts = programs.allow === "readable" ? ["whatever may be read"] : programs.allow;
  return [
    `This is a Cofferdam sandbox${name === undefined ? "" : ` (${name})`}. What its policy says:`,
    "",
    ...line("Files to read", files.read),
    ...line("Files to write", files.write),
    ...line("Files that are asked about", files.ask),
    ...line("Files that are denied", files.deny),
    ...line("Programs to start", starts.length === 0 ? ["none"] : starts),
    ...line("Programs that are asked about", programs.ask),
    ...line("Programs that are denied", programs.deny),
    ...line("Hosts to reach", network.allow.length === 0 ? ["none"] : network.allow.map(hostText)),
    ...line("Hosts that are asked about", network.ask.map(hostText)),
    ...line("Hosts that are denied", network.deny.map(hostText)),
    ...(models === undefined
      ? []
      : line(`Models to call, at ${[models.at, ...models.intercept].join(", ")}`, models.allow)),
    `Everything else: ${network.unmatched === "ask" ? "hosts are asked about, the rest is denied" : "denied"}`,
    "",
    "GET /denials says what was denied lately, and why.",
    'POST /requests with { "host": "...", "port": 443, "reason": "..." } asks for more. "method" and "path" make it one kind of request.',
    "",
  ].join("\n");
}

function programOf({ binary, args }: NormalizedProcessDenial): string {
  return [binary, ...(args ?? [])].join(" ");
}

function hostOf({ id, host, ports, binaries, http }: NormalizedNetworkDenial | NormalizedNetworkRule): HostSummary {
  return { id, host, ports, ...(binaries === "any" ? {} : { binaries }), ...(http === undefined ? {} : { http }) };
}

function hostText({ host, ports, binaries, http }: HostSummary): string {
  const where = ports === "all" ? `${host}, all ports` : `${host}:${ports.join(",")}`;
  const what = http === undefined ? [] : ["access" in http ? http.access : "some requests"];
  const who = binaries === undefined ? [] : [`by ${binaries.join(", ")}`];
  const notes = [...what, ...who];
  return notes.length === 0 ? where : `${where} (${notes.join("; ")})`;
}
