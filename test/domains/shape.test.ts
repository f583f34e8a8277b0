import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";

const DOMAINS = new URL("../../src/domains/", import.meta.url);
const ROOMS = readdirSync(DOMAINS).sort();

/** The files of a room: what a room's engine is made of is in folders of its own. */
const filesOf = (room: string): string[] => {
  return readdirSync(new URL(`${room}/`, DOMAINS), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .sort();
};

const imports = (room: string, file: string): string[] => {
  const source = readFileSync(new URL(`${room}/${file}`, DOMAINS), "utf8");
  return [...source.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
};

describe("src/domains", () => {
  test("has four rooms", () => {
    expect(ROOMS).toEqual(["filesystem", "inference", "network", "process"]);
  });

  test.each(ROOMS)("%s has the same files as its siblings", (room) => {
    const files = (name: string): string[] => filesOf(name).filter((file) => !file.includes("/"));
    expect(files(room)).toEqual(files("filesystem"));
    expect(files(room)).toEqual(expect.arrayContaining(["mod.ts", "plan.ts", "policy.ts"]));
  });

  test.each(ROOMS)("%s plans without effects: plan.ts and policy.ts import no node: module", (room) => {
    for (const file of ["plan.ts", "policy.ts"]) {
      expect(imports(room, file).filter((name) => name.startsWith("node:"))).toEqual([]);
    }
  });

  test.each(ROOMS)("%s imports only its own files and what lies below", (room) => {
    for (const file of filesOf(room)) {
      for (const name of imports(room, file)) {
        const place = name.startsWith(".") ? posix.join("src/domains", room, posix.dirname(file), name) : name;
        expect([file, place]).toEqual([
          file,
          expect.stringMatching(
            new RegExp(
              `^(?:src/domains/${room}/[a-z/-]+\\.ts|src/(?:errors\\.ts|(?:policy|hooks|audit|credentials|egress|link)/[a-z0-9/-]+\\.ts)|node:[a-z/]+|hono|re2js)$`,
            ),
          ),
        ]);
      }
    }
  });
});
