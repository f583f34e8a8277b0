/**
 * What the cases about decided calls have in common: folders of the host with programs in them, jobs for mediate.c, and
 * looking for what was recorded.
 */
import { copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import type { DecisionRecord, Policy, Sandbox, SandboxOptions } from "../../src/mod.ts";
import { until } from "./help.ts";
import type { Programs } from "./programs.ts";
import { giveAway, type Scene } from "./scene.ts";

/** Every call and start in `bin` is allowed. */
export const BIN = "/workspace/bin";

/** A folder of the host with programs in `bin`, and files: text by path; a path that ends in `/` is a folder. */
export function workspaceWith(scene: Scene, files: Readonly<Record<string, string>>): string {
  const folder = scene.folder();
  makeFiles(folder, { "bin/": "", ...files });
  for (const name of [
    "attack",
    "tool",
    "mediate",
    "flip",
    "guest",
    "net",
  ] as const satisfies readonly (keyof Programs)[]) {
    const target = join(folder, "bin", name);
    copyFileSync(scene.programs[name], target);
    giveAway(target);
  }
  return folder;
}

/** Makes files of an ordinary user, with the folders that they lie in. */
export function makeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    makeFolder(folder, name.endsWith("/") ? path.slice(0, -1) : dirname(path));
    if (name.endsWith("/")) continue;
    writeFileSync(path, text);
    giveAway(path);
  }
}

function makeFolder(root: string, path: string): void {
  if (path.length <= root.length) return;
  makeFolder(root, dirname(path));
  if (mkdirSync(path, { recursive: true, mode: 0o755 }) !== undefined) giveAway(path);
}

/** What went wrong around the decisions of a sandbox; without a listener each would be a warning of this process. */
export function problemsOf(sandbox: Sandbox): Error[] {
  const problems: Error[] = [];
  sandbox.events.on("problem", (error) => problems.push(error));
  return problems;
}

/** A sandbox on a folder like that. */
export async function sandboxWith(
  scene: Scene,
  files: Readonly<Record<string, string>>,
  policy: Omit<Policy, "version">,
  { mode = "copy", ...options }: Omit<SandboxOptions, "workspace"> & { readonly mode?: "copy" | "mount" } = {},
): Promise<{ sandbox: Sandbox; folder: string; problems: readonly Error[] }> {
  const folder = workspaceWith(scene, files);
  const sandbox = await scene.create({ version: 1, ...policy }, { workspace: { path: folder, mode }, ...options });
  return { sandbox, folder, problems: problemsOf(sandbox) };
}

/** A job of mediate.c. */
export interface Job {
  readonly call: string;
  readonly way: Way;
  readonly path: string;
  readonly other?: string | undefined;
}

/** How a call gets its paths. */
export type Way = "absolute" | "cwd" | "dirfd";
export const WAYS: readonly Way[] = ["absolute", "cwd", "dirfd"];

/** Makes calls in a sandbox, one after the other: what each came to. */
export async function mediate(sandbox: Sandbox, jobs: readonly Job[]): Promise<string[]> {
  const lines = jobs.map(({ call, way, path, other }) => [call, way, path, other ?? ""].join(" ").trim());
  const result = await sandbox.exec([`${BIN}/mediate`], { stdin: `${lines.join("\n")}\n`, timeoutMs: 50_000 });
  const answers = result.stdout.trimEnd().split("\n");
  if (answers.length !== jobs.length) {
    const ended = result.timedOut ? "hung" : `ended with ${result.exitCode ?? result.signal}`;
    expect.fail(`mediate ${ended} after ${answers.length} of ${jobs.length} jobs, at ${lines[answers.length - 1]}`);
  }
  return answers;
}

/** Makes one call, by absolute paths. */
export async function call(sandbox: Sandbox, name: string, path: string, other?: string): Promise<string> {
  const [answer = ""] = await mediate(sandbox, [{ call: name, way: "absolute", path, other }]);
  return answer;
}

/** Makes one call in each way: the ways all come to the same, or the case fails. */
export async function callEachWay(sandbox: Sandbox, name: string, path: string, other?: string): Promise<string> {
  const answers = await mediate(
    sandbox,
    WAYS.map((way) => ({ call: name, way, path, other })),
  );
  const [first = ""] = answers;
  expect([name, path, answers]).toEqual([name, path, WAYS.map(() => first)]);
  return first;
}

/** Whatever can be seen of a tree: names, kinds, modes, owners, sizes, change times and contents. */
export function snapshot(path: string): string[] {
  const stats = lstatSync(path, { bigint: true });
  const content = stats.isFile() ? readFileSync(path, "latin1") : stats.isSymbolicLink() ? readlinkSync(path) : "";
  const own = [path, stats.mode, stats.uid, stats.nlink, stats.ctimeNs, stats.isDirectory() ? "" : stats.size, content];
  if (!stats.isDirectory()) return [own.join(" ")];
  return [
    own.join(" "),
    ...readdirSync(path)
      .sort()
      .flatMap((name) => snapshot(join(path, name))),
  ];
}

/** Waits for the record of a decision. */
export async function recorded(
  sandbox: Sandbox,
  matches: (record: DecisionRecord) => boolean,
  what: string,
): Promise<DecisionRecord> {
  let found: DecisionRecord | undefined;
  await until(() => {
    found = sandbox.decisions().find(matches);
    return found !== undefined;
  }, `it is recorded that ${what}`).catch((error: unknown) => {
    const last = sandbox
      .decisions()
      .slice(-8)
      .map(({ operation, object, verdict, ruleId }) => `${verdict} ${operation} ${object} (${ruleId})`);
    throw new Error(`${error instanceof Error ? error.message : error}; the last records: ${last.join("; ")}`);
  });
  if (found === undefined) return expect.fail(what);
  return found;
}

/** Waits for the record that something was denied to an agent. */
export function denialOf(sandbox: Sandbox, object: string): Promise<DecisionRecord> {
  return recorded(
    sandbox,
    (record) => record.verdict === "deny" && record.object.split(" -> ").includes(object),
    `${object} was denied`,
  );
}
