/**
 * The version of this package.
 *
 * @module
 */
import { readFileSync } from "node:fs";

/** Put in where the package is built. */
declare const COFFERDAM_VERSION: string | undefined;

/** As its `package.json` says. */
export function packageVersion(): string {
  if (typeof COFFERDAM_VERSION === "string") return COFFERDAM_VERSION;
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}
