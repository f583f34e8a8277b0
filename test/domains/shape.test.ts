import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const DOMAINS = new URL("../../src/domains/", import.meta.url);
const ROOMS = readdirSync(DOMAINS).sort();

const imports = (room: string, file: string): string[] => {
  const source = readFileSync(new URL(`${room}/${file}`, DOMAINS), "utf8");
  return [...source.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
};

describe("src/domains", () => {
  test("has four rooms", () => {
    expect(ROOMS).toEqual(["filesystem", "inference", "network", "process"]);
  });

  test.each(ROOMS)("%s has the same files as its siblings", (room) => {
    const files = (name: string): string[] => readdirSync(new URL(name, DOMAINS)).sort();
    expect(files(room)).toEqual(files("filesystem"));
    expect(files(room)).toEqual(expect.arrayContaining(["mod.ts", "plan.ts", "policy.ts"]));
  });

  test.each(ROOMS)("%s plans without effects: plan.ts and policy.ts import no node: module", (room) => {
    for (const file of ["plan.ts", "policy.ts"]) {
      expect(imports(room, file).filter((name) => name.startsWith("node:"))).toEqual([]);
    }
  });

  test.each(ROOMS)("%s imports only its own files and what lies below", (room) => {
    for (const file of readdirSync(new URL(room, DOMAINS))) {
      for (const name of imports(room, file)) {
        expect(name).toMatch(
          /^(?:\.\/[a-z-]+\.ts|\.\.\/\.\.\/(?:errors\.ts|(?:policy|hooks|audit|egress|link)\/[a-z/-]+\.ts)|node:[a-z/]+)$/,
        );
      }
    }
  });
});
