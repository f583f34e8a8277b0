/**
 * The package as `npm run build` and `npm pack` make it, in a folder apart: other tests may use `dist` meanwhile.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

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

/** Builds the package in `directory`; returns its entry. */
export function buildPackage(directory: string): string {
  copyProject(directory);
  execFileSync("npm", ["run", "build"], { cwd: directory, stdio: "pipe" });
  return join(directory, "dist/mod.js");
}

/** The sources as JavaScript, each file by itself and without a check of types: quick. Returns the package's entry. */
export function transpilePackage(directory: string): string {
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
  };
  for (const name of readdirSync(join(PROJECT, "src"), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const target = join(directory, "dist", name.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    const { outputText } = ts.transpileModule(readFileSync(join(PROJECT, "src", name), "utf8"), { compilerOptions });
    writeFileSync(target, outputText);
  }
  writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
  symlinkSync(join(PROJECT, "node_modules"), join(directory, "node_modules"));
  return join(directory, "dist/mod.js");
}
