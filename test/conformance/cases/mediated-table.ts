/**
 * The table: every call that opens, makes, changes or removes, in every way to name a file, by everything that can be
 * decided about it. Each cell has a folder of its own, which must have changed afterwards, or be as it was.
 */
import { join } from "node:path";
import { expect } from "vitest";
import { type Approver, allow, definePlugin, deny, type Plugin, type Policy, type Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { until } from "../help.ts";
import { makeFiles, mediate, problemsOf, snapshot, WAYS, type Way, workspaceWith } from "../mediation.ts";
import { outside } from "../programs.ts";
import type { Scene } from "../scene.ts";
import { type CallGroup, GROUPS, type TableCall } from "./mediated-calls.ts";

/** What a call comes to: whether it succeeds, and which rule or plugin is named for a refusal. */
interface Verdict {
  readonly open: boolean;
  readonly ruleId?: string;
  readonly by?: string;
}

/** What can be decided, as folders of the workspace. */
const COLUMNS: Readonly<Record<string, Verdict>> = {
  allowed: { open: true },
  denied: { open: false, ruleId: "closed" },
  ungranted: { open: false },
  "read-only": { open: false },
  "asked-yes": { open: true },
  "asked-no": { open: false, ruleId: "asks-no" },
  "hook-abstains": { open: true },
  "hook-allows": { open: true },
  "hook-denies": { open: false, by: "table" },
  "hook-throws": { open: false, by: "table" },
  "deferred-allows": { open: true },
  "deferred-denies": { open: false, by: "table" },
  "deferred-to-nobody": { open: false, ruleId: "defers-to-nobody" },
};

const POLICY: Policy = {
  version: 1,
  filesystem: {
    read: ["./bin", "./read-only"],
    write: [
      "./allowed",
      "./denied",
      "./hook-*",
      { path: "./deferred-allows", defer: "table-hook" },
      { path: "./deferred-denies", defer: "table-hook" },
      { id: "defers-to-nobody", path: "./deferred-to-nobody", defer: "nobody" },
    ],
    deny: [{ id: "closed", path: "./denied/**" }],
    ask: [
      { id: "asks-yes", path: "./asked-yes" },
      { id: "asks-no", path: "./asked-no" },
    ],
  },
};

/** Decides by the folder. That a descriptor is got to be changed through is nobody's business here. */
function tablePlugin(group: CallGroup): Plugin {
  return definePlugin(() => ({
    name: "table",
    hooks: {
      filesystem: {
        access: {
          name: "table-hook",
          paths: ["/workspace/hook-*/**", "/workspace/deferred-*/**"],
          handler: (access) => {
            if (!group.operations.includes(access.operation) && access.operation === "read") return allow();
            if (/^\/workspace\/[a-z]+-denies\//.test(access.path)) return deny("the table says so");
            if (access.path.startsWith("/workspace/hook-throws/")) throw new Error("the table throws");
            return access.path.startsWith("/workspace/hook-abstains/") ? undefined : allow();
          },
        },
      },
    },
  }))();
}

/** As the plugin: that a descriptor is got is approved everywhere. */
function tableApprover(group: CallGroup): Approver {
  return (request) => {
    if (request.domain !== "filesystem") return false;
    const { operation, path } = request.access;
    return path.startsWith("/workspace/asked-yes/") || (operation === "read" && !group.operations.includes("read"));
  };
}

/** One call in one way under one decision. */
interface Cell {
  readonly column: string;
  readonly verdict: Verdict;
  readonly call: TableCall;
  readonly way: Way;
  /** Relative to the workspace. */
  readonly folder: string;
}

function cellsOf(group: CallGroup): Cell[] {
  const calls = group.calls.filter(({ old }) => !old || process.arch === "x64");
  return Object.entries(COLUMNS).flatMap(([column, verdict]) =>
    calls.flatMap((call, index) =>
      (call.ways ?? WAYS).map((way) => ({ column, verdict, call, way, folder: `${column}/${index}-${way}` })),
    ),
  );
}

function furnish(scene: Scene, cells: readonly Cell[]): string {
  const root = workspaceWith(scene, {});
  for (const { folder, call } of cells) {
    makeFiles(root, { [`${folder}/file`]: "content\n", [`${folder}/other`]: "other\n", [`${folder}/folder/`]: "" });
    if (call.attribute) outside([scene.programs.mediate, "setxattr", "absolute", join(root, folder, "file")]);
  }
  return root;
}

/** Whether the decision lets the call be. */
function isOpen({ column, verdict, call }: Cell): boolean {
  return verdict.open || (column === "read-only" && call.reads === true);
}

/** What is wrong with a cell, in a line; undefined where nothing is. */
function faultOf(cell: Cell, answer: string, changed: boolean): string | undefined {
  const { call, column, way } = cell;
  const open = isOpen(cell);
  const wanted = call.always ?? (open ? (call.says ?? "OK") : "EACCES");
  const mayChange = open && !call.always && !call.harmless;
  const name = `${call.call} (${way}) on ${call.on}, ${column}`;
  if (answer !== wanted) return `${name}: ${answer}, not ${wanted}`;
  return changed === mayChange ? undefined : `${name}: ${changed ? "it changed something" : "it changed nothing"}`;
}

/** What is not recorded of a refused cell as it should be. */
function recordFaultOf(sandbox: Sandbox, { call, column, verdict, folder, way }: Cell): string | undefined {
  const inside = `/workspace/${folder}`;
  const record = sandbox.decisions().find((each) => {
    return (
      each.verdict === "deny" &&
      each.object.split(" -> ").some((path) => path === inside || path.startsWith(`${inside}/`))
    );
  });
  const name = `${call.call} (${way}), ${column}`;
  if (record === undefined) return `${name}: no denial is recorded`;
  const { ruleId, by } = verdict;
  if (record.kind !== "decision" || record.domain !== "filesystem" || record.reason === "") return `${name}: ${record}`;
  if (ruleId !== undefined && record.ruleId !== ruleId) return `${name}: the rule is ${record.ruleId}, not ${ruleId}`;
  if (by !== undefined && record.decidedBy.name !== by) return `${name}: ${record.decidedBy.name} decided, not ${by}`;
  return undefined;
}

async function runTable(scene: Scene, group: CallGroup): Promise<void> {
  const cells = cellsOf(group);
  const root = furnish(scene, cells);
  const sandbox = await scene.create(POLICY, {
    workspace: { path: root, mode: "mount" },
    plugins: [tablePlugin(group)],
    approve: tableApprover(group),
  });
  const problems = problemsOf(sandbox);
  expect(sandbox.enforcement.mode).toBe("emulated");
  const before = cells.map(({ folder }) => snapshot(join(root, folder)).join("\n"));
  const path = (folder: string, target: string | undefined) =>
    target === undefined ? undefined : `/workspace/${folder}${target === "." ? "" : `/${target}`}`;
  const answers = await mediate(
    sandbox,
    cells.map(({ call, way, folder }) => ({
      call: call.call,
      way,
      path: path(folder, call.on) ?? "",
      other: path(folder, call.other),
    })),
  );
  const faults = cells.flatMap((cell, index) => {
    const changed = snapshot(join(root, cell.folder)).join("\n") !== before[index];
    return faultOf(cell, answers[index] ?? "", changed) ?? [];
  });
  expect(faults).toEqual([]);
  const refused = cells.filter((cell) => !isOpen(cell) && !cell.call.always);
  let missing: string[] = [];
  await until(
    () => {
      missing = refused.flatMap((cell) => recordFaultOf(sandbox, cell) ?? []);
      return missing.length === 0;
    },
    "every denial is recorded",
    10_000,
  ).catch(() => expect(missing).toEqual([]));
  const throws = cells.filter(({ column }) => column === "hook-throws").length;
  expect(problems.filter(({ message }) => message.includes('plugin "table"')).length).toBeGreaterThan(throws / 2);
}

export const mediatedTableCases: readonly Case[] = GROUPS.map((group) => ({
  name: `the table: calls that ${group.name}, by every way to name a file and everything that can be decided`,
  run: (scene) => runTable(scene, group),
}));
