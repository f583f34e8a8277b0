/**
 * What two policies both give of what is no file, program or connection.
 *
 * @module
 */
import { canonicalJson } from "../digest.ts";
import type { NormalizedCredential, NormalizedRoute, SealedCredential } from "../normalized.ts";
import { at, type Draft, type Sourced, valueKey } from "./draft.ts";
import { type Emission, meeting, type RuleOf } from "./emissions.ts";
import { ownOf, targetOf } from "./inference-widenings.ts";
import { meetGlobs } from "./meet-globs.ts";
import { distinctNames, type Part, sourcesOf } from "./parts.ts";

/**
 * Routes that lead to the same place in both. The first that matches takes a call, so a route is left out, too, where an
 * earlier pair would have taken calls of it elsewhere.
 */
export function restrictRoutes(policy: Part, cap: Part): readonly Emission[] {
  const providers = [policy, cap].map(({ normalized }) => normalized.inference.providers ?? {});
  const isSame = (name: string): boolean => {
    const [one, other] = providers.map((record) => canonicalJson(ownOf(record, name) ?? null));
    return one === other;
  };
  const elsewhere: string[] = [];
  return policy.normalized.inference.routes.flatMap((route, index) => {
    return cap.normalized.inference.routes.flatMap((other): Emission[] => {
      const [a, b]: RuleOf[] = [
        { part: policy, ruleId: route.id },
        { part: cap, ruleId: other.id },
      ];
      if (a === undefined || b === undefined) return [];
      return meeting(a, b, () => {
        const models = route.models.flatMap((one) => other.models.flatMap((each) => meetGlobs(one, each)));
        const isFree = !models.some((model) => elsewhere.some((taken) => meetGlobs(model, taken).length > 0));
        const names = [route, ...(route.fallbacks ?? [])].map(({ provider }) => provider);
        if (targetOf(route) !== targetOf(other) || !names.every(isSame)) {
          elsewhere.push(...models);
          return [];
        }
        if (!isFree || models.length === 0) return [];
        const written = (policy.policy.inference?.routes ?? [])[index];
        const { id: _, ...body } = written ?? { ...route };
        return [{ list: "inference.routes", body: { ...body, models: [...new Set(models)] }, rules: [a, b] }];
      });
    });
  });
}

/** The providers that routes use, and `others`: both define them alike. */
export function providersOf(
  policy: Part,
  routes: readonly Emission[],
  others: readonly string[],
): Readonly<Record<string, unknown>> {
  const routed = routes.flatMap(({ body }) => {
    const { provider, fallbacks = [] } = body as unknown as NormalizedRoute;
    return [provider, ...fallbacks.map((target) => target.provider)];
  });
  const used = [...routed, ...others];
  const all = policy.normalized.inference.providers ?? {};
  return Object.fromEntries(Object.entries(all).filter(([name]) => used.includes(name)));
}

/** Secrets that both let be used, where both let them be sent. */
export function restrictCredentials(policy: Part, cap: Part): readonly Emission[] {
  return policy.normalized.credentials.flatMap((one) => {
    return cap.normalized.credentials.flatMap((other): Emission[] => {
      if (one.name !== other.name || one.provider !== other.provider) return [];
      const rules = [
        { part: policy, ruleId: one.id },
        { part: cap, ruleId: other.id },
      ];
      const where = meetCredentials(one, other);
      if (where === undefined || !isSameKind(one, other)) return [];
      const { name, provider, variable } = one;
      const optional = one.optional || other.optional ? { optional: true } : {};
      const login = loginOf(one) === undefined ? {} : { login: true };
      const body = {
        name,
        ...(provider && { provider }),
        ...(variable && { variable }),
        ...where,
        ...login,
        ...optional,
      };
      return [{ list: "credentials", body, rules }];
    });
  });
}

/** A login is no key, and a key is no login. */
function isSameKind(a: NormalizedCredential, b: NormalizedCredential): boolean {
  return loginOf(a) === loginOf(b);
}

function loginOf(credential: NormalizedCredential): string | undefined {
  return credential.expose === "sealed" ? credential.login : undefined;
}

/** What the sandbox holds itself on one side is held to what the other says. Undefined: it may be sent nowhere. */
function meetCredentials(a: NormalizedCredential, b: NormalizedCredential): object | undefined {
  if (a.expose === "env" && b.expose === "env") return { expose: "env" };
  if (a.expose === "env") return b.expose === "env" ? undefined : meetSealed(b, b);
  return meetSealed(a, b.expose === "env" ? a : b);
}

function meetSealed(a: SealedCredential, b: SealedCredential): object | undefined {
  const hosts = meetAll(a.hosts, b.hosts, ".");
  const ports = a.ports.filter((port) => b.ports.includes(port));
  const paths = a.paths === undefined || b.paths === undefined ? (a.paths ?? b.paths) : meetAll(a.paths, b.paths, "/");
  const headers = a.places.headers.filter((name) => b.places.headers.includes(name));
  const query = a.places.query.filter((name) => b.places.query.includes(name));
  const basic = a.places.basic && b.places.basic;
  if (hosts.length === 0 || ports.length === 0 || paths?.length === 0) return undefined;
  if (headers.length === 0 && query.length === 0 && !basic) return undefined;
  return {
    hosts,
    ports,
    ...(paths && { paths }),
    places: { ...(headers.length > 0 && { headers }), ...(query.length > 0 && { query }), ...(basic && { basic }) },
    ...(a.plaintext && b.plaintext && { plaintext: true }),
  };
}

function meetAll(a: readonly string[], b: readonly string[], separator: "." | "/"): readonly string[] {
  return [...new Set(a.flatMap((left) => b.flatMap((right) => meetGlobs(left, right, separator))))];
}

/** Puts the one of two values that allows less. Undefined: the one has none, and no say. */
export function putLesser<T>(
  draft: Draft,
  [policy, cap]: readonly [Part, Part],
  place: string,
  rank: (value: T) => number,
): void {
  const given = [policy, cap].flatMap((part): Sourced<T>[] => {
    const value = at(part.normalized, place) as T | undefined;
    return value === undefined ? [] : [{ value, from: sourcesOf(part, valueKey(place)) }];
  });
  const least = Math.min(...given.map(({ value }) => rank(value)));
  const lesser = given.filter(({ value }) => rank(value) === least);
  const [first] = lesser;
  if (first === undefined) return;
  draft.values.set(place, { value: first.value, from: distinctNames(lesser.flatMap(({ from }) => from)) });
}
