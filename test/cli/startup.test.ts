/** What a call waits for before it does anything: counted in modules, for times say nothing on a busy machine. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { METAFILE } from "./support.ts";

interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly bytes: number;
        readonly entryPoint?: string;
        readonly inputs: Readonly<Record<string, unknown>>;
        readonly imports: readonly { readonly path: string; readonly kind: string }[];
      }
    >
  >;
}

const { outputs } = JSON.parse(readFileSync(METAFILE, "utf8")) as Metafile;

/** What is loaded with a module. */
function loadedWith(entryPoint: string): { readonly bytes: number; readonly inputs: readonly string[] } {
  const first = Object.keys(outputs).find((path) => outputs[path]?.entryPoint === entryPoint);
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path) || outputs[path] === undefined) return;
    seen.add(path);
    for (const each of outputs[path].imports) if (each.kind !== "dynamic-import") visit(each.path);
  };
  visit(first ?? "");
  const found = [...seen].flatMap((path) => outputs[path] ?? []);
  return {
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    inputs: found.flatMap(({ inputs }) => Object.keys(inputs)),
  };
}

describe("what is loaded", () => {
  test("for the version is next to nothing", () => {
    const { bytes, inputs } = loadedWith("src/cli/main.ts");
    expect(inputs).toContain("src/cli/version.ts");
    expect(bytes).toBeLessThan(16_384);
  });

  test("for help is no part of the library", () => {
    const { inputs } = loadedWith("src/cli/start.ts");
    expect(
      inputs.filter((path) => path.startsWith("src/") && !/^src\/(cli\/|errors\.ts|audit\/display\.ts)/.test(path)),
    ).toEqual([]);
  });

  test("for a run without a network is neither YAML, nor HTTP, nor certificates, nor Docker", () => {
    const { inputs } = loadedWith("src/cli/run/dispatch.ts");
    expect(inputs).toContain("src/sandbox.ts");
    const packages = inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
    const known = ["commander", "diff", "eventemitter3", "fastest-levenshtein", "ignore", "ipaddr.js", "zod"];
    expect([...new Set(packages)].sort()).toEqual(known);
    const rooms =
      /^src\/(?:mod\.ts|runtimes\/docker\/(?!tar-header)|runtimes\/memory\/|policy\/algebra\/|pipeline\/|recipes\/|egress\/engine)/;
    expect(inputs.filter((path) => rooms.test(path))).toEqual([]);
  });
});
