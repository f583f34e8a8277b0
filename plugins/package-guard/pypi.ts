/**
 * PyPI's simple index in JSON, and the files that it names.
 *
 * @module
 * @see {@link https://packaging.python.org/en/latest/specifications/simple-repository-api/ | Simple repository API}
 */
import { type Answer, type Asked, type Ecosystem, isOldEnough, objectOf, parseObject } from "./times.ts";

const ARCHIVE = /\.(?:whl|zip|egg|exe|msi|rpm|deb|tgz|tar|tar\.[a-z0-9]+)(?:\.metadata)?$/i;
/** Names in wheels have no hyphens; elsewhere they may, and a version begins at the last one before a digit. */
const NAMED = /^(?:([A-Za-z0-9._]+)-\d[^/]*\.whl|([A-Za-z0-9._-]+)-\d[^/]*)$/i;

/** Reads them. */
export const readPypi: Ecosystem = {
  accept: "application/vnd.pypi.simple.v1+json",
  asked: (path): Asked | string | undefined => {
    const index = /\/\+?simple\/([^/]+)\/*$/.exec(path)?.[1];
    if (index !== undefined) return { kind: "index", name: normal(index) };
    const file = path
      .replace(/\/+$/, "")
      .replace(/^.*\//, "")
      .replace(/\.metadata$/, "");
    if (!ARCHIVE.test(file)) return undefined;
    const [, wheel, other] = NAMED.exec(file) ?? [];
    const name = wheel ?? other;
    return name === undefined ? "its name says of no version" : { kind: "file", name: normal(name), file };
  },
  index: (text, { name }, latest): Answer | string => {
    const document = parseObject(text);
    if (document === undefined || !Array.isArray(document.files)) return "it is no index in JSON";
    const files = document.files.flatMap((each: unknown) => {
      const file = objectOf(each);
      const filename = file?.filename;
      if (file === undefined || typeof filename !== "string") return [];
      return [{ file, filename, at: Date.parse(String(file["upload-time"] ?? "")) }];
    });
    const kept = files.filter(({ at }) => isOldEnough(at, latest));
    // Which versions there are, the files say.
    const { versions: _, ...rest } = document;
    return {
      body: JSON.stringify({ ...rest, files: kept.map(({ file }) => file) }),
      times: new Map(files.map(({ filename, at }) => [`${name}/${filename}`, at])),
    };
  },
};

/** PEP 503. */
function normal(name: string): string {
  return name.replace(/[-_.]+/g, "-").toLowerCase();
}
