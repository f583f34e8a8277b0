/** How long a build of this project takes: some opens, and much computing. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { addNode, copyProject, toolVariables } from "../project.ts";
import type { Bench } from "../types.ts";
import { compareModes } from "../workload.ts";

/** The bench. */
export const tscBench: Bench = {
  key: "tsc",
  async *run(context) {
    const folder = join(context.scratch, "tsc");
    await mkdir(join(folder, "home"), { recursive: true });
    const node = await addNode(folder);
    const entries = ["src", "package.json", "tsconfig.json", "tsconfig.build.json", "node_modules"];
    await copyProject(join(folder, "project"), entries);
    yield* compareModes(context, {
      title: "tsc build of this project",
      folder,
      cwd: "project",
      argv: ["node", "node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"],
      before: ["rm", "-rf", "dist"],
      env: toolVariables,
      limits: { floor: 1.03, trapped: 1.15, emulated: 1.6 },
      rounds: { full: 6, quick: 2, warmUp: 1 },
      notes: [node],
    });
  },
};
