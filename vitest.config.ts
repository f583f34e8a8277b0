/**
 * How the tests run: in processes of their own, some files at a time: those that start sandboxes mostly wait.
 *
 * What loads the library and leaves nothing of its own in the process shares one with its like: a third of the time would
 * go into loading the same files again.
 */

import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes minutes. */
const LONG =
  /\/(?:conformance-[a-z-]+|sanitizer|smoke|host-killed|nonsense-warden|resources|start-race|examples|built-in)\.test\.ts$/;

/** What takes most of those that share a process. */
const LONG_SHARING = /\/(?:steady|narrowing|copy|websocket\.security|http2)\.test\.ts$/;

/** No support of theirs ends anything after a file: it would after the first one only. */
const SHARING =
  "approvals audit credentials domains egress hooks house inference link plugins policy review runtimes/{local,memory,workspace} sandbox testing";
const sharing = SHARING.split(" ").map((folder) => `test/${folder}/**/*.test.ts`);

/** The longest first, or the last of them would run alone; those that share a process last, one after the other. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const turn = ({ moduleId, project }: TestSpecification) =>
      LONG.test(moduleId) ? 0 : project.config.isolate ? 1 : LONG_SHARING.test(moduleId) ? 2 : 3;
    return sorted.toSorted((a, b) => turn(a) - turn(b));
  }
}

export default defineConfig({
  test: {
    environment: "node",
    pool: "forks",
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 240_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: { name: "alone", include: ["test/**/*.test.ts", "examples/**/*.test.ts"], exclude: sharing },
      },
      {
        extends: true,
        test: { name: "sharing", include: sharing, isolate: false, setupFiles: "test/shared-process.ts" },
      },
    ],
  },
});
