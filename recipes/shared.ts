/**
 * What several recipes say in the same words.
 *
 * @module
 */
import type { z } from "zod";
import {
  type Claim,
  type ClaimWords,
  type HttpRule,
  type InferenceSection,
  type NetworkRule,
  param,
} from "../src/mod.ts";

/** Secrets that lie in projects: nobody's to read, whoever grants the folder. */
export const SECRETS: readonly string[] = ["**/.env", "**/.env.*", "**/*.pem", "**/id_rsa", "**/id_ed25519"];

/** Where programs are looked for: first where something is installed that no system folder has. */
export function searchPath(installed: readonly string[]): { readonly PATH?: string } {
  if (installed.length === 0) return {};
  const own = installed.flatMap((folder) => [folder, `${folder}/bin`]);
  return { PATH: [...own, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"].join(":") };
}

/** What speaks https for git. */
export const GIT_HTTPS: readonly string[] = ["git-remote-https", "git-remote-http"];

/** Who serves models, and which of them. */
export interface ModelParams {
  /** A provider of models: a kind such as `anthropic` or `ollama`. */
  readonly provider?: string;
  /** The models that may be called; a star may end a name. */
  readonly models?: readonly string[];
}

/** The parameters of {@link ModelParams}. */
export function modelParams(
  provider: string,
  models: readonly string[],
): {
  provider: z.ZodDefault<z.ZodType<string, string>>;
  models: z.ZodDefault<z.ZodType<readonly string[], readonly string[]>>;
} {
  return {
    provider: param.name().default(provider).describe("who serves the models"),
    models: param.list(param.model()).default(models).describe("the models that may be called"),
  };
}

/** Routes to one provider. */
export function routed(
  { provider, models }: Required<ModelParams>,
  intercept: readonly string[] = [],
): InferenceSection {
  return { routes: [{ id: "model", models, provider }], ...(intercept.length === 0 ? {} : { intercept }) };
}

/** What git asks of one repository: to read it, and to push to it. */
export function gitRules(repository: string, push: boolean): HttpRule[] {
  const services = push ? ["git-upload-pack", "git-receive-pack"] : ["git-upload-pack"];
  return services.flatMap((service): HttpRule[] => [
    { methods: ["GET"], paths: [`/${repository}/info/refs`, `/${repository}.git/info/refs`], query: { service } },
    { methods: ["POST"], paths: [`/${repository}/${service}`, `/${repository}.git/${service}`] },
  ]);
}

/** One repository at GitHub, for git. */
export function gitRule(repository: string, push: boolean): NetworkRule {
  return { id: "git", host: "github.com", binaries: GIT_HTTPS, http: { rules: gitRules(repository, push) } };
}

/** A registry as `host` or `host:port`, and the private addresses that it may have. */
export interface RegistryParams {
  /** The host of npm's registry. The command line reads it from npm's own configuration where nobody gives it. */
  readonly registry: string;
  /** Private addresses that the registry may have: `10.0.5.0/24`. Public ones need none. */
  readonly addresses?: readonly string[];
}

/** The parameter of private addresses. */
export function addressesParam(): z.ZodOptional<z.ZodType<readonly string[], readonly string[]>> {
  return param.list(param.range()).optional().describe("private addresses that the registry may have: 10.0.5.0/24");
}

/** Where a registry is. */
export function registryPlace(
  registry: string,
  addresses: readonly string[] = [],
): Pick<NetworkRule, "host" | "ports" | "addresses"> {
  const [host = "", port] = registry.split(":");
  return {
    host,
    ...(port === undefined ? {} : { ports: [Number(port)] }),
    ...(addresses.length === 0 ? {} : { addresses }),
  };
}

/** Installing from a registry of npm. */
export function npmRule(registry: string, addresses?: readonly string[]): NetworkRule {
  return { id: "npm", ...registryPlace(registry, addresses), binaries: ["node"], http: { access: "npm-install" } };
}

/** Claims about one rule: this request may be sent, by no other program, with no other method, and not to another path. */
export function onlyThis({ allows, denies }: ClaimWords, request: string, elsewhere?: string, by?: string): Claim[] {
  const [method = "", url = ""] = request.split(" ");
  const who = by === undefined ? {} : { by };
  const other = elsewhere === undefined ? [] : [denies.http(`${method} ${new URL(elsewhere, url).href}`, who)];
  return [allows.http(request, who), denies.http(request, { by: "wget" }), denies.http(`DELETE ${url}`, who), ...other];
}

/** Claims about git: it fetches from one repository of a host, and pushes to it where that is said. */
export function onlyGit(words: ClaimWords, host: string, repository: string, push = false): Claim[] {
  const at = (service: string) => [
    ...onlyThis(
      words,
      `GET https://${host}/${repository}.git/info/refs?service=${service}`,
      `/acme/other.git/info/refs?service=${service}`,
      "git-remote-https",
    ),
    ...onlyThis(words, `POST https://${host}/${repository}/${service}`, `/acme/other/${service}`, "git-remote-https"),
  ];
  const git = (request: string) => words.denies.http(request, { by: "git-remote-https" });
  const archives = git(`GET https://${host}/${repository}.git/info/refs?service=git-upload-archive`);
  if (push) return [...at("git-receive-pack"), archives];
  return [
    ...at("git-upload-pack"),
    archives,
    git(`GET https://${host}/${repository}.git/info/refs?service=git-receive-pack`),
    git(`POST https://${host}/${repository}.git/git-receive-pack`),
  ];
}

/** Claims about {@link SECRETS}. */
export function secretsStay({ denies }: ClaimWords): Claim[] {
  const paths = [".env", "config/.env.local", "keys/server.pem", "keys/id_rsa", ".ssh/id_ed25519"];
  return paths.map((path) => denies.read(path));
}
