/**
 * `cofferdam.local` of one sandbox: its pages, the requests for access, and the grants that came of them.
 *
 * @module
 */
import type { DecisionRecord } from "../../audit/mod.ts";
import type { LocalApp } from "../../egress/http/connection.ts";
import type { FlowSubject } from "../../egress/mod.ts";
import type { ConnectionRule, NormalizedPolicy } from "../../policy/core.ts";
import { connectionTable, HOME_PATH, normalizePolicy, WORKSPACE_PATH } from "../../policy/core.ts";
import { AccessRequests } from "./access-requests.ts";
import { type AccessDesk, type AccessGrant, decideAccess } from "./decide-access.ts";
import type { Site } from "./site.ts";
import { type HostSummary, summarize } from "./summary.ts";

/** What it has to do with connections. */
export interface LocalHostParts extends Pick<AccessDesk, "registry" | "judgeConnection" | "judgeRequest" | "record"> {
  /** The decisions that were recorded so far. */
  history(): readonly DecisionRecord[];
  /** The grants are other ones now. */
  onGranted(rules: readonly ConnectionRule[]): void;
}

/** The most that are granted under one policy. */
const GRANTS_MAX = 64;

/** The host of one sandbox. */
export class LocalHost {
  readonly #parts: LocalHostParts;
  readonly #requests: AccessRequests;
  readonly #end = new AbortController();
  #policy: NormalizedPolicy;
  #generation = 1;
  #granted: readonly HostSummary[] = [];
  #rules: readonly ConnectionRule[] = [];
  #site: Promise<Site> | undefined;

  constructor(parts: LocalHostParts, policy: NormalizedPolicy) {
    this.#parts = parts;
    this.#policy = policy;
    const { registry, judgeConnection, judgeRequest, record } = parts;
    const desk: AccessDesk = {
      ...{ registry, judgeConnection, judgeRequest, record, signal: this.#end.signal },
      grant: (grant) => this.#grant(grant),
      generation: () => this.#generation,
    };
    this.#requests = new AccessRequests((ask, subject) => decideAccess(desk, ask, subject));
  }

  /** What answers a program. */
  async for(subject: FlowSubject): Promise<LocalApp> {
    // Most sandboxes never need it.
    this.#site ??= import("./site.ts").then(({ makeSite }) =>
      makeSite({
        policy: () => summarize(this.#policy, this.#granted),
        history: () => this.#parts.history(),
        requests: this.#requests,
      }),
    );
    return (await this.#site).for(subject);
  }

  /** Another policy is in force: what was granted under the last one is over. */
  setPolicy(policy: NormalizedPolicy): void {
    this.#policy = policy;
    this.#generation++;
    this.#granted = [];
    this.#rules = [];
    this.#requests.policyChanged();
  }

  /** The sandbox has ended: nobody needs an answer. */
  close(): void {
    this.#end.abort(new Error("the sandbox has ended"));
  }

  #grant(grant: AccessGrant): string | undefined {
    if (this.#rules.length >= GRANTS_MAX) return undefined;
    const id = `cofferdam:grant-${this.#rules.length + 1}`;
    const policy = normalizePolicy({ version: 1, network: { allow: [grant] } });
    const table = connectionTable(policy, { workspace: WORKSPACE_PATH, home: HOME_PATH });
    // Whoever says yes to a host has not said yes to what lies behind this machine.
    this.#rules = [...this.#rules, ...table.rules.map((rule) => ({ ...rule, ruleId: id, addresses: [] }))];
    const { host, ports = [], http } = grant;
    this.#granted = [...this.#granted, { id, host, ports, ...(http === undefined ? {} : { http }) }];
    this.#parts.onGranted(this.#rules);
    return id;
  }
}
