/**
 * The way of requests to real hosts, with secrets put in after everybody has looked at them, and taken out of answers before
 * anybody does.
 *
 * @module
 */
import type { UpgradedResponse, UpgradeRequest, UpstreamRequest, UpstreamResponse } from "../egress/http/exchange.ts";
import { RequestDenied } from "../egress/http/failure.ts";
import { valuesOf } from "../egress/http/headers.ts";
import type { Origin } from "../egress/http/host.ts";
import type { Upstream } from "../egress/http/upstream.ts";
import { readKeys } from "./aws/keys.ts";
import { copyProblem, resign } from "./aws/resign.ts";
import { readAuthorization } from "./aws/sigv4.ts";
import type { SealedSecret } from "./binding.ts";
import { BodyGuard } from "./guard-body.ts";
import { findIn, inject, type SecretCarrier } from "./inject.ts";
import { passThrough } from "./pass-through.ts";
import { isReadable, scrubbedResponse, scrubbedSocket, type UsedValues, wantsReadable } from "./scrubbed.ts";
import type { CredentialStore } from "./store.ts";

/** What became of a secret in a request. */
export interface CredentialUse {
  /** The credential, and where it went or was to go. */
  readonly object: string;
  readonly verdict: "allow" | "deny";
  /** Absent: a placeholder that belongs to no credential of the policy any more. */
  readonly ruleId?: string;
  readonly reason: string;
}

/** What it takes. */
export interface SealedUpstreamSetting {
  readonly store: CredentialStore;
  record(use: CredentialUse): void;
  /** Told why a source failed. */
  problem(error: Error): void;
}

/** A request with its secrets, and who put them in. */
interface Filled<C> {
  readonly carrier: C;
  readonly used: readonly (readonly [secret: SealedSecret, value: string])[];
}

/** A request, and who is told that its host refuses it. */
interface Signed {
  readonly request: UpstreamRequest;
  /** What of the real keys is sent along, and what the sandbox has in its place. */
  readonly sent: UsedValues;
  refused(): void;
}

/** Puts secrets into requests to one origin. */
export class SealedUpstream implements Upstream {
  readonly #upstream: Upstream;
  readonly #origin: Origin;
  readonly #setting: SealedUpstreamSetting;

  constructor(upstream: Upstream, origin: Origin, setting: SealedUpstreamSetting) {
    this.#upstream = upstream;
    this.#origin = origin;
    this.#setting = setting;
  }

  async send(request: UpstreamRequest): Promise<UpstreamResponse> {
    if (this.#setting.store.isEmpty) return this.#upstream.send(request);
    const { request: own, sent, refused } = await this.#sign(request);
    const { carrier, used } = await this.#fill(own);
    const { guarded, failed } = this.#guardBody(carrier);
    const isBound = used.length > 0 || this.#isBound();
    const headers = isBound ? wantsReadable(guarded.headers) : guarded.headers;
    const response = await Promise.race([this.#upstream.send({ ...guarded, headers }), failed]);
    if (response.status === 401 || response.status === 403) refused();
    if (isBound) return this.#scrub(response, used);
    return sent.length > 0 ? this.#scrubSigned(response, sent) : response;
  }

  /**
   * Services say a session again where they tell what was wrong. What they have stored may be coded, and has been signed as the
   * program asked for it: it stays as it is.
   */
  #scrubSigned(response: UpstreamResponse, sent: UsedValues): UpstreamResponse {
    if (isReadable(response.headers)) return scrubbedResponse(response, this.#setting.store, sent);
    if (response.status < 400) return response;
    response.body.stream.destroy();
    throw unreadable();
  }

  /** What the sandbox has signed with its own keys is signed with the real ones, where those may be used. */
  async #sign(request: UpstreamRequest): Promise<Signed> {
    const unsigned: Signed = { request, sent: [], refused: () => undefined };
    const { sealed } = this.#setting.store;
    if (!sealed.some(({ keys }) => keys !== undefined)) return unsigned;
    const [line = "", ...others] = valuesOf(request.headers, "authorization");
    const authorization = readAuthorization(line);
    const secret = sealed.find(({ keys }) => keys !== undefined && keys.id === authorization?.id);
    // What is signed and may not be sent there is told of as everything else that is misplaced.
    if (authorization === undefined || secret?.keys === undefined || others.length > 0) return unsigned;
    if (secret.problem(this.#origin, request.path) !== undefined) return unsigned;
    const { credential, reader } = secret;
    const bare = bareUrl(this.#origin, request.path);
    const value = await this.#read(secret, bare);
    const real = readKeys(value);
    const copied = copyProblem(request.headers, this.#origin.host, (path) => secret.problem(this.#origin, path));
    const resigned =
      copied === undefined ? await resign(request, authorization, { held: secret.keys, real }) : { problem: copied };
    // Another policy came while keys were read.
    if (this.#setting.store.sealed !== sealed) {
      const reason = "the policy changed while it was signed: try again";
      throw new RequestDenied({ error: "denied", reason, ruleId: credential.id });
    }
    if ("problem" in resigned) {
      const reason = `the request cannot be signed with ${credential.name}: ${resigned.problem}`;
      this.#record(credential.name, bare, "deny", credential.id, reason);
      throw new RequestDenied({ error: "denied", reason, ruleId: credential.id, judged: true });
    }
    this.#record(
      credential.name,
      bare,
      "allow",
      credential.id,
      "it signs the request, which is for this host and path",
    );
    const sent: UsedValues = real.session === undefined ? [] : [[real.session, secret.keys.session ?? ""]];
    return { request: resigned.request, sent, refused: () => reader.refused(value) };
  }

  async upgrade(request: UpgradeRequest): Promise<UpgradedResponse | UpstreamResponse> {
    if (this.#setting.store.isEmpty) return this.#upstream.upgrade(request);
    const { carrier, used } = await this.#fill(request);
    if (used.length === 0 && !this.#isBound()) return this.#upstream.upgrade(carrier);
    const answer = await this.#upstream.upgrade({ ...carrier, headers: wantsReadable(carrier.headers) });
    if (!("socket" in answer)) return this.#scrub(answer, used);
    if (isReadable(answer.headers)) return scrubbedSocket(answer, this.#setting.store, valuesIn(used));
    answer.socket.destroy();
    throw unreadable();
  }

  /** Whether the host may have a secret that it could say. */
  #isBound(): boolean {
    // Keys that sign are sent to nobody.
    return this.#setting.store.sealed.some((secret) => secret.keys === undefined && secret.isFor(this.#origin));
  }

  #scrub(response: UpstreamResponse, used: Filled<unknown>["used"]): UpstreamResponse {
    if (response.status === 401) for (const [{ reader }, value] of used) reader.refused(value);
    if (isReadable(response.headers)) return scrubbedResponse(response, this.#setting.store, valuesIn(used));
    response.body.stream.destroy();
    throw unreadable();
  }

  /** Puts in what may be there, and refuses what is anywhere else. */
  async #fill<C extends SecretCarrier>(request: C): Promise<Filled<C>> {
    const used: [SealedSecret, string][] = [];
    let carrier = request;
    const bare = bareUrl(this.#origin, request.path);
    const { sealed } = this.#setting.store;
    for (const secret of sealed) {
      const { placeholder, credential } = secret;
      if (secret.problem(this.#origin, request.path) !== undefined) continue;
      // Whether it is there at all is seen without its value.
      if (inject(request, placeholder, "", credential.places) === request) continue;
      const value = await this.#read(secret, bare);
      carrier = inject(carrier, placeholder, value, credential.places);
      used.push([secret, value]);
    }
    // Another policy came while a value was read: it may not be for this host any more.
    if (this.#setting.store.sealed !== sealed) return this.#fill(request);
    const { mark } = this.#setting.store.placeholders;
    const misplaced = findIn(carrier, mark);
    if (misplaced !== undefined) throw this.#misplaced(misplaced.found, misplaced.place, request.path);
    for (const [{ credential }] of used) {
      this.#record(credential.name, bare, "allow", credential.id, "it is bound to this host, path and place");
    }
    return { carrier, used };
  }

  async #read({ reader, credential }: SealedSecret, url: string): Promise<string> {
    try {
      return await reader.read();
    } catch (error) {
      this.#setting.problem(error instanceof Error ? error : new Error("a credential cannot be read"));
      const reason = `the credential ${credential.name} cannot be read on the host`;
      this.#record(credential.name, url, "deny", credential.id, reason);
      throw new RequestDenied({ error: "denied", reason, ruleId: credential.id, judged: true });
    }
  }

  /** The request with its body looked through, and what rejects when something is in there. */
  #guardBody(request: UpstreamRequest): { guarded: UpstreamRequest; failed: Promise<never> } {
    const { body, path } = request;
    const { mark } = this.#setting.store.placeholders;
    const trailers = () => request.trailers().filter(([, value]) => !value.includes(mark));
    if (body === undefined) return { guarded: { ...request, trailers }, failed: new Promise(() => undefined) };
    const guard = new BodyGuard(mark, (around) => this.#misplaced(around, "the body", path));
    // It may fail before anybody reads of it.
    const failed = new Promise<never>((_, reject) => guard.on("error", reject));
    failed.catch(() => undefined);
    // Read to its end, so that the program can still be answered.
    const looked = passThrough(body, guard, () => void body.resume());
    return { guarded: { ...request, trailers, body: looked }, failed };
  }

  /** A placeholder is somewhere where it stays what it is: nobody there could use it, and the program is told why. */
  #misplaced(found: string, place: string, path: string): RequestDenied {
    const { store } = this.#setting;
    const known = store.nameIn(found);
    const name = known ?? "a credential";
    const secret = store.sealed.find(({ credential }) => credential.name === name);
    const why =
      known !== undefined && secret === undefined
        ? "the policy in force has no such credential"
        : (secret?.problem(this.#origin, path) ?? `it is not for ${place} there`);
    const ruleId = secret?.credential.id;
    const reason = `the placeholder of ${name} is in ${place}, and is replaced elsewhere only: ${why}`;
    this.#record(name, bareUrl(this.#origin, path), "deny", ruleId, reason);
    const hint = `Send it where the policy binds it to: hosts, ports, paths and places of credentials, name ${name}`;
    return new RequestDenied({ error: "denied", reason, ruleId, hint, judged: true });
  }

  #record(name: string, url: string, verdict: "allow" | "deny", ruleId: string | undefined, reason: string): void {
    this.#setting.record({ object: `${name} (${url})`, verdict, ...(ruleId === undefined ? {} : { ruleId }), reason });
  }
}

/** Without what may hold a placeholder, or anything else that is nobody's business. */
function bareUrl({ scheme, host, port }: Origin, path: string): string {
  return `${scheme}://${host}:${port}${path.replace(/\?.*$/s, "")}`;
}

function unreadable(): RequestDenied {
  const reason = "the host's answer is in a coding that nobody asked for, so no secret could be taken out of it";
  return new RequestDenied({ error: "upstream_failed", reason });
}

function valuesIn(used: Filled<unknown>["used"]): UsedValues {
  return used.map(([{ placeholder }, value]) => [value, placeholder]);
}
