/**
 * Rules on credentials that look at more than one key. They walk data that may be malformed elsewhere.
 *
 * @module
 */
import { type DocumentPath, type IssueDraft, quote } from "../issues.ts";
import { hostsMayMeet } from "./hosts-meet.ts";
import { LOGIN_PROFILES } from "./logins.ts";
import { CREDENTIAL_PROFILES, type CredentialProfile } from "./profiles.ts";

type MapLike = Readonly<Record<string, unknown>>;
type Entry = readonly [path: DocumentPath, value: MapLike];

/** What binds a credential, and says nothing of one that the sandbox holds itself. */
const BINDINGS = ["hosts", "ports", "paths", "places", "plaintext"] as const;

/** Everything that stands against the credentials of a policy. */
export function credentialIssues(data: unknown): IssueDraft[] {
  const credentials = maps(data, "credentials");
  const passed = ["allow", "ask"].flatMap((list) => maps(data, "network", list)).filter(isPassedThrough);
  return [
    ...credentials.flatMap(([path, rule]) => [...ruleIssues(path, rule), ...passedThrough(path, rule, passed)]),
    ...taken(credentials, nameOf, "name"),
    ...taken(credentials, variableOf, "variable"),
  ];
}

function ruleIssues(path: DocumentPath, rule: MapLike): IssueDraft[] {
  const issue = (key: string, message: string): IssueDraft => ({ path: [...path, key], message });
  const issues: IssueDraft[] = [];
  if (rule.provider === undefined && rule.name === undefined) {
    issues.push({ path, message: 'expected "provider" or "name"' });
  }
  if (rule.expose === "env") {
    const keys = [...BINDINGS, "login"].filter((key) => rule[key] !== undefined);
    const message = 'nothing holds a value that the sandbox has itself: drop it, or "expose"';
    return [...issues, ...keys.map((key) => issue(key, message))];
  }
  issues.push(...loginIssues(rule, issue), ...awsIssues(rule, issue));
  const [first] = hostsOf(rule);
  const isKnown = rule.provider === undefined ? rule.name !== undefined : profileOf(rule) !== undefined;
  if (first === undefined && isKnown) {
    const whose = profileOf(rule) === undefined ? "" : `, for ${quote(rule.provider)} has none of its own`;
    issues.push({ path, message: `expected "hosts": the hosts that it is sent to${whose}` });
  }
  for (const [index, host] of texts(rule.hosts).entries()) {
    if (!isLoose(host)) continue;
    const message = `cannot bind a secret to ${quote(host)}: name at least the last two labels`;
    issues.push({ path: [...path, "hosts", index], message });
  }
  const { places } = rule;
  if (isMap(places) && places.headers === undefined && places.query === undefined && places.basic !== true) {
    issues.push(issue("places", 'expected "headers", "query" or "basic: true"'));
  }
  return issues;
}

/** A login is a file, and its tokens never stand in a variable. */
function loginIssues(rule: MapLike, issue: (key: string, message: string) => IssueDraft): IssueDraft[] {
  if (rule.login !== true) return [];
  const known = Object.keys(LOGIN_PROFILES);
  const isKnown = typeof rule.provider === "string" && known.includes(rule.provider);
  return [
    ...(isKnown ? [] : [issue("login", `there are logins of the providers ${known.join(", ")}`)]),
    ...(rule.variable === undefined ? [] : [issue("variable", "a login is in a file, and in no variable")]),
    ...(rule.plaintext === true ? [issue("plaintext", "a login is not sent without TLS")] : []),
  ];
}

/** Keys of AWS are in three variables, and sign what they are for. */
function awsIssues(rule: MapLike, issue: (key: string, message: string) => IssueDraft): IssueDraft[] {
  if (rule.provider !== "aws") return [];
  const message = "keys of AWS are in their own variables, and sign requests: they stand in no other place";
  return ["variable", "places", "expose"].flatMap((key) => (rule[key] === undefined ? [] : [issue(key, message)]));
}

/** The whole of a top-level domain is nobody's. A single label is a name of a private network. */
function isLoose(host: string): boolean {
  const labels = host.split(".");
  return labels.slice(-2).some((label) => label.includes("*")) || labels.every((label) => label.includes("*"));
}

/** A secret cannot be put into what is not looked into. */
function passedThrough(path: DocumentPath, rule: MapLike, passed: readonly Entry[]): IssueDraft[] {
  if (rule.expose === "env") return [];
  const ports = Array.isArray(rule.ports) ? rule.ports : [443];
  return passed.flatMap(([, network]): IssueDraft[] => {
    const host = network.host as string;
    const reached = network.ports === undefined ? [443] : network.ports;
    const portsMeet = !Array.isArray(reached) || reached.some((port) => ports.includes(port));
    const met = hostsOf(rule).find((each) => hostsMayMeet(each.toLowerCase(), host.toLowerCase()));
    if (met === undefined || !portsMeet) return [];
    const message = `it cannot be sealed for ${quote(met)}, whose TLS a rule passes through: drop "tls" there, or use "expose: env"`;
    return [{ path, message }];
  });
}

function isPassedThrough([, rule]: Entry): boolean {
  return rule.tls === "passthrough" && typeof rule.host === "string";
}

function taken(
  credentials: readonly Entry[],
  keyOf: (rule: MapLike) => string | undefined,
  what: string,
): IssueDraft[] {
  const seen = new Set<string>();
  return credentials.flatMap(([path, rule]): IssueDraft[] => {
    const key = keyOf(rule);
    if (key === undefined) return [];
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    const place = rule[what] === undefined ? path : [...path, what];
    return [{ path: place, message: `${what} ${quote(key)} is taken by another credential` }];
  });
}

function nameOf({ name, provider }: MapLike): string | undefined {
  const given = name ?? provider;
  return typeof given === "string" ? given : undefined;
}

/** As far as the policy alone says it. */
function variableOf({ variable, name, provider }: MapLike): string | undefined {
  const given = variable ?? (provider === undefined ? name : undefined);
  return typeof given === "string" ? given : undefined;
}

function hostsOf(rule: MapLike): readonly string[] {
  if (rule.hosts !== undefined) return texts(rule.hosts);
  const logins: Readonly<Record<string, { readonly hosts: readonly string[] }>> = LOGIN_PROFILES;
  const usual = rule.login === true && typeof rule.provider === "string" ? logins[rule.provider] : undefined;
  return (usual ?? profileOf(rule))?.hosts ?? [];
}

function profileOf({ provider }: MapLike): CredentialProfile | undefined {
  const profiles: Readonly<Record<string, CredentialProfile>> = CREDENTIAL_PROFILES;
  return typeof provider === "string" && Object.hasOwn(profiles, provider) ? profiles[provider] : undefined;
}

function texts(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.filter((each) => typeof each === "string") : [];
}

function maps(data: unknown, ...path: readonly string[]): Entry[] {
  let value = data;
  for (const part of path) value = isMap(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown, index): Entry[] => (isMap(each) ? [[[...path, index], each]] : []));
}

function isMap(value: unknown): value is MapLike {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
