/**
 * What several recipes say in the same words.
 *
 * @module
 */
import type { z } from "zod";
import { type HttpRule, type InferenceSection, type NetworkRule, param } from "../src/mod.ts";

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

/** Installing from a registry of npm. */
export function npmRule(host: string): NetworkRule {
  return { id: "npm", host, binaries: ["node"], http: { access: "npm-install" } };
}
