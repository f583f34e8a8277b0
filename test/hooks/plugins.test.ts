import { describe, expect, test } from "vitest";
import { definePlugin, deny, type Plugin } from "../../src/hooks/mod.ts";
import { access, failure, onAccess, onStart, open } from "./support.ts";

const refused = async (...plugins: unknown[]) => {
  const error = await failure("PLUGIN_INVALID", () => open(plugins as Plugin[]));
  return { message: error.message, ...error.details, hint: error.hint };
};
const withHooks = (hooks: unknown): unknown => ({ name: "p", hooks });
const withAccess = (hook: unknown): unknown => withHooks({ filesystem: { access: hook } });
const handler = () => undefined;

describe("definePlugin()", () => {
  test("makes a factory with options, and one without", async () => {
    const noKeys = definePlugin((options: { readonly ending: string }) => ({
      name: "no-keys",
      hooks: { filesystem: { access: ({ path }) => (path.endsWith(options.ending) ? deny("private") : undefined) } },
    }));
    const quiet = definePlugin(() => ({ name: "quiet" }));
    const { registry } = await open([noKeys({ ending: ".pem" }), quiet()]);
    const ruling = { verdict: "allow" } as const;
    expect(await registry.decideAccess(access("/a.pem"), ruling)).toMatchObject({ verdict: "deny" });
    expect(await registry.decideAccess(access("/a.txt"), ruling)).toMatchObject({ verdict: "allow" });
  });

  test("runs nothing before the factory is called, and again with each call", () => {
    let made = 0;
    const counted = definePlugin(() => ({ name: `number-${++made}` }));
    expect(made).toBe(0);
    expect([counted().name, counted().name]).toEqual(["number-1", "number-2"]);
  });
});

describe("PluginRegistry.open()", () => {
  test.each([
    ["what is no list", undefined, "no list"],
    ["a factory that was not called", [definePlugin(() => ({ name: "p" }))], "it is a function"],
    ["null", [null], "no object"],
    ["a text", ["no-secrets"], "no object"],
    ["no name", [{}], "its name is undefined"],
    ["an empty name", [{ name: "" }], 'its name is ""'],
    ["a name that no rule could defer to", [{ name: "my plugin" }], "its name is"],
    ["a setup that is no function", [{ name: "p", setup: true }], "its setup is no function"],
    ["hooks that are no object", [withHooks([])], "its hooks are no object"],
    ["hooks of a domain that are no object", [withHooks({ filesystem: handler })], "hooks.filesystem is no object"],
    ["a hook that is no function", [withAccess(true)], "is a boolean"],
    ["a hook that is null", [withAccess(null)], "is null"],
    ["a hook without a handler", [withAccess({ paths: ["."] })], "has no handler"],
    ["an unknown order", [withAccess({ handler, order: "first" })], 'has the order "first"'],
    ["a deadline of nothing", [withAccess({ handler, timeoutMs: 0 })], "timeoutMs 0"],
    ["a deadline that is none", [withAccess({ handler, timeoutMs: Number.POSITIVE_INFINITY })], "timeoutMs Infinity"],
    ["a deadline in words", [withAccess({ handler, timeoutMs: "5s" })], "timeoutMs 5s"],
    ["a name of a hook that no rule could defer to", [withAccess({ handler, name: "a b" })], 'has the name "a b"'],
    ["paths that are no list", [withAccess({ handler, paths: "./src" })], "paths that are no list"],
    ["no path at all", [withAccess({ handler, paths: [] })], "empty paths"],
    ["a path that is none", [withAccess({ handler, paths: ["../up"] })], '"../up" in its paths'],
    ["a path that is no text", [withAccess({ handler, paths: [7] })], "7 in its paths"],
    ["another dialect of globs", [withAccess({ handler, paths: ["*.{pem,key}"] })], "in its paths"],
    ["too many paths", [withAccess({ handler, paths: Array(1025).fill("a") })], "1025 paths"],
    ["a program that is none", [withAccess({ handler, binaries: [""] })], '"" in its binaries'],
    ["paths of a start", [withHooks({ process: { start: { handler, paths: ["."] } } })], 'an option "paths"'],
    ["an order of an observer", [withHooks({ decision: { handler, order: "pre" } })], 'an option "order"'],
  ])("refuses %s", async (_, plugins, reason) => {
    const error = await failure("PLUGIN_INVALID", () => open(plugins as never));
    expect(error.message).toContain(reason);
    expect(error.hint).toBeTruthy();
  });

  test.each([
    [withHooks({ filesytem: {} }), "filesystem"],
    [withHooks({ filesystem: { acces: handler } }), "filesystem.access"],
    [withHooks({ process: { strat: handler } }), "process.start"],
    [withHooks({ desicion: handler }), "decision"],
    [withAccess({ handler, timeout: 5 }), "timeoutMs"],
    [withAccess({ handler, path: ["."] }), "paths"],
    [withAccess({ handler, operations: ["reed"] }), "read"],
    [{ name: "p", hook: {} }, "hooks"],
    [{ name: "p", tearDown: handler }, "teardown"],
  ])("%o: names the nearest known", async (plugin, nearest) => {
    expect(await refused(plugin)).toMatchObject({ plugin: "p", nearest, hint: `Did you mean "${nearest}"?` });
  });

  test("refuses an unknown hook that is like no other", async () => {
    expect(await refused(withHooks({ filesystem: { zzzzzzzzzzzzzzzzzzzz: handler } }))).not.toHaveProperty("nearest");
  });

  test("refuses two plugins of one name, and two hooks of a kind", async () => {
    expect((await refused({ name: "p" }, { name: "p" })).message).toContain("another plugin has its name");
    const twin = onAccess("q", { handler, name: "p" });
    expect(await refused(onAccess("p", handler), twin)).toMatchObject({ plugin: "q", hook: "filesystem.access" });
    // A rule on programs and a rule on files mean different hooks.
    await open([onAccess("p", handler), onStart("q", { handler, name: "p" })]);
  });

  test("refuses an approver that is no function", async () => {
    const error = await failure("ARGUMENT_INVALID", () => open([], { approve: true as never }));
    expect(error.details.argument).toBe("approve");
  });

  test("takes hooks that are undefined, empty domains, and a state of the plugin's own", async () => {
    class Counter implements Plugin {
      readonly name = "counter";
      counted = 0;
      readonly hooks = {
        filesystem: {
          access: () => {
            this.counted++;
            return undefined;
          },
        },
        network: {},
        process: { start: undefined as never },
      };
    }
    const counter = new Counter();
    const { registry } = await open([counter]);
    await registry.decideAccess(access("/a"), { verdict: "allow" });
    expect(counter.counted).toBe(1);
    expect(registry.needs("process")).toBe(false);
  });

  test("reads a plugin once: what is changed later has no effect", async () => {
    const hooks = { filesystem: { access: { handler: () => deny("no") as never, paths: ["./a"] } } };
    const { registry } = await open([{ name: "p", hooks }]);
    hooks.filesystem.access.handler = () => undefined as never;
    hooks.filesystem.access.paths.push("./b");
    const ruling = { verdict: "allow" } as const;
    expect(await registry.decideAccess(access("/workspace/a"), ruling)).toMatchObject({ verdict: "deny" });
    expect(await registry.decideAccess(access("/workspace/b"), ruling)).toMatchObject({ verdict: "allow" });
  });
});

describe("hasHook() and needs()", () => {
  test("know the hooks that decide, by name and domain", async () => {
    const observer: Plugin = { name: "observer", hooks: { decision: handler } };
    const { registry } = await open([onAccess("files", handler), onAccess("q", { handler, name: "named" }), observer]);
    expect([registry.needs("filesystem"), registry.needs("process")]).toEqual([true, false]);
    expect([registry.hasHook("files"), registry.hasHook("named"), registry.hasHook("q")]).toEqual([true, true, false]);
    expect([registry.hasHook("files", "filesystem"), registry.hasHook("files", "process")]).toEqual([true, false]);
    expect(registry.hasHook("observer")).toBe(false);
  });
});
