import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Change, Sandbox } from "../../src/mod.ts";
import { shell } from "./help.ts";
import { giveAway, type Scene } from "./scene.ts";

export const WRITE_ALL = { version: 1, filesystem: { write: ["."] } } as const;

/** A folder of the host with a little of everything. */
export function project(scene: Scene): string {
  const folder = scene.folder();
  const files = {
    "docs/edit.md": "one\ntwo\nthree\n",
    "docs/old.md": "moved as it is\n",
    "docs/gone.md": "gone\n",
    "src/run.sh": "#!/bin/sh\n",
    "src/data.bin": Buffer.from([0, 1, 2, 255]),
    "same.txt": "same\n",
    ".gitignore": "*.log\n/build/\n!keep.log\n",
    ".git/config": "[core]\n",
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  giveAway(folder, ...["docs", "src", ".git", ...Object.keys(files)].map((name) => join(folder, name)));
  return folder;
}

/** The modes in which a workspace can be reviewed here. */
export function modes(scene: Scene): readonly ("copy" | "overlay")[] {
  return scene.place.docker ? ["copy"] : ["copy", "overlay"];
}

export async function withProject(
  scene: Scene,
  use: (sandbox: Sandbox, folder: string) => Promise<void>,
): Promise<void> {
  for (const mode of modes(scene)) {
    const folder = project(scene);
    const sandbox = await scene.create(WRITE_ALL, { workspace: { path: folder, mode } });
    await use(sandbox, folder);
    await sandbox.stop();
  }
}

export const line = ({ kind, path, from, problem }: Change) => [kind, from, path, problem].filter(Boolean).join(" ");

export async function run(sandbox: Sandbox, script: string): Promise<void> {
  const { exitCode, stderr } = await shell(sandbox, script);
  if (exitCode !== 0) expect.fail(`${script}: ${stderr}`);
}

export const EDITS = `
  sed -i s/two/2/ docs/edit.md; mv docs/old.md docs/new.md; rm docs/gone.md; chmod +x src/run.sh
  printf '\\000\\002' > src/data.bin; mkdir -p deep/er; echo added > deep/er/file; ln -s ../same.txt docs/link`;

export const EDITED = [
  "added deep/er/file",
  "modified docs/edit.md",
  "deleted docs/gone.md",
  "added docs/link",
  "renamed docs/old.md docs/new.md",
  "modified src/data.bin",
  "modified src/run.sh",
];
