/**
 * Keeps young and unknown packages out: what was published an hour ago is how most attacks come.
 *
 * @module
 */
import { definePlugin, deny, type Plugin } from "../src/mod.ts";
import { readNpm } from "./package-guard/npm.ts";
import { readPypi } from "./package-guard/pypi.ts";
import { type Answer, type Asked, type Ecosystem, isOldEnough, PublishTimes } from "./package-guard/times.ts";

/** The options of `packageGuard`. */
export interface PackageGuardOptions {
  /** Hosts that speak npm's protocol, with `:port` where that is not one of HTTP's own. */
  readonly npm?: readonly string[];
  /** Hosts of PyPI's simple index, in JSON (PEP 691). */
  readonly pypi?: readonly string[];
  /** Hosts that the index of PyPI sends to for files. @default none: files are those of the index's own host */
  readonly pypiFiles?: readonly string[];
  /** The least age of a version, in days. @default 7 */
  readonly minAgeDays?: number;
  /** Names that may be installed, with `*` for anything but `/`. @default all */
  readonly allow?: readonly string[];
  /** Names whose versions may be of any age, such as your own. */
  readonly anyAge?: readonly string[];
}

const DAY_MS = 86_400_000;
const INDEX_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Makes the plugin. Versions that are too young are left out of what a registry says there is, so a package manager takes an older
 * one; a file of one that is asked for by its address is denied. How old it is, the registry's own answer says: the times of its
 * index, or of the file (`Last-Modified`). One that says neither is denied.
 *
 * @throws {TypeError} If no host is named.
 */
export const packageGuard: (options: PackageGuardOptions) => Plugin = definePlugin(
  (options: PackageGuardOptions): Plugin => {
    const { minAgeDays = 7, allow, anyAge = [] } = options;
    const [npm = [], pypi = [], pypiFiles = []] = [options.npm, options.pypi, options.pypiFiles].map(hostsOf);
    const hosts = [...npm, ...pypi, ...pypiFiles];
    const ports = [...HTTP_PORTS, ...portsOf([options.npm, options.pypi, options.pypiFiles])];
    if (hosts.length === 0) throw new TypeError("Name the hosts of your registries: npm, pypi");
    const isAllowed = allow === undefined ? () => true : matcherOf(allow);
    const isExempt = matcherOf(anyAge);
    const times = new PublishTimes();
    const ecosystemOf = (host: string): Ecosystem => (npm.includes(host) ? readNpm : readPypi);
    const asked = (host: string, path: string): Asked | string | undefined => {
      const what = ecosystemOf(host).asked(path);
      if (what !== undefined || !pypiFiles.includes(host) || npm.includes(host) || pypi.includes(host)) return what;
      return "it is no file of a version";
    };
    const latest = () => Date.now() - minAgeDays * DAY_MS;
    return {
      name: "package-guard",
      hooks: {
        network: {
          // Where nobody looks, nothing is installed from.
          connect: {
            hosts,
            handler: ({ host, port }) =>
              ports.includes(port) ? undefined : deny(`name the port for package-guard: ${host}:${port}`),
          },
          request: {
            hosts,
            ports,
            handler: (request, { connect, about }) => {
              if (request.method !== "GET" && request.method !== "HEAD") return undefined;
              const what = asked(connect.host, about.path);
              if (what === undefined) return undefined;
              if (typeof what === "string") return deny(`${about.path} cannot be judged: ${what}`);
              if (!isAllowed(what.name)) return deny(`the package ${what.name} is not on the list`);
              if (what.kind === "file") return undefined;
              const headers = new Headers(request.headers);
              // The short form of an index has no times; and what the client remembers may have younger ones.
              headers.set("accept", ecosystemOf(connect.host).accept);
              for (const name of ["if-none-match", "if-modified-since", "range"]) headers.delete(name);
              return new Request(request, { headers });
            },
          },
          response: {
            hosts,
            ports,
            handler: async (response, { connect, about, request }) => {
              const what = asked(connect.host, about.path);
              if (typeof what !== "object" || response.status >= 400 || isExempt(what.name)) return undefined;
              const elsewhere = redirection(response, request.url);
              // Where it is looked at as well, it is judged there.
              if (elsewhere !== undefined && hosts.includes(elsewhere)) return undefined;
              if (what.kind === "file") {
                const said = elsewhere === undefined ? response.headers.get("last-modified") : undefined;
                const at = times.of(what) ?? Date.parse(said ?? "");
                return isOldEnough(at, latest()) ? undefined : deny(ageWords(what, at));
              }
              if (elsewhere !== undefined) return deny(`the index of ${what.name} is at ${elsewhere}: name that host`);
              if (request.method === "HEAD") return undefined;
              const text = await readIndex(response);
              const index = ecosystemOf(connect.host).index(text, what, latest());
              if (typeof index === "string") return deny(`the index of ${what.name} cannot be judged: ${index}`);
              times.learn(index);
              return replaced(response, index);
            },
          },
        },
      },
    };
  },
);

const HTTP_PORTS = [80, 443, 8080, 8443];

function hostsOf(given: readonly string[] = []): string[] {
  return given.map((each) => each.replace(/:\d+$/, ""));
}

function portsOf(given: readonly (readonly string[] | undefined)[]): number[] {
  return given.flatMap((list = []) => list.flatMap((each) => (/:\d+$/.test(each) ? Number(each.split(":")[1]) : [])));
}

/** The host that a response sends to, its own one included. */
function redirection({ status, headers }: Response, url: string): string | undefined {
  if (status < 300 || status === 304) return undefined;
  const location = headers.get("location") ?? "";
  return URL.canParse(location, url) ? new URL(location, url).hostname : "nowhere";
}

function replaced(response: Response, { body }: Answer): Response {
  const headers = new Headers(response.headers);
  for (const name of ["content-length", "content-encoding", "etag", "last-modified", "digest"]) headers.delete(name);
  return new Response(body, { status: response.status, headers });
}

async function readIndex(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    bytes += next.value.length;
    if (bytes > INDEX_BYTES_MAX) throw new RangeError(`the index has more than ${INDEX_BYTES_MAX} bytes`);
    chunks.push(next.value);
  }
  return Buffer.concat(chunks).toString();
}

function ageWords({ name, file }: Asked, at: number): string {
  const age = Number.isNaN(at) ? "of unknown age" : `of ${new Date(at).toISOString().slice(0, 10)}`;
  return `${file ?? name} is ${age}, which is too young`;
}

function matcherOf(names: readonly string[]): (name: string) => boolean {
  const patterns = names.map((name) => {
    return new RegExp(`^${name.replace(/[.+^${}()|[\]\\?]/g, "\\$&").replaceAll("*", "[^/]*")}$`);
  });
  return (name) => patterns.some((pattern) => pattern.test(name));
}
