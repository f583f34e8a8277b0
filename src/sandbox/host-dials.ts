/**
 * The host's own connections: made to addresses that were checked, and closed when another policy lists them no more.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { RequestDenied } from "../egress/http/failure.ts";
import {
  type LinkFlow,
  ownAddresses,
  type ProxySettings,
  type ReachTarget,
  reach,
  refusedKind,
  Unreachable,
  unlisted,
} from "../egress/mod.ts";
import { upstreamTrust } from "../egress/tls/upstream-tls.ts";
import type { ConnectionAttempt, ConnectionRuling } from "../policy/core.ts";
import { Lookups } from "./lookups.ts";
import type { SandboxOptions } from "./options.ts";

/** How long connecting to a host may take, in milliseconds. */
export const DIAL_MS = 30_000;

/** What dialing needs of its sandbox. */
export interface HostDialsSetting {
  readonly options: Pick<SandboxOptions, "resolver" | "certificates">;
  readonly proxies: () => ProxySettings | undefined;
  /** What the policy in force says. */
  readonly judge: (attempt: ConnectionAttempt) => ConnectionRuling;
  /** Records that an address may not be dialed, or not be connected to any more. */
  readonly denied: (flow: LinkFlow, ruling: ConnectionRuling, reason: string) => void;
}

/** A connection that stands. */
interface Standing {
  readonly flow: LinkFlow;
  readonly ruling: ConnectionRuling;
  readonly address: string;
}

/** Connects to hosts. */
export class HostDials {
  readonly #setting: HostDialsSetting;
  readonly #lookups: Lookups;
  readonly #standing = new Map<Duplex, Standing>();

  constructor(setting: HostDialsSetting) {
    this.#setting = setting;
    this.#lookups = new Lookups(setting.options.resolver);
  }

  /** Connects to what may be dialed. That nothing may is a denial of its own. */
  async dial(
    flow: LinkFlow,
    ruling: ConnectionRuling,
    signal: AbortSignal,
    speaks: ReachTarget["speaks"],
  ): Promise<Duplex> {
    const { options, proxies } = this.#setting;
    const { certificates = [] } = options;
    const { host, port } = flow;
    const resolver = (name: string) => this.#lookups.find(name, signal);
    const setting = { resolver, proxies: proxies(), trust: () => upstreamTrust(certificates) };
    const refuses = (address: string) => this.#refuses(flow, address);
    try {
      const target = { host, port, speaks, listed: ruling.addresses, refuses };
      const { stream, address } = await reach(target, setting, { timeoutMs: DIAL_MS, signal });
      if (address !== undefined) this.#keep(stream, { flow, ruling, address });
      return stream;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      const { reason } = error;
      this.#setting.denied(flow, ruling, reason);
      throw new RequestDenied({ error: "denied", reason, ruleId: ruling.ruleId, judged: true });
    }
  }

  /** Another policy is in force: what leads to where it would not is closed. */
  policyChanged(): void {
    const own = ownAddresses();
    for (const [stream, { flow, ruling, address }] of this.#standing) {
      const reason = this.#problem(flow, address, own);
      if (reason === undefined) continue;
      this.#setting.denied(flow, ruling, `it was closed by a change of the policy: ${reason}`);
      stream.destroy();
    }
  }

  #keep(stream: Duplex, standing: Standing): void {
    // The policy may have changed while the host was slow to answer.
    const reason = this.#problem(standing.flow, standing.address, ownAddresses());
    if (reason !== undefined) {
      stream.destroy();
      throw new Unreachable(reason);
    }
    this.#standing.set(stream, standing);
    stream.once("close", () => this.#standing.delete(stream));
  }

  /** Why an address may not be connected to by the policy in force. */
  #problem(flow: LinkFlow, address: string, own: ReadonlySet<string>): string | undefined {
    const { host, port, subject } = flow;
    const { addresses } = this.#setting.judge({ host, port, binary: subject.binary });
    const kind = refusedKind(address, addresses, own);
    return kind === undefined ? this.#refuses(flow, address) : unlisted(address, kind);
  }

  /** A denial of addresses holds however they are called. */
  #refuses({ host, port, subject }: LinkFlow, address: string): string | undefined {
    if (address === host) return undefined;
    const { verdict, ruleId } = this.#setting.judge({ host: address, port, binary: subject.binary });
    return verdict === "deny" && ruleId !== undefined
      ? `it resolves to ${address}, which rule ${ruleId} denies`
      : undefined;
  }
}
