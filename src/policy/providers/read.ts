/**
 * Providers by name: those of the policy, those of the host, and one for each kind.
 *
 * @module
 */
import { addressKind } from "../addresses.ts";
import type { InferenceProvider, ProviderKind } from "../types.ts";
import { type ApiFamily, KINDS } from "./kinds.ts";

/** A provider with everything filled in. */
export interface Provider {
  readonly name: string;
  readonly kind: ProviderKind;
  readonly family: ApiFamily;
  /** Without a slash at its end; of the OpenAI family with its version, of Anthropic's without. */
  readonly baseUrl: string;
  readonly keyVariables: readonly string[];
  /** The credential of the policy that is its key. */
  readonly credential?: string;
  /** Whether it is the kind's own host, whose keys are known. */
  readonly isOwn: boolean;
  readonly needsKey: boolean;
  /** Whether what it is told stays where its owner wants it. */
  readonly local: boolean;
  /** Whether it speaks the Responses API itself. */
  readonly hasResponses: boolean;
}

/** Providers as they are written, by name. */
export type ProviderTable = Readonly<Record<string, InferenceProvider>>;

/** Finds one. The tables are looked at in their order, and the kinds last. */
export function findProvider(name: string, tables: readonly ProviderTable[]): Provider | undefined {
  const table = tables.find((each) => Object.hasOwn(each, name));
  const written = table?.[name] ?? (isKind(name) ? { kind: name } : undefined);
  return written === undefined ? undefined : fill(name, written);
}

/** Every name that there is. */
export function providerNames(tables: readonly ProviderTable[]): string[] {
  return [...new Set([...tables.flatMap((each) => Object.keys(each)), ...Object.keys(KINDS)])];
}

/** A key of a kind is for the kind's own host: another one gets only what is named for it. */
function fill(name: string, written: InferenceProvider): Provider {
  const { kind, baseUrl, keyVariable, credential, local, responses } = written;
  const facts = KINDS[kind];
  const url = (baseUrl ?? facts.baseUrl).replace(/\/+$/, "");
  const isOwn = baseUrl === undefined;
  return {
    name,
    kind,
    family: facts.family,
    baseUrl: facts.family === "anthropic" ? url.replace(/\/v1$/, "") : url,
    keyVariables: keyVariable === undefined ? (isOwn ? facts.keyVariables : []) : [keyVariable],
    ...(credential === undefined ? {} : { credential }),
    isOwn,
    needsKey: keyVariable !== undefined || credential !== undefined || (isOwn && facts.needsKey),
    local: local ?? isLoopback(new URL(url).hostname),
    hasResponses: facts.family === "openai" && (responses ?? kind === "openai"),
  };
}

/** Whether a host of a URL is this machine, whatever anybody resolves. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || host.endsWith(".localhost") || addressKind(host) === "loopback";
}

function isKind(name: string): name is ProviderKind {
  return Object.hasOwn(KINDS, name);
}
