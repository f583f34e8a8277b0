/**
 * The quickstart: a docs stage on this repository's own files. A program that nobody trusts reads `src` and writes
 * `docs` in a private copy; then it tries what a hostile one would. Run it with `npm run quickstart`.
 */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";
import { createSandbox, type RuntimeName, runtimeProblem, type Sandbox, SandboxError } from "../src/mod.ts";

const POLICY = `
version: 1
name: docs-stage
filesystem:
  read:  [./src, ./README.md]
  write: [./docs]
process:
  limits: { timeout: 1m }
`;

/** The untrusted program: a list of the sources, with their first sentences. */
const DOCS_STAGE = `
set -eu
out=docs/source-index.md
printf '# What is in src\\n\\n' > "$out"
find src -name '*.ts' | sort | xargs awk '
  function tell() { if (file) printf "- \`%s\`: %s\\n", file, summary ? summary : "(no summary)" }
  FNR == 1 { tell(); file = FILENAME; summary = "" }
  FNR <= 3 && !summary && sub("^(/\\\\*\\\\*| \\\\*) *", "") { summary = $0; sub(" *\\\\*/$", "", summary) }
  END { tell() }
' >> "$out"
wc -l < "$out"
`;

interface Attempt {
  readonly what: string;
  readonly argv: readonly string[];
  readonly expected: "allowed" | "denied";
}

const ATTEMPTS: readonly Attempt[] = [
  { what: "run the docs stage", argv: ["/bin/sh", "-c", DOCS_STAGE], expected: "allowed" },
  {
    what: "read ~/.ssh/id_ed25519",
    argv: ["cat", `${process.env.HOME ?? "/root"}/.ssh/id_ed25519`],
    expected: "denied",
  },
  { what: "read a file outside the workspace", argv: ["cat", "/etc/shadow"], expected: "denied" },
  { what: "write into src", argv: ["/bin/sh", "-c", "echo 'evil()' >> src/mod.ts"], expected: "denied" },
  { what: "make src writable", argv: ["chmod", "-R", "a+w", "src"], expected: "denied" },
  {
    what: "connect to 192.0.2.1:443",
    argv: ["/bin/sh", "-c", "nc -w 2 192.0.2.1 443 </dev/null || bash -c 'exec 3<>/dev/tcp/192.0.2.1/443'"],
    expected: "denied",
  },
];

interface Row {
  readonly what: string;
  readonly outcome: "allowed" | "denied";
  readonly said: string;
  readonly milliseconds: number;
  readonly good: boolean;
}

async function attempt(sandbox: Sandbox, { what, argv, expected }: Attempt): Promise<Row> {
  const result = await sandbox.exec(argv, { timeoutMs: 20_000 });
  const outcome = result.exitCode === 0 ? "allowed" : "denied";
  const said = (result.stderr.trim().split("\n").at(-1) || result.stdout.trim().split("\n").at(-1)) ?? "";
  return { what, outcome, said, milliseconds: Math.round(result.durationMs), good: outcome === expected };
}

async function runOn(runtime: RuntimeName, workspace: string, image: string | undefined): Promise<boolean> {
  const started = performance.now();
  await using sandbox = await createSandbox(POLICY, {
    runtime,
    workspace: { path: workspace, mode: "copy" },
    ...(image === undefined ? {} : { image }),
  });
  const ready = Math.round(performance.now() - started);
  const { enforcement } = sandbox;
  console.log(
    heading(`\n${runtime}: ready in ${ready} ms, mode ${enforcement.mode}, Landlock ABI ${enforcement.landlockAbi}`),
  );
  const rows: Row[] = [];
  for (const each of ATTEMPTS) rows.push(await attempt(sandbox, each));
  print(rows);
  const produced = await sandbox.files.readText("docs/source-index.md");
  console.log(heading("docs/source-index.md, as the stage wrote it:"));
  console.log(produced.split("\n").slice(0, 8).join("\n"));
  return rows.every((row) => row.good) && produced.startsWith("# What is in src");
}

function print(rows: readonly Row[]): void {
  const width = Math.max(...rows.map((row) => row.what.length));
  for (const row of rows) {
    const colour = row.outcome === "allowed" ? "green" : "red";
    const outcome = paint(colour, row.outcome.padEnd(7));
    console.log(
      `  ${row.what.padEnd(width)}  ${outcome}  ${String(row.milliseconds).padStart(5)} ms  ${displayed(row.said)}`,
    );
  }
}

/** What a sandbox wrote is never sent to a terminal as it is. */
function displayed(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 76);
}

function heading(text: string): string {
  return paint("bold", text);
}

function paint(style: "bold" | "green" | "red", text: string): string {
  return process.stdout.isTTY && !process.env.NO_COLOR ? styleText(style, text) : text;
}

async function runOnDocker(repository: string, image: string): Promise<boolean> {
  try {
    return await runOn("docker", repository, image);
  } catch (error) {
    if (!SandboxError.is(error, "IMAGE_MISSING")) throw error;
    console.log(`docker: skipped, there is no image ${image}: bash scripts/build-test-images.sh makes it`);
    return true;
  }
}

async function main(): Promise<void> {
  const repository = join(dirname(fileURLToPath(import.meta.url)), "..");
  const before = await readFile(join(repository, "src/mod.ts"), "utf8");
  let good = await runOn("local", repository, undefined);
  const problem = await runtimeProblem("docker");
  const image = process.env.COFFERDAM_QUICKSTART_IMAGE ?? "cofferdam-test-debian:latest";
  if (problem !== undefined) console.log(`\ndocker: skipped, ${problem}`);
  else good = (await runOnDocker(repository, image)) && good;
  good = (await readFile(join(repository, "src/mod.ts"), "utf8")) === before && good;
  console.log(good ? "\nEverything went as the policy says." : "\nSomething did not go as the policy says.");
  if (!good) process.exitCode = 1;
}

await main();
