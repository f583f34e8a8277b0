#!/usr/bin/env node
/**
 * The command line: `cofferdam`.
 *
 * @module
 */
import { cacheCompiled } from "./compile-cache.ts";
import { packageVersion } from "./version.ts";

const [first, ...others] = process.argv.slice(2);
// What scripts ask first needs no tree of commands.
if (others.length === 0 && (first === "--version" || first === "-V")) process.stdout.write(`${packageVersion()}\n`);
else {
  cacheCompiled();
  const { start } = await import("./start.ts");
  await start();
}
