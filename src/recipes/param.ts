/**
 * Types of parameters that are safe to put into a policy: what a stranger gives for them names one thing, and nothing wider.
 *
 * @module
 */
import { z } from "zod";
import { quote } from "../policy/issues.ts";
import { isAddress } from "../policy/mod.ts";
import { pathProblem } from "../policy/paths.ts";

type Problem = (value: string) => string | undefined;

function held(wanted: string, problem: Problem, max = 1024): z.ZodType<string, string> {
  const error = ({ input }: { readonly input?: unknown }): string =>
    input === undefined ? `missing: expected ${wanted}` : `expected ${wanted}, found ${quote(input)}`;
  return z.string({ error }).check((context) => {
    const { value } = context;
    const reason =
      value.length > max
        ? `it is longer than ${max} characters`
        : HIDDEN.test(value)
          ? "it has invisible characters"
          : problem(value);
    if (reason !== undefined) {
      context.issues.push({
        code: "custom",
        message: `cannot use ${quote(value)} as ${wanted}: ${reason}`,
        input: value,
      });
    }
  });
}

/** Controls, format characters such as bidi overrides, lone surrogates. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function matching(wanted: string, pattern: RegExp, rule: string): z.ZodType<string, string> {
  return held(wanted, (value) => (pattern.test(value) ? undefined : rule));
}

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const HOST = new RegExp(`^${LABEL}(?:\\.${LABEL})+$`);

function hostProblem(value: string): string | undefined {
  if (value.includes("*")) return "a wildcard is not one host";
  if (isAddress(value)) return "it is an address";
  return HOST.test(value) && value.length <= 253 ? undefined : "a host is labels in lower case with dots between";
}

function workspacePathProblem(value: string): string | undefined {
  if (/[*?[\]{}\\!]/.test(value)) return "a path is literal here";
  if (value.startsWith("/") || value.startsWith("~")) return "it lies in the workspace, as ./docs";
  if (/^(?:\.\/)*\.?$/.test(value)) return "that is the whole workspace: name a folder in it";
  if (value.split("/").some((part) => part.toLowerCase() === ".git")) return "that is git's own";
  return pathProblem(value);
}

function hostFolderProblem(value: string): string | undefined {
  if (/[*?[\]{}\\!]/.test(value)) return "a path is literal here";
  return /^\/[^/]/.test(value) ? pathProblem(value) : "it is absolute";
}

function urlProblem(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return "expected http or https";
  if (url.username !== "" || url.password !== "") return "it carries a password";
  return url.search !== "" || url.hash !== "" ? "expected one without a query" : undefined;
}

/** What a registry's parameter is where nobody says: read by whoever runs the recipe, never by the recipe. */
function registry(from: "npm" | "pip"): z.ZodType<string, string> {
  const problem = (value: string) => {
    const [host = "", port, more] = value.split(":");
    const wrong = hostProblem(host);
    if (wrong !== undefined) return wrong;
    if (more !== undefined || (port !== undefined && !/^[1-9]\d{0,4}$/.test(port))) return "a port is a number";
    return Number(port ?? 443) > 65_535 ? "ports go to 65535" : undefined;
  };
  return held("the host of a registry", problem).meta({ from });
}

/**
 * Types of parameters. Each is a zod schema of a text, so `.default(...)`, `.optional()` and `.describe(...)` work.
 *
 * @example
 * ```ts
 * import { param } from "cofferdam";
 * import { z } from "zod";
 *
 * const params = z.object({
 *   docs: param.path().default("./docs"),
 *   repository: param.repository(),
 *   host: param.host().optional(),
 * });
 * ```
 */
export const param: {
  /** A file or folder in the workspace, as `./docs`: no `..`, no glob, nothing of git's own. */
  readonly path: () => z.ZodType<string, string>;
  /** A folder of the host, absolute: no `..`, no glob, and not the root. */
  readonly folder: () => z.ZodType<string, string>;
  /** A host by its name, in lower case: no wildcard, no address. */
  readonly host: () => z.ZodType<string, string>;
  /** `owner/name`. */
  readonly repository: () => z.ZodType<string, string>;
  /** `http` or `https`, without password and query. */
  readonly url: () => z.ZodType<string, string>;
  /** The name of a model, as providers have them; a star at its end stands for the rest, and alone for every name. */
  readonly model: () => z.ZodType<string, string>;
  /** Letters, digits, `.`, `_` and `-`, beginning with a letter or digit. */
  readonly name: () => z.ZodType<string, string>;
  /** A line of text. */
  readonly text: () => z.ZodType<string, string>;
  /** An address or a range of private ones: `10.0.5.0/24`. */
  readonly range: () => z.ZodType<string, string>;
  /** Whole digits, as ids of chats are; a minus may stand before them. */
  readonly id: () => z.ZodType<string, string>;
  /** The host of a package registry, with `:port` where that is not 443: where nobody says, that of npm's or pip's own configuration. */
  readonly registry: (from: "npm" | "pip") => z.ZodType<string, string>;
  /** Several of a kind, at least one and at most 64. */
  readonly list: (item: z.ZodType<string, string>) => z.ZodType<readonly string[], readonly string[]>;
} = {
  path: () => held("a path in the workspace", workspacePathProblem),
  folder: () => held("a folder of the host", hostFolderProblem),
  host: () => held("a host", hostProblem),
  repository: () =>
    held("a repository", (value) =>
      /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/(?!\.)[A-Za-z0-9._-]{1,100}$/.test(value) ? undefined : "write it as owner/name",
    ),
  url: () => held("a URL", urlProblem),
  model: () =>
    matching(
      "a model",
      /^(?:\*|[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}\*?)$/,
      "letters, digits and . _ : / - are in such names, and * may end it",
    ),
  name: () => matching("a name", /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "letters, digits, . _ and - are in such names"),
  text: () => held("a line of text", () => undefined),
  range: () =>
    held("a range of addresses", (value) => {
      const bits = Number(value.split("/")[1] ?? 32);
      return z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]).safeParse(value).success && bits >= 8
        ? undefined
        : "write it as 10.0.5.0/24, with at least 8 bits";
    }),
  id: () => matching("an id", /^-?\d{1,20}$/, "it is digits"),
  registry,
  list: (item) =>
    z
      .array(item, {
        error: ({ input }) =>
          input === undefined ? "missing: expected a list" : `expected a list, found ${quote(input)}`,
      })
      .min(1, { error: "expected at least one" })
      .max(64, { error: "expected at most 64" }),
};
