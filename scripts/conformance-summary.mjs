/**
 * Prints how many conformance cases ran in each place, from the reports of test/conformance.
 *
 * Fails if a case failed, if a case ran in one place and in another neither ran nor said why it does not apply there, and,
 * with CI=true, if a place did not run at all.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PLACES = ["docker-busybox", "docker-debian", "local-root", "local-user"];
const FOLDER = process.env.COFFERDAM_CONFORMANCE_REPORT || ".cache/conformance";
const REQUIRED = process.env.CI === "true";

/** The report of a place; undefined if there is none. */
function reportOf(place) {
  const path = join(FOLDER, `${place}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

const count = (report, outcome) => report.cases.filter((each) => each.outcome === outcome).length;
const seconds = (report) => `${(report.durationMs / 1000).toFixed(1)} s`;

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  "),
  );
}

/** Cases of any place that this one neither ran nor explained. */
function unexplained(report, names) {
  const known = new Set(report.cases.map(({ name }) => name));
  return [...names].filter((name) => !known.has(name));
}

const reports = PLACES.map((place) => ({ place, report: reportOf(place) }));
const present = reports.flatMap(({ report }) => report ?? []);
const names = new Set(present.flatMap(({ cases }) => cases.map(({ name }) => name)));
const problems = [];

const rows = [["place", "cases", "passed", "failed", "not applicable", "time"]];
for (const { place, report } of reports) {
  if (report === undefined) {
    rows.push([place, "-", "-", "-", "-", "did not run"]);
    if (REQUIRED) problems.push(`${place} did not run, and with CI=true every place must`);
    continue;
  }
  const [passed, failed, apart] = ["passed", "failed", "not-applicable"].map((outcome) => count(report, outcome));
  rows.push([place, passed + failed, passed, failed, apart, seconds(report)].map(String));
  for (const each of report.cases) if (each.outcome === "failed") problems.push(`${place} failed: ${each.name}`);
  for (const name of unexplained(report, names)) problems.push(`${place} does not know the case: ${name}`);
}
console.log(table(rows).join("\n"));

const apart = new Map();
for (const report of present) {
  for (const { name, outcome, reason } of report.cases) {
    if (outcome !== "not-applicable") continue;
    const key = `${report.place}: ${reason}`;
    apart.set(key, [...(apart.get(key) ?? []), name]);
  }
}
if (apart.size > 0) console.log("\nnot applicable");
for (const [reason, cases] of apart) {
  console.log(`  ${reason}`);
  for (const name of cases) console.log(`    ${name}`);
}

console.log(`\n${names.size} cases in the list, in ${present.length} of ${PLACES.length} places`);
for (const problem of problems) console.error(`conformance: ${problem}`);
if (names.size === 0) console.error("conformance: no place has a report: run the tests first");
if (problems.length > 0 || names.size === 0) process.exitCode = 1;
