/**
 * The package that npm would publish, installed into an empty folder, on every JavaScript runtime that it is for.
 */
import { type ExecFileSyncOptionsWithStringEncoding, execFile, execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../conformance/programs.ts";
import { describeWith, engineProblem } from "../faults/support.ts";
import { copyProject } from "./package.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const runtimes = join(project, ".cache/runtimes/node_modules/.bin");
const directory = mkdtempSync(join(realpathSync(tmpdir()), "smoke-"));
const consumer = join(directory, "consumer");
const script = join(consumer, "smoke.mjs");
const server = join(consumer, "server");
const net = join(consumer, "net");
let files: readonly string[] = [];

const quiet: ExecFileSyncOptionsWithStringEncoding = { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] };

beforeAll(() => {
  execFileSync("bash", [join(project, "scripts/setup-runtimes.sh")], { stdio: ["ignore", "inherit", "inherit"] });
  const source = join(directory, "source");
  mkdirSync(source);
  mkdirSync(consumer);
  copyProject(source);
  // `npm pack` builds first, as `prepack` says.
  execFileSync("npm", ["pack", "--pack-destination", directory, "--loglevel=error"], { ...quiet, cwd: source });
  const archive = readdirSync(directory).find((name) => name.endsWith(".tgz")) ?? "";
  files = execFileSync("tar", ["-tzf", join(directory, archive)], quiet)
    .trim()
    .split("\n");
  writeFileSync(join(consumer, "package.json"), '{ "private": true, "type": "module" }\n');
  const install = ["install", join(directory, archive), "--omit=dev", "--prefer-offline", "--no-audit", "--no-fund"];
  execFileSync("npm", [...install, "--loglevel=error"], { ...quiet, cwd: consumer });
  cpSync(fileURLToPath(new URL("./smoke.mjs", import.meta.url)), script);
  buildProgram(consumer, "server", ["server.c"]);
  buildProgram(consumer, "net", ["net.c", "net-names.c"]);
}, 300_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("the package", () => {
  test("has what it needs and nothing else", () => {
    const has = (pattern: RegExp): readonly string[] => files.filter((name) => pattern.test(name));
    expect(files).toContain("package/package.json");
    expect(files).toContain("package/dist/mod.js");
    expect(files).toContain("package/dist/mod.d.ts");
    const native = (names: readonly string[]) => names.filter((name) => /\.[ch]$/.test(name)).sort();
    const sources = native(readdirSync(join(project, "src/warden/native")));
    expect(native(has(/\/native\//).map((name) => name.split("/").at(-1) ?? ""))).toEqual(sources);
    expect(has(/\.test\.|\/(test|tests|examples|scripts|shared|node_modules|\.[^/]+)\/|tsconfig|biome|\.tgz$/)).toEqual(
      [],
    );
    expect(has(/^package\/src\/|(?<!\.d)\.ts$/)).toEqual([]);
  });

  test("names only what it installs", () => {
    const listed = execFileSync("npm", ["ls", "--omit=dev", "--depth=0", "--json"], { ...quiet, cwd: consumer });
    expect(JSON.parse(listed)).not.toHaveProperty("problems");
  });

  // By default tsc looks into declarations: what they name must be there for whoever installs the package, and only that.
  test.each([
    ["node16", "node16"],
    ["esnext", "bundler"],
  ])(
    "has declarations that compile with what it installs (%s, %s)",
    { timeout: 120_000 },
    (module, moduleResolution) => {
      const packages = join(consumer, "node_modules");
      for (const name of ["@types/node", "undici-types"]) {
        mkdirSync(join(packages, "@types"), { recursive: true });
        if (!existsSync(join(packages, name))) symlinkSync(join(project, "node_modules", name), join(packages, name));
      }
      const entries = ["", "/plugins", "/recipes", "/testing"].map((entry) => `export * from "cofferdam${entry}";\n`);
      for (const [index, entry] of entries.entries()) writeFileSync(join(consumer, `entry-${index}.mts`), entry);
      const flags = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--types", "node"];
      const all = [
        ...flags,
        "--lib",
        "es2022,esnext.disposable",
        "--module",
        module,
        "--moduleResolution",
        moduleResolution,
      ];
      const names = entries.map((_, index) => `entry-${index}.mts`);
      const tsc = spawnSync(join(project, "node_modules/.bin/tsc"), [...all, ...names], { ...quiet, cwd: consumer });
      expect(tsc.stdout).toBe("");
    },
  );

  test("builds its warden where there is none", { timeout: 120_000 }, async () => {
    const cache = join(directory, "cache");
    expect(await smoke([process.execPath], "local", { COFFERDAM_CACHE: cache })).toContain("smoke passed: local");
    expect(existsSync(join(cache, "warden"))).toBe(true);
    const built = readdirSync(join(cache, "warden"));
    expect(built).toHaveLength(1);
  });
});

async function smoke(
  command: readonly string[],
  runtime: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const [program = "", ...args] = command;
  const env = { ...process.env, ...environment };
  const entry = new URL(`file://${consumer}/node_modules/cofferdam/dist/mod.js`).href;
  try {
    const options = { cwd: consumer, env, timeout: 90_000, killSignal: "SIGKILL" as const };
    const { stdout } = await promisify(execFile)(program, [...args, script, runtime, entry, server, net], options);
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command.join(" ")} on ${runtime} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

const commands: [string, readonly string[]][] = [
  ["this Node", [process.execPath]],
  ["Node 24", [join(runtimes, "node")]],
  ["Deno", [join(runtimes, "deno"), "run", "-A", "--no-lock"]],
  ["Bun", [join(runtimes, "bun"), "run"]],
];

test.each(commands)("%s on the local runtime", { timeout: 120_000 }, async (_name, command) => {
  expect(await smoke(command, "local")).toContain("smoke passed: local");
});

describeWith(engineProblem(), "with an engine", () => {
  test.each(commands)("%s on docker", { timeout: 120_000 }, async (_name, command) => {
    expect(await smoke(command, "docker")).toContain("smoke passed: docker");
  });
});
