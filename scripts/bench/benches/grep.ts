/** How long a search through many small files takes: nearly nothing but opens. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { makeTenThousandFiles } from "../inputs.ts";
import type { Bench } from "../types.ts";
import { compareModes } from "../workload.ts";

/** The bench. */
export const grepBench: Bench = {
  key: "grep",
  async *run(context) {
    const folder = join(context.scratch, "grep");
    await mkdir(folder);
    await makeTenThousandFiles(join(folder, "files"));
    yield* compareModes(context, {
      title: "grep -r over 10,000 files",
      folder,
      cwd: "files",
      // It is in one file, so all the others are read to their end.
      argv: ["grep", "-rl", "99/99 99/99", "."],
      env: () => ({ PATH: "/usr/bin:/bin", LC_ALL: "C" }),
      mostlyOpens: true,
      limits: { floor: 1.25, trapped: 3, emulated: 5 },
      rounds: { full: 20, quick: 3 },
      notes: ["56 MB, in the page cache"],
    });
  },
};
