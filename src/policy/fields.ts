/**
 * The scalars of a policy as schemas.
 *
 * @module
 */

import * as z from "zod";
import { ipv6Problem, rangeProblem } from "./addresses.ts";
import { globProblem } from "./glob.ts";
import { valuePathProblem } from "./http/values.ts";
import { quote } from "./issues.ts";
import { byteLength, PATH_MAX_BYTES, pathProblem } from "./paths.ts";
import { BYTES_RULE, DURATION_RULE, parseBytes, parseDuration } from "./units.ts";

/** The most entries of one list. */
export const MAX_LIST: number = 1024;

/** A text, held to a rule that says what is wrong as the end of a sentence. */
function text(problem: (value: string) => string | undefined, wanted = "a text"): z.ZodType<string> {
  const error = ({ input }: { readonly input?: unknown }): string => {
    return input === undefined ? `missing: expected ${wanted}` : `expected ${wanted}, found ${quote(input)}`;
  };
  return z.string({ error }).check((context) => {
    const reason = problem(context.value);
    if (reason === undefined) return;
    const message = `cannot use ${quote(context.value)}: ${reason}`;
    context.issues.push({ code: "custom", message, input: context.value });
  });
}

function shortText(max: number): (value: string) => string | undefined {
  return (value) => {
    if (value === "") return "expected a text that is not empty";
    if (/[\u0000-\u001f\u007f\p{Surrogate}]/u.test(value)) return "expected a text without control characters";
    return value.length > max ? `expected at most ${max} characters, found ${value.length}` : undefined;
  };
}

/** A list with as many entries as a policy may have. */
export function list<T>(item: z.ZodType<T>, min = 0): z.ZodType<T[]> {
  return z.array(item).min(min).max(MAX_LIST);
}

/** A name for people. */
export const nameField: z.ZodType<string> = text(shortText(128));

/** The id of a rule. Derived ids contain a `:`, given ones do not, so they never meet. */
export const idField: z.ZodType<string> = text((id) => {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id)) return undefined;
  return 'an id is up to 128 letters, digits, ".", "_" and "-", and starts with a letter or digit';
});

/** A path or a glob of paths. */
export const pathField: z.ZodType<string> = text(pathProblem);

/** A program that connects: a name, in whatever folder, or a path; globs allowed. */
export const binaryField: z.ZodType<string> = text(pathProblem);

/**
 * A program that starts: a name on `PATH`, or a path; globs allowed. Names have no folders to cross, so whoever writes `**` means
 * more than the rule would.
 */
export const programField: z.ZodType<string> = text((binary) => {
  if (binary !== "**") return pathProblem(binary);
  return 'a name has no folders: "/**" is every program, and "*" those that PATH finds';
});

/** A glob of one argument. Its length is what execve() takes of a short one; longer ones are not for a policy. */
export const argumentField: z.ZodType<string> = text((glob) => {
  if (glob.includes("\0")) return "an argument must not contain NUL";
  if (byteLength(glob) > PATH_MAX_BYTES) return `an argument has at most ${PATH_MAX_BYTES} bytes`;
  return globProblem(glob);
});

/** A glob of model names. */
export const modelField: z.ZodType<string> = text((glob) => shortText(256)(glob) ?? globProblem(glob));

/** A regular expression. Whether it is one is known when it is compiled. */
export const expressionField: z.ZodType<string> = text(shortText(1024));

/** A glob of URL paths. */
export const urlPathField: z.ZodType<string> = text((glob) => {
  if (!glob.startsWith("/") && glob !== "**") return 'a URL path starts with "/"';
  return shortText(2048)(glob) ?? globProblem(glob);
});

/** A glob of query values. */
export const queryField: z.ZodType<string> = text((glob) => {
  return glob === "" ? undefined : (shortText(1024)(glob) ?? globProblem(glob));
});

/** Where a value stands in JSON. */
export const valuePathField: z.ZodType<string> = text(valuePathProblem);

/** A glob of gRPC services: labels of a package, and a name. */
export const grpcServiceField: z.ZodType<string> = text((glob) => {
  if (!/^[A-Za-z0-9_.*]+$/.test(glob)) return 'expected a service such as "acme.users.v1.Users"';
  return shortText(256)(glob) ?? globProblem(glob, ".");
});

/** A glob of the names of gRPC methods. */
export const grpcMethodField: z.ZodType<string> = text((glob) => {
  if (!/^[A-Za-z0-9_*]+$/.test(glob)) return 'expected the name of a method such as "GetUser"';
  return shortText(256)(glob) ?? globProblem(glob);
});

/** An HTTP method. */
export const methodField: z.ZodType<string> = text((method) => {
  return /^[A-Z][A-Z-]{0,31}$/.test(method) ? undefined : "expected an HTTP method in upper case";
});

/** The name of an HTTP header. */
export const headerField: z.ZodType<string> = text((name) => {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/.test(name) ? undefined : "expected the name of an HTTP header";
});

/** A binary's hash. */
export const sha256Field: z.ZodType<string> = text((hash) => {
  return /^[0-9A-Fa-f]{64}$/.test(hash) ? undefined : "expected a SHA-256 of 64 hexadecimal digits";
});

/** The name of an environment variable. */
export const variableField: z.ZodType<string> = text((name) => {
  return /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name) ? undefined : "expected the name of an environment variable";
});

/** A range of addresses. */
export const rangeField: z.ZodType<string> = text((range) => {
  const sound = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]).safeParse(range).success;
  return sound ? undefined : 'expected an address or a range such as "10.0.0.0/8"';
});

/** A size with a unit. */
export const bytesField: z.ZodType<string> = text((size) => {
  return parseBytes(size) === undefined ? `expected ${BYTES_RULE}` : undefined;
}, BYTES_RULE);

/** A duration with a unit. */
export const durationField: z.ZodType<string> = text((duration) => {
  return parseDuration(duration) === undefined ? `expected ${DURATION_RULE}` : undefined;
}, DURATION_RULE);

/** A positive whole number. */
export function countField(max: number = Number.MAX_SAFE_INTEGER): z.ZodType<number> {
  return z.number().int().min(1).max(max);
}

/** Where the API of a provider is. */
export const baseUrlField: z.ZodType<string> = text((address) => {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return "expected a URL of http or https";
  if (url.username !== "" || url.password !== "") return "a URL of a policy carries no password";
  if (url.search !== "" || url.hash !== "") return "expected a URL without a query";
  return shortText(2048)(address);
});

/** A host name, a glob of labels, or an address. */
export const hostField: z.ZodType<string> = text(hostProblem);

/** The same, or a range of addresses. */
export const networkHostField: z.ZodType<string> = text((host) => {
  return /^[0-9A-Fa-f:.]+\/\d+$/.test(host) ? rangeProblem(host) : hostProblem(host);
});

function hostProblem(host: string): string | undefined {
  if (/^[a-z]+:\/\//i.test(host) || /\/|@/.test(host)) return "expected a host alone, without scheme, user or path";
  if (host.startsWith("[")) {
    return ipv6Problem(/^\[(.*)\]$/.exec(host)?.[1] ?? "");
  }
  if (host.includes(":")) return 'expected a host without a port ("ports" takes them); IPv6 is written in brackets';
  if (/[^\u0021-\u007e]/.test(host)) return "international host names are written in their ASCII form, xn--";
  if (host === "" || host.length > 253) return "a host has 1 to 253 characters";
  const labels = host.split(".");
  for (const label of labels) {
    if (label === "**") continue;
    if (!/^[a-z0-9_*](?:[a-z0-9_*-]{0,61}[a-z0-9_*])?$/i.test(label)) return `"${label}" is no host label`;
    if (label.includes("**")) return '"**" must stand alone between dots';
  }
  // What a URL parser takes for an address, in whatever notation, must be one.
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/i.test(labels.at(-1) ?? "") && !z.ipv4().safeParse(host).success) {
    return "expected an IPv4 address in its usual form";
  }
  return undefined;
}
