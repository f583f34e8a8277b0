/**
 * Ordinary programs in each of the three modes.
 */
import { expect } from "vitest";
import type { ExecResult, Policy, Sandbox } from "../../src/mod.ts";
import type { Case } from "./case.ts";
import { makeFiles } from "./mediation.ts";
import type { Scene } from "./scene.ts";

/** By mode: a policy that has it. */
const POLICIES: Readonly<Record<string, Policy>> = {
  floor: { version: 1, filesystem: { write: ["."] }, audit: { files: "off" } },
  trapped: { version: 1, filesystem: { write: ["."] } },
  emulated: { version: 1, filesystem: { write: ["."], deny: ["**/.env"] } },
};

/** A case for each mode: its sandbox can write a workspace with these files, all of which may be executed. */
export function inEachMode(
  name: string,
  files: Readonly<Record<string, string>>,
  run: (sandbox: Sandbox, scene: Scene) => Promise<void>,
): Case[] {
  const wanted = process.env.COFFERDAM_TEST_ORDINARY?.split(",");
  return Object.entries(POLICIES).map(([mode, policy]) => ({
    name: `${name} (${mode})`,
    tools: true,
    notIn({ docker }) {
      // The modes are the warden's, whatever started it: each is run on one runtime.
      const isWanted = wanted?.includes(mode) ?? docker === (mode === "floor");
      return isWanted ? undefined : "this mode runs on the other runtime";
    },
    async run(scene) {
      const workspace = scene.folder();
      makeFiles(workspace, files);
      const sandbox = await scene.create(policy, { workspace });
      expect(sandbox.enforcement.mode).toBe(mode);
      await run(sandbox, scene);
    },
  }));
}

/** Runs a script of bash that ends at the first failure: what it printed. */
export async function script(
  sandbox: Sandbox,
  source: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const result = await sandbox.exec(["bash", "-euo", "pipefail", "-c", source], { timeoutMs: 55_000, env });
  expect(told(result)).toEqual(told({ ...result, exitCode: 0, signal: null, timedOut: false }));
  return result.stdout;
}

function told({ exitCode, signal, timedOut, stdout, stderr }: ExecResult): unknown {
  return { exitCode, signal, timedOut, end: `${stdout}\n${stderr}`.slice(-1500) };
}
