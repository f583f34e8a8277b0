/** How long it takes to install what this project depends on: many files made, and native packages built. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { addNode, addNpm, toolVariables } from "../project.ts";
import type { Bench } from "../types.ts";
import { compareModes } from "../workload.ts";

/** The bench. */
export const npmCiBench: Bench = {
  key: "npm-ci",
  async *run(context) {
    const folder = join(context.scratch, "npm-ci");
    await mkdir(join(folder, "home"), { recursive: true });
    const node = await addNode(folder);
    const registry = await addNpm(folder);
    yield* compareModes(context, {
      title: "npm ci of this project",
      folder,
      cwd: "project",
      argv: ["node", "../npm/bin/npm-cli.js", "ci", "--offline", "--ignore-scripts=false"],
      before: ["rm", "-rf", "node_modules"],
      env: (root) => ({ ...toolVariables(root), npm_config_registry: registry }),
      limits: { floor: 1.03, trapped: 1.15, emulated: 1.6 },
      rounds: { full: 6, quick: 2, warmUp: 1 },
      notes: ["from a local cache, with the packages' install scripts; removing what was there is not timed", node],
    });
  },
};
