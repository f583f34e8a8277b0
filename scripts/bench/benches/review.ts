/** How long it takes to find what changed in a large workspace, and to bring a copy of it in. */
import { join } from "node:path";
import type { Sandbox } from "../../../src/mod.ts";
import { makeFiftyThousandFiles } from "../inputs.ts";
import { interleave, timed } from "../measure.ts";
import { localSandbox } from "../ours.ts";
import type { Bench, BenchContext, Contestant } from "../types.ts";

const ROUNDS = { full: 6, quick: 2, warmUp: 1 };

/** The bench. */
export const reviewBench: Bench = {
  key: "review",
  async *run(context) {
    const path = join(context.scratch, "large");
    const megabytes = (await makeFiftyThousandFiles(path)) / 1e6;
    const what = `50,000 files (${megabytes.toFixed(0)} MB), local`;
    const kept: Sandbox[] = [];
    const create = async (mode: "copy" | "overlay") => {
      const sandbox = await localSandbox({ workspace: { path, mode } });
      kept.push(sandbox);
      return sandbox;
    };
    const creating = (mode: "copy" | "overlay"): Contestant => ({ name: mode, run: () => timed(() => create(mode)) });
    try {
      yield { title: `create with ${what}`, unit: "ms", rows: await rows(context, creating), notes: [] };
      const sandboxes = { copy: await create("copy"), overlay: await create("overlay") };
      for (const sandbox of Object.values(sandboxes)) await edit(sandbox);
      const looking = (mode: "copy" | "overlay"): Contestant => ({
        name: mode,
        target: { text: "≤ 1000 ms", bound: () => 1000 },
        run: () => timed(() => sandboxes[mode].changes()),
      });
      yield { title: `changes() of 100 among ${what}`, unit: "ms", rows: await rows(context, looking), notes: [] };
    } finally {
      for (const sandbox of kept) await sandbox.stop();
    }
  },
};

function rows(context: BenchContext, contestant: (mode: "copy" | "overlay") => Contestant) {
  return interleave(context, [contestant("copy"), contestant("overlay")], ROUNDS);
}

async function edit(sandbox: Sandbox): Promise<void> {
  await sandbox.exec(["sh", "-c", "for file in folder-7/*; do echo changed >> $file; done"], { check: true });
}
