/**
 * Which proxies there are on the way out of this machine, and what is reached without them.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { type ProxyExceptions, readExceptions } from "./exceptions.ts";

/** Proxies towards real hosts, as URLs: `http://` or `https://`, with `user:password@` where one wants a login. */
export interface ProxyOptions {
  /** For TLS. */
  readonly https?: string;
  /** For HTTP without TLS. */
  readonly http?: string;
  /** For everything else, and where the other two are not given. */
  readonly all?: string;
  /**
   * What is reached without a proxy, as in `NO_PROXY`: names with all below them, addresses, CIDR, each with a port or
   * without, or `*`.
   *
   * @default none
   */
  readonly except?: readonly string[];
  /**
   * Who finds the addresses of names. `host`: this machine, which checks them, and the proxy gets exactly the address that
   * was checked. `proxy`: the proxy gets the name. Of what this machine cannot resolve then nothing can be checked.
   *
   * @default "host"
   */
  readonly resolve?: "host" | "proxy";
}

/** A proxy. */
export interface UpstreamProxy {
  /** Whether it is spoken to over TLS. */
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** The value of `Proxy-Authorization`: a secret. */
  readonly authorization?: string;
}

/** The way out. */
export interface ProxySettings {
  readonly https?: UpstreamProxy;
  readonly http?: UpstreamProxy;
  readonly all?: UpstreamProxy;
  readonly except: ProxyExceptions;
  readonly resolve: "host" | "proxy";
}

type Variables = Readonly<Record<string, string | undefined>>;

const KEYS = ["https", "http", "all"] as const;

/**
 * Reads the option, and where it names no proxy the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`,
 * of which the lower-case ones come first.
 *
 * @returns undefined where there is no proxy.
 * @throws {SandboxError} ARGUMENT_INVALID If one cannot be used. The error holds no URL: they carry passwords.
 */
export function readProxySettings(
  option: ProxyOptions | string | false | undefined,
  variables: Variables,
): ProxySettings | undefined {
  if (option === false) return undefined;
  const given: ProxyOptions = typeof option === "string" ? { all: option } : (option ?? {});
  checkShape(given);
  const named = KEYS.some((key) => given[key] !== undefined);
  const urls = named ? given : fromEnvironment(variables);
  const source = (key: (typeof KEYS)[number]): string => (named ? `proxy.${key}` : `${key.toUpperCase()}_PROXY`);
  const proxies = KEYS.flatMap((key) => {
    const url = urls[key];
    return url === undefined || url === "" ? [] : [[key, readProxy(url, source(key))] as const];
  });
  if (proxies.length === 0) return undefined;
  const except = readExceptions([...(urls.except ?? []), ...(named ? [] : (given.except ?? []))]);
  return { ...Object.fromEntries(proxies), except, resolve: given.resolve ?? "host" };
}

function fromEnvironment(variables: Variables): ProxyOptions {
  const of = (name: string): string => variables[name.toLowerCase()] ?? variables[name] ?? "";
  // A web server sets HTTP_PROXY from a header of whoever asks it (CVE-2016-5385).
  const isCgi = variables.REQUEST_METHOD !== undefined;
  return {
    https: of("HTTPS_PROXY"),
    http: isCgi ? (variables.http_proxy ?? "") : of("HTTP_PROXY"),
    all: of("ALL_PROXY"),
    except: of("NO_PROXY").split(/[\s,]+/),
  };
}

function checkShape(option: ProxyOptions): void {
  const { except = [], resolve = "host" } = option;
  const known = [...KEYS, "except", "resolve"];
  const unknown = typeof option === "object" ? Object.keys(option).find((key) => !known.includes(key)) : "";
  if (unknown !== undefined)
    throw unusable(unknown === "" ? "proxy" : `proxy.${unknown}`, `it has ${known.join(", ")}`);
  if (resolve !== "host" && resolve !== "proxy") throw unusable("proxy.resolve", 'it is "host" or "proxy"');
  if (!Array.isArray(except) || except.some((each) => typeof each !== "string")) {
    throw unusable("proxy.except", "it is a list of texts");
  }
}

function readProxy(text: string, source: string): UpstreamProxy {
  const url = parseUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`, source);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw unusable(source, `proxies of the kind ${url.protocol.slice(0, -1)} are not supported, http and https are`);
  }
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const proxy = { secure, host: url.hostname.replace(/^\[|\]$/g, ""), port };
  if (url.username === "" && url.password === "") return proxy;
  return { ...proxy, authorization: `Basic ${Buffer.from(login(url, source)).toString("base64")}` };
}

function parseUrl(text: string, source: string): URL {
  try {
    return new URL(text);
  } catch {
    // The platform's own error has the URL in it.
    throw unusable(source, "it is no URL");
  }
}

function login({ username, password }: URL, source: string): string {
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch {
    throw unusable(source, "its login is not percent-encoded");
  }
}

function unusable(argument: string, reason: string): SandboxError<"ARGUMENT_INVALID"> {
  return new SandboxError("ARGUMENT_INVALID", `Cannot use ${argument} as a proxy: ${reason}`, {
    details: { argument },
    hint: "Give a URL such as http://proxy.example.com:3128, or proxy: false to connect without one",
  });
}
