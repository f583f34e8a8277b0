import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  assertLockedBuild,
  builtInRecipes,
  EMPTY_LOCK,
  loadRecipe,
  lockBuild,
  readRecipeLock,
  registryHost,
  withRegistries,
  writeRecipeLock,
} from "../../src/mod.ts";
import { BARREL, temporaryFolder } from "./support.ts";

const folder = temporaryFolder();
const write = (path: string, text: string): string => {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
  return join(folder, path);
};
const ZOD = import.meta.resolve("zod");

const recipe = (name: string, writes = "./docs"): string => `
import { z } from "${ZOD}";
import { defineRecipe } from "${BARREL}";
globalThis.loadedRecipes = [...(globalThis.loadedRecipes ?? []), ${JSON.stringify(name)}];
const made = defineRecipe({
  name: ${JSON.stringify(name)}, version: "1.0.0", description: "A test's.", params: z.object({ more: z.string().optional() }),
  build: () => ({ policy: { version: 1, filesystem: { write: [${JSON.stringify(writes)}] } } }),
});
`;
const one = (name: string, writes?: string): string => `${recipe(name, writes)}export default made;\n`;
/** As another copy of the library would give it: what lies in node_modules does not import sources. */
const handmade = (name: string, policy = "{ version: 1 }"): string => `
import { z } from "${ZOD}";
export const made = { name: ${JSON.stringify(name)}, version: "1.0.0", description: "By hand.", kind: "task", tests: [],
  params: z.object({}), build: () => ({ policy: ${policy} }) };
`;
const loaded = (): readonly string[] => (globalThis as { loadedRecipes?: string[] }).loadedRecipes ?? [];

function package_(name: string, files: Readonly<Record<string, string>>): void {
  const manifest = { name, version: "1.0.0", type: "module", exports: { ".": "./main.js", "./more": "./more.js" } };
  write(`node_modules/${name}/package.json`, JSON.stringify(manifest));
  for (const [path, text] of Object.entries(files)) write(`node_modules/${name}/${path}`, text);
}

describe("loadRecipe()", () => {
  test("finds built-in recipes by name", async () => {
    const { recipe, origin } = await loadRecipe("ci-docs", { folder });
    expect([recipe.name, origin]).toEqual(["ci-docs", "built-in"]);
    expect((await builtInRecipes()).map(({ name }) => name)).toContain("ci-docs");
  });

  test("finds packages that are installed, their entries, and those that are called like a built-in one", async () => {
    package_("acme-recipes", { "main.js": handmade("acme"), "more.js": handmade("acme-more") });
    package_("@acme/ops", { "main.js": `${handmade("ops")}export default made;\n` });
    package_("ci-docs", { "main.js": handmade("their-docs") });
    const named = async (reference: string) => (await loadRecipe(reference, { folder })).recipe.name;
    expect(await named("acme-recipes")).toBe("acme");
    expect(await named("acme-recipes/more")).toBe("acme-more");
    expect(await named("@acme/ops")).toBe("ops");
    expect(await named("npm:ci-docs")).toBe("their-docs");
    expect(await named("./node_modules/acme-recipes")).toBe("acme");
  });

  test("takes a name alone for nothing but a built-in recipe, where that is asked for", async () => {
    // Of a checkout, for who types a name a little wrong.
    package_("claude", { "main.js": `globalThis.typoRan = true;\n${handmade("claude")}` });
    const loading = loadRecipe("claude", { folder, builtInNames: true });
    await expect(loading).rejects.toMatchObject({ hint: expect.stringMatching(/npm:claude$/) });
    expect(globalThis).not.toHaveProperty("typoRan");
    expect((await loadRecipe("npm:claude", { folder, builtInNames: true })).recipe.name).toBe("claude");
    expect((await loadRecipe("ci-docs", { folder, builtInNames: true })).origin).toBe("built-in");
  });

  test("finds files, and one of several recipes by its name", async () => {
    write(
      "several.mjs",
      `${recipe("first")}const first = made;\n{${recipe("second").replace(/import.*\n/g, "")}globalThis.second = made;}\nexport const all = [first, globalThis.second];\n`,
    );
    expect((await loadRecipe("./several.mjs#second", { folder })).recipe.name).toBe("second");
    await expect(loadRecipe("./several.mjs", { folder })).rejects.toMatchObject({
      code: "RECIPE_UNAVAILABLE",
      hint: expect.stringContaining("./several.mjs#first, ./several.mjs#second"),
    });
    await expect(loadRecipe("./several.mjs#third", { folder })).rejects.toThrow(/no recipe "third"/);
  });

  test.each([
    ["an unknown name", "ci-dogs", "RECIPE_UNAVAILABLE"],
    ["a file that is not there", "./none.mjs", "RECIPE_UNAVAILABLE"],
    ["a URL", "https://example.com/recipe.js", "RECIPE_UNAVAILABLE"],
    ["data", "data:text/javascript,export default 1", "RECIPE_UNAVAILABLE"],
    ["a module of the platform", "npm:fs", "RECIPE_UNAVAILABLE"],
    ["a path out of a package", "acme-recipes/../../evil", "RECIPE_UNAVAILABLE"],
    ["what no package exports", "acme-recipes/secret", "RECIPE_UNAVAILABLE"],
    ["a module without a recipe", "./empty.mjs", "RECIPE_INVALID"],
    ["a module that throws", "./throws.mjs", "RECIPE_UNAVAILABLE"],
  ])("refuses %s", async (_, reference, code) => {
    write("empty.mjs", "export default {};\n");
    write("throws.mjs", "throw new Error('broken');\n");
    await expect(loadRecipe(reference, { folder })).rejects.toMatchObject({ code });
  });

  test("checks what a recipe gives that defineRecipe did not make", async () => {
    write("handmade.mjs", handmade("handmade", '{ version: 1, network: { allow: [{ host: "**" }] } }'));
    const { recipe } = await loadRecipe("./handmade.mjs", { folder });
    expect(() => recipe.build({})).toThrow(/cannot grant "\*\*"/);
  });
});

describe("cofferdam.lock", () => {
  const path = join(folder, "cofferdam.lock");
  const load = async (lock?: Parameters<typeof loadRecipe>[1]) => loadRecipe("./locked.mjs", { folder, ...lock });

  test("holds code and what it builds to what was seen, and code before it runs", async () => {
    write("locked.mjs", one("locked"));
    const first = await load();
    const facts = { loaded: first, params: {}, built: first.recipe.build({}), imageDigest: `sha256:${"0".repeat(64)}` };
    await writeRecipeLock(path, lockBuild(EMPTY_LOCK, facts));
    const lock = await readRecipeLock(path);
    if (lock === undefined) throw new Error("it was written");
    assertLockedBuild(lock, { ...facts, loaded: await load({ lock }) });
    expect(() => assertLockedBuild(lock, { ...facts, params: { more: "x" } })).toThrow(/does not have it with these/);
    expect(() => assertLockedBuild(lock, { ...facts, imageDigest: `sha256:${"1".repeat(64)}` })).toThrow(
      /its image is not/,
    );
    const wider = { ...facts.built, policyDigest: `sha256:${"2".repeat(64)}` };
    expect(() => assertLockedBuild(lock, { ...facts, built: wider })).toThrow(/its policy is not/);

    const before = loaded().length;
    write("locked.mjs", `${one("locked", "./src")}// changed\n`);
    await expect(load({ lock })).rejects.toMatchObject({ code: "RECIPE_CHANGED", details: { what: "source" } });
    await expect(loadRecipe("./several.mjs#second", { folder, lock })).rejects.toMatchObject({
      details: { what: "missing" },
    });
    expect(loaded().length).toBe(before);
  });

  test("covers every file of a package", async () => {
    package_("whole", { "main.js": `import "./part.js";\n${handmade("whole")}`, "part.js": "export {};\n" });
    const { sourceDigest } = await loadRecipe("whole", { folder });
    write("node_modules/whole/part.js", "export {}; // changed\n");
    expect((await loadRecipe("whole", { folder })).sourceDigest).not.toBe(sourceDigest);
  });

  test.each([
    ["no JSON", "{"],
    ["another version", '{"lockfile":2,"recipes":{}}'],
    ["more than it knows", '{"lockfile":1,"recipes":{},"scripts":{}}'],
    ["a digest that is none", '{"lockfile":1,"recipes":{"a":{"name":"a","version":"1","source":"x","builds":{}}}}'],
  ])("is refused with %s", async (_, text) => {
    await expect(readRecipeLock(write("bad.lock", text))).rejects.toMatchObject({ code: "LOCK_UNUSABLE" });
  });

  test("is written in the place of a symlink, never through it", async () => {
    const target = write("elsewhere", "mine");
    symlinkSync(target, join(folder, "linked.lock"));
    await writeRecipeLock(join(folder, "linked.lock"), EMPTY_LOCK);
    expect(readFileSync(target, "utf8")).toBe("mine");
    expect(await readRecipeLock(join(folder, "none.lock"))).toBeUndefined();
  });
});

describe("registryHost()", () => {
  const before = process.cwd();
  afterEach(() => {
    vi.unstubAllEnvs();
    process.chdir(before);
  });

  test("is that of the user's configuration, and never of a workspace's", async () => {
    for (const name of Object.keys(process.env)) {
      if (/^(?:npm|pip|uv|xdg)_/i.test(name)) vi.stubEnv(name, undefined);
    }
    vi.stubEnv("HOME", join(folder, "home"));
    process.chdir(folder);
    write("home/.npmrc", "registry=https://npm.corp.example/\n");
    write(".npmrc", "registry=https://evil.example/\n");
    write("home/.config/pip/pip.conf", "[global]\nindex-url = https://all.corp.example/simple\n");
    write("home/.pip/pip.conf", "[install]\nindex-url = https://pip.corp.example/simple\n");
    expect(await registryHost("npm")).toBe("npm.corp.example");
    expect(await registryHost("pip")).toBe("pip.corp.example");
    vi.stubEnv("PIP_INDEX_URL", "https://mirror.example:8443/simple");
    expect(await registryHost("pip")).toBe("mirror.example:8443");
    vi.stubEnv("PIP_INDEX_URL", "http://mirror.example/simple");
    expect(await registryHost("pip")).toBe("mirror.example:80");
    vi.stubEnv("PIP_INDEX_URL", "http://127.0.0.1/simple");
    expect(await registryHost("pip")).toBeUndefined();
  });

  test("npm has one by default, and what is given is left alone", async () => {
    expect(await registryHost("npm")).toMatch(/\./);
    const { recipe } = await loadRecipe("ci-docs");
    expect(await withRegistries(recipe, { docs: "./d" })).toEqual({ docs: "./d" });
  });
});
