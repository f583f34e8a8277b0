/**
 * Which file may import which: `npm run depcruise` holds it, and `test/house/imports.test.ts` proves that it bites.
 *
 * Imports only run downward through the levels. Files of one level may import each other, unless a rule below says no.
 */
const { join } = require("node:path");

/** From the lowest to the highest. */
const LEVELS = [
  ["errors\\.ts$"],
  ["policy/"],
  ["hooks/", "audit/", "approvals/", "credentials/", "egress/", "link/", "warden/"],
  ["domains/"],
  ["runtimes/", "review/"],
  ["sandbox\\.ts$", "sandbox/"],
  ["pool\\.ts$", "pool/"],
  ["recipes/"],
  ["pipeline/", "testing/"],
  ["mod\\.ts$"],
  ["cli/"],
].map((rooms) => `^src/(?:${rooms.join("|")})`);

const upward = LEVELS.map((level, index) => ({
  name: `downward-${index}`,
  comment: "Imports only run downward: see LEVELS in .dependency-cruiser.cjs",
  severity: "error",
  from: { path: level },
  to: { path: "^src/", pathNot: LEVELS.slice(0, index + 1) },
}));

/** Siblings know nothing of each other: what they share lies below them. */
const siblings = [
  ["domains", "[^/]+"],
  ["runtimes", "docker|local|memory"],
].map(([room, names]) => ({
  name: `siblings-${room}`,
  comment: `The rooms of src/${room} never import each other`,
  severity: "error",
  from: { path: `^src/${room}/(${names})/` },
  to: { path: `^src/${room}/(?:${names})/`, pathNot: `^src/${room}/$1/` },
}));

module.exports = {
  forbidden: [
    ...upward,
    ...siblings,
    {
      name: "known-level",
      comment: "A file of src that no level names: give it a place in LEVELS",
      severity: "error",
      from: { path: "^src/", pathNot: LEVELS },
      to: {},
    },
    {
      name: "known-level-imported",
      comment: "A file of src that no level names: give it a place in LEVELS",
      severity: "error",
      from: {},
      to: { path: "^src/", pathNot: LEVELS },
    },
    {
      name: "no-circle",
      comment: "Modules that import each other are one module, or three",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "only-the-barrel",
      comment: "Recipes, plugins and examples import what an outside author can: the entries of package.json",
      severity: "error",
      from: { path: "^(?:recipes|plugins|examples)/" },
      to: { path: "^(?:src|test|scripts)/", pathNot: "^src/(?:testing/)?mod\\.ts$" },
    },
    {
      name: "src-alone",
      comment: "What is published imports nothing that is not",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(?:test|scripts|examples|recipes|plugins|docs|dist)/" },
    },
    {
      name: "declared-dependencies",
      comment: "What is published imports only what package.json lists in dependencies",
      severity: "error",
      from: { path: "^src/" },
      to: {
        dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown", "npm-optional", "npm-peer"],
        // Types of a dependency that ships none are found beside it.
        dependencyTypesNot: ["npm"],
      },
    },
    {
      name: "resolvable",
      comment: "An import that leads nowhere",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(?:dist|coverage)/" },
    // Imports of types count: they are how rooms get to know each other.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: join(__dirname, "tsconfig.json") },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
