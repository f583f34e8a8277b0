import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  combineRecipes,
  createSandbox,
  defineRecipe,
  describeParams,
  dockerfileOf,
  param,
  SandboxError,
} from "../../src/mod.ts";
import { giving, withPolicy } from "./support.ts";

const docs = defineRecipe({
  name: "docs",
  version: "1.2.0",
  description: "Writes docs.",
  params: z.object({
    folder: param.path().default("./docs").describe("what is written"),
    depth: z.number().int().max(9).optional(),
    style: z.enum(["plain", "rich"]).default("plain"),
  }),
  build: ({ folder, style }) => ({
    policy: { version: 1, filesystem: { read: ["."], write: [folder] } },
    env: { STYLE: style },
    command: ["make", "docs"],
    image: "node:22-slim",
  }),
});

describe("defineRecipe()", () => {
  test("builds a policy with its parameters, and what goes with it", () => {
    const built = docs.build({ folder: "./site" });
    expect(built).toMatchObject({
      recipes: [{ name: "docs", version: "1.2.0" }],
      policy: { name: "docs", filesystem: { write: ["./site"] } },
      workspace: "review",
      command: ["make", "docs"],
      env: { STYLE: "plain" },
      image: { name: "node:22-slim" },
      volumes: [],
      plugins: [],
    });
    expect(built.policyDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(built.digest).toBe(docs.build({ folder: "./site" }).digest);
    expect(built.digest).not.toBe(docs.build({}).digest);
  });

  test("freezes it all the way down", () => {
    const { policy, env, volumes } = docs.build({});
    for (const value of [policy, policy.filesystem, policy.filesystem?.write, env, volumes]) {
      expect(Object.isFrozen(value)).toBe(true);
    }
  });

  test("gives the author's code parameters that it cannot change", () => {
    const greedy = defineRecipe({
      ...{ name: "greedy", version: "1.0.0", description: "Changes what it is given." },
      params: z.object({ list: z.array(z.string()) }),
      build: ({ list }) => {
        list.push("more");
        return { policy: { version: 1 } };
      },
    });
    expect(() => greedy.build({ list: [] })).toThrow(/its build failed: .*not extensible/);
  });

  test("refuses what is not the same twice", () => {
    let count = 0;
    const impure = defineRecipe({
      ...{ name: "impure", version: "1.0.0", description: "Counts." },
      params: z.object({}),
      build: () => ({ policy: { version: 1, filesystem: { read: [`./${++count}`] } } }),
    });
    expect(() => impure.build({})).toThrow(/it is not pure/);
  });

  test.each([
    ["a promise", Promise.resolve({ policy: { version: 1 } }), /plain data at once/],
    ["nothing", undefined, /plain data at once/],
    ["a function in it", { policy: { version: 1 }, plugins: [{ name: "x", options: new Map() }] }, /instance of Map/],
    ["an unknown key", { policy: { version: 1 }, mounts: [] }, /Unrecognized key/],
    ["no policy", {}, /policy: expected a policy/],
    ["a policy that is none", { policy: { version: 1, filesystem: { reed: [] } } }, /did you mean "read"/],
  ])("refuses %s", (_, output, message) => {
    expect(() => giving(output).build({})).toThrow(message);
  });

  test.each([
    [{ name: "Bad Name" }, /a name is lower-case/],
    [{ version: "1" }, /three numbers/],
    [{ description: "two\nlines" }, /a line of text/],
    [{ kind: "other" as never }, /no kind other/],
    [{ params: z.string() as never }, /no object schema/],
    [{ tests: { params: {} } as never }, /claims, which is a function/],
  ])("refuses a definition with %j", (change, message) => {
    const definition = {
      ...{ name: "fine", version: "1.0.0", description: "Fine." },
      params: z.object({}),
      build: () => ({ policy: { version: 1 as const } }),
    };
    expect(() => defineRecipe({ ...definition, ...change })).toThrow(message);
  });

  test("tells every mistake in the parameters at once, with the nearest name", () => {
    const error = (() => {
      try {
        docs.build({ foldr: "x", depth: 99 } as never);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(
      SandboxError.is(error, "RECIPE_PARAMS_INVALID") && error.details.issues.map(({ path }) => path).sort(),
    ).toEqual(["depth", "foldr"]);
    expect(String(error)).toContain('did you mean "folder"');
  });

  test("describes its parameters", () => {
    expect(describeParams(docs.params)).toEqual([
      { name: "folder", type: "string", required: false, default: "./docs", description: "what is written" },
      { name: "depth", type: "integer", required: false },
      { name: "style", type: "string", required: false, default: "plain", choices: ["plain", "rich"] },
    ]);
  });

  test("builds what createSandbox takes", async () => {
    const { policy, env } = docs.build({});
    const programs = { main: () => undefined };
    await using sandbox = await createSandbox(policy, { runtime: "memory", guest: { programs }, env });
    expect(sandbox.policy.digest).toBe(docs.build({}).policyDigest);
    expect((await sandbox.exec(["main"])).exitCode).toBe(0);
  });
});

describe("combineRecipes()", () => {
  const api = { id: "api", host: "api.example.com", binaries: ["curl"] };
  const github = giving({ policy: { version: 1, network: { allow: [api] } }, env: { HUB: "1" } }, "github");

  test("adds what a service needs to a task", () => {
    const whole = combineRecipes(docs.build({}), github.build({}));
    expect(whole).toMatchObject({
      recipes: [{ name: "docs" }, { name: "github" }],
      policy: { name: "docs + github", filesystem: { read: ["."] }, network: { allow: [{ id: "api" }] } },
      command: ["make", "docs"],
      env: { STYLE: "plain", HUB: "1" },
    });
  });

  test("widens no section that a part has locked", () => {
    const sealed = withPolicy({ filesystem: { read: ["."] }, locked: ["network"] }, "sealed");
    expect(() => combineRecipes(sealed.build({}), github.build({}))).toThrow(
      expect.objectContaining({ code: "POLICY_LOCKED", details: expect.objectContaining({ part: "sealed" }) }),
    );
  });

  test("refuses two values for one thing", () => {
    const other = giving({ policy: { version: 1 }, env: { HUB: "2" } }, "other");
    expect(() => combineRecipes(github.build({}), other.build({}))).toThrow(/they differ in env\.HUB/);
  });

  test("takes the most careful of the workspaces, and all packages", () => {
    const image = (packages: object) => ({ image: { name: "node:22", packages }, policy: { version: 1 } });
    const one = giving({ ...image({ apt: ["git"] }), workspace: "mount" }, "one").build({});
    const two = giving(image({ apt: ["git", "jq"], npm: ["tsx@4.0.0"] }), "two").build({});
    const whole = combineRecipes(one, two);
    expect(whole.workspace).toBe("review");
    expect(whole.image).toEqual({ name: "node:22", packages: { apt: ["git", "jq"], npm: ["tsx@4.0.0"] } });
    expect(dockerfileOf(whole.image ?? {})).toBe(
      "FROM node:22\nRUN apt-get update && apt-get install -y --no-install-recommends git jq && rm -rf /var/lib/apt/lists/*\n" +
        "RUN npm install --global --no-audit --no-fund tsx@4.0.0\n",
    );
  });
});
