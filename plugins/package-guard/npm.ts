/**
 * npm's registries.
 *
 * @module
 * @see {@link https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md | Package metadata}
 */
import { type Answer, type Asked, type Ecosystem, isOldEnough, objectOf, parseObject } from "./times.ts";

const NAME = "@[^/@]+/[^/@]+|[^/@][^/]*";
/**
 * A registry may lie below a path: the name is at the end. The first try is the longest name, so that a scope belongs to it. Some
 * registries name the scope before the file again.
 */
const FILE = new RegExp(`^(?:/.*?)??/(${NAME})/-/(?:@[^/]+/)?([^/]+\\.(?:tgz|tar\\.gz))$`);
/** What npm itself asks for below `/-/`: no packages. */
const API = /\/-\/(?:v1\/search|ping|whoami|all|(?:npm\/v1|user|org|team)\/.*|package\/.*\/dist-tags.*)(?<!gz)$/;
/** One version by itself looks like this as well, and has no times: it cannot be judged. */
const INDEX = new RegExp(`^(?:/.*?)??/(${NAME})$`);

/** Reads them. */
export const readNpm: Ecosystem = {
  accept: "application/json",
  asked: (asked): Asked | string | undefined => {
    const path = asked.replace(/\/+$/, "");
    const [, of, file] = FILE.exec(path) ?? [];
    if (of !== undefined && file !== undefined) return { kind: "file", name: of, file };
    if (path.includes("/-/")) return API.test(path) ? undefined : "it is neither a version's file nor npm's own API";
    const name = INDEX.exec(path)?.[1];
    return name === undefined ? undefined : { kind: "index", name };
  },
  index: (text, { name }, latest): Answer | string => {
    const document = parseObject(text);
    const versions = objectOf(document?.versions);
    const times = objectOf(document?.time);
    if (document === undefined || versions === undefined || times === undefined) return "it has no versions with times";
    const published = (version: string) => Date.parse(String(times[version] ?? ""));
    const known = Object.entries(versions).map(([version, manifest]) => ({
      version,
      manifest,
      at: published(version),
    }));
    const kept = known.filter(({ at }) => isOldEnough(at, latest));
    const newest = kept.reduce<(typeof kept)[number] | undefined>(
      (best, each) => (each.version.includes("-") || (best !== undefined && best.at > each.at) ? best : each),
      undefined,
    );
    const isKept = (version: unknown) => kept.some((each) => each.version === version);
    const tags = Object.entries(objectOf(document["dist-tags"]) ?? {}).filter(([, version]) => isKept(version));
    const latestTag =
      newest === undefined || tags.some(([tag]) => tag === "latest") ? [] : [["latest", newest.version]];
    return {
      body: JSON.stringify({
        ...document,
        "dist-tags": Object.fromEntries([...tags, ...latestTag]),
        versions: Object.fromEntries(kept.map(({ version, manifest }) => [version, manifest])),
      }),
      times: new Map(known.map(({ manifest, at }) => [`${name}/${fileOf(manifest)}`, at])),
    };
  },
};

function fileOf(manifest: unknown): string {
  const tarball = objectOf(objectOf(manifest)?.dist)?.tarball;
  return typeof tarball === "string" ? tarball.slice(tarball.lastIndexOf("/") + 1) : "";
}
