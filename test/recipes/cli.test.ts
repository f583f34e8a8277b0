import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CLI, cofferdam, folderOf } from "../cli/support.ts";
import { PROJECT } from "./support.ts";

const folder = folderOf({ "src/main.js": "1\n", ".env": "KEY=1\n", "docs/old.md": "old\n" });
afterAll(() => folder.remove());
const call = (...args: string[]) => cofferdam(args, { cwd: folder.path });
const read = (path: string) => readFileSync(join(folder.path, path), "utf8");

describe("cofferdam recipe", () => {
  test("list and show tell what there is, and what a recipe takes and gives", async () => {
    const { stdout } = await call("recipe", "list");
    expect(stdout).toMatch(/^ci-docs +task +Reads a project/m);
    expect(stdout).toMatch(/^telegram +service /m);
    const machine = JSON.parse((await call("recipe", "list", "--json")).stdout);
    expect(machine).toContainEqual(expect.objectContaining({ name: "claude-code", kind: "agent" }));
    const shown = await call("recipe", "show", "ci-docs", "--param", "docs=./site");
    expect(shown.stdout).toMatch(/docs +string +"\.\/docs" +the folder that is written/);
    expect(shown.stdout).toMatch(/# policy sha256:[0-9a-f]{64}/);
    expect(shown.stdout).toContain("- ./site");
    const needing = await call("recipe", "show", "github");
    expect([needing.code, needing.stdout]).toEqual([0, expect.stringMatching(/repository +string +must be given/)]);
    expect((await call("recipe", "show", "claude-code", "--dockerfile")).stdout).toMatch(/^FROM node:22-slim\nRUN apt/);
  });

  test("test says claim by claim what holds", async () => {
    const { code, stdout } = await call("recipe", "test", "ci-docs", "weather", "--runtime", "memory");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/ {2}ok denies write src\/main\.ts \(/)]);
  });

  test.each([
    [["recipe", "show", "ci-dogs"], 1, /Cannot load the recipe "ci-dogs"/],
    [["recipe", "show", "ci-docs", "--param", "docs=/etc"], 2, /docs: cannot use "\/etc" as a path in the workspace/],
    [["recipe", "new", "Bad Name"], 2, /is no name/],
    [["run", "--param", "a=b", "--", "true"], 2, /--param needs a --recipe/],
    [["run", "--recipe", "ci-docs"], 2, /missing required argument 'command'/],
    [["run", "--recipe", "github", "--", "true"], 125, /repository: missing/],
  ])("%j is one clear line, and an exit code", async (args, code, line) => {
    const result = await call(...args);
    expect([result.code, result.stdout]).toEqual([code, ""]);
    expect(result.stderr).toMatch(line);
  });
});

describe("cofferdam run --recipe", () => {
  test("runs under its policy, with its services, and holds later runs to the lockfile", async () => {
    const script = "echo new > docs/new.md; cat .env; echo x > src/main.js";
    const run = (...flags: string[]) =>
      call("run", "-q", "--recipe", "ci-docs", "--apply", ...flags, "--", "sh", "-c", script);
    const first = await run("--lock");
    expect(first.stderr).toMatch(/\.env: Permission denied/);
    expect([read("docs/new.md"), read("src/main.js")]).toEqual(["new\n", "1\n"]);
    const locked = JSON.parse(read("cofferdam.lock"));
    expect(locked.recipes["ci-docs"]).toMatchObject({ name: "ci-docs", version: "1.0.0" });
    expect((await run()).stderr).not.toMatch(/lockfile/);
    expect((await run("--param", "docs=./site")).stderr).toMatch(/does not have it with these parameters/);
    const source = locked.recipes["ci-docs"].source;
    const forged = read("cofferdam.lock").replace(source, `sha256:${"0".repeat(64)}`);
    writeFileSync(join(folder.path, "cofferdam.lock"), forged);
    const refused = await run();
    expect([refused.code, refused.stderr]).toEqual([
      125,
      expect.stringMatching(/its code is not what the lockfile says/),
    ]);
  });
});

describe("a recipe of somebody else", () => {
  test("is written from the template, tested, packed, installed, and run by the name of its package", async () => {
    const author = folderOf({});
    const user = folderOf({ "package.json": '{ "private": true }', "src/main.js": "1\n" });
    try {
      expect((await cofferdam(["recipe", "new", "acme-docs"], { cwd: author.path })).code).toBe(0);
      const made = join(author.path, "acme-docs");
      link(join(made, "node_modules"));
      const tested = await cofferdam(["recipe", "test", ".", "--runtime", "memory", "--json"], { cwd: made });
      expect([tested.stderr, tested.code]).toEqual(["", 0]);
      expect(JSON.parse(tested.stdout)).toMatchObject([{ recipe: "acme-docs", holds: true }]);

      const npm = (args: readonly string[], cwd: string) =>
        execFileSync("npm", [...args, "--offline", "--no-audit", "--no-fund"], { cwd, encoding: "utf8" });
      const packed = npm(["pack", "--pack-destination", author.path], made).trim().split("\n").at(-1) ?? "";
      npm(["install", "--legacy-peer-deps", "--ignore-scripts", join(author.path, packed)], user.path);
      link(join(user.path, "node_modules"));
      expect(existsSync(join(user.path, "node_modules/acme-docs/recipe.js"))).toBe(true);
      const script = "mkdir -p docs; echo hi > docs/index.md; echo x > src/main.js || true";
      const run = ["run", "-q", "--recipe", "npm:acme-docs", "--lock", "--apply", "--", "sh", "-c", script];
      const ran = await cofferdam(run, { cwd: user.path });
      expect(ran.code).toBe(0);
      expect(readFileSync(join(user.path, "docs/index.md"), "utf8")).toBe("hi\n");
      expect(readFileSync(join(user.path, "src/main.js"), "utf8")).toBe("1\n");
      const changed = join(user.path, "node_modules/acme-docs/recipe.js");
      writeFileSync(changed, readFileSync(changed, "utf8").replace("write: [folder]", 'write: ["."]'));
      const refused = await cofferdam(["run", "--recipe", "npm:acme-docs", "--", "true"], { cwd: user.path });
      expect([refused.code, refused.stderr]).toEqual([125, expect.stringMatching(/its code is not/)]);
      // Nor does a look at it, which would run what changed.
      writeFileSync(changed, `console.log("it ran");\n${readFileSync(changed, "utf8")}`);
      for (const command of ["show", "test"]) {
        const looked = await cofferdam(["recipe", command, "npm:acme-docs"], { cwd: user.path });
        expect(looked).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/its code is not/) });
      }
      // A plugin is looked for where the recipe is, and not where somebody else's package has its name.
      const guard = join(user.path, "node_modules/acme-guard");
      mkdirSync(guard);
      writeFileSync(join(guard, "index.js"), 'console.log("it ran");\n');
      writeFileSync(join(made, "named.js"), NAMED);
      const named = ["run", "--lock", "--recipe", join(made, "named.js"), "--", "true"];
      expect(await cofferdam(named, { cwd: user.path })).toMatchObject({
        code: 125,
        stdout: "",
        stderr: expect.stringMatching(/its plugin "acme-guard" is not to be had/),
      });
    } finally {
      author.remove();
      user.remove();
    }
  });
});

const NAMED = `
import { defineRecipe } from "cofferdam";
import { z } from "zod";
const build = () => ({ policy: { version: 1 }, plugins: [{ name: "acme-guard" }] });
export default defineRecipe({ name: "named", version: "1.0.0", description: "Names a plugin.", params: z.object({}), build });
`;

/** What a registry would have brought: this library as it is built, and zod. */
function link(modules: string): void {
  mkdirSync(modules, { recursive: true });
  symlinkSync(dirname(dirname(dirname(CLI[1] ?? ""))), join(modules, "cofferdam"));
  symlinkSync(join(PROJECT, "node_modules/zod"), join(modules, "zod"));
}
