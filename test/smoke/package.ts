/**
 * The package as `npm run build` and `npm pack` make it, in a folder apart: other tests may use `dist` meanwhile.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT: string = fileURLToPath(new URL("../..", import.meta.url));
const PARTS = [
  "package.json",
  "tsconfig.json",
  "tsconfig.build.json",
  "tsconfig.built-in.json",
  "README.md",
  "LICENSE",
  "src",
  "plugins",
  "recipes",
  "scripts/build.mjs",
];

/** Copies what the package is made from, with the project's own dependencies. */
export function copyProject(directory: string): void {
  for (const part of PARTS) {
    if (existsSync(join(PROJECT, part))) cpSync(join(PROJECT, part), join(directory, part), { recursive: true });
  }
  symlinkSync(join(PROJECT, "node_modules"), join(directory, "node_modules"));
}

/** The package's JavaScript as it is published, without its declarations: quick to make and to load. Returns its entry. */
export function bundlePackage(directory: string): string {
  const out = join(directory, "dist");
  execFileSync(process.execPath, [join(PROJECT, "scripts/build.mjs"), "--no-types", "--out", out], { stdio: "pipe" });
  copyFileSync(join(PROJECT, "package.json"), join(directory, "package.json"));
  symlinkSync(join(PROJECT, "node_modules"), join(directory, "node_modules"));
  return join(out, "mod.js");
}
