/**
 * How the tests run: in processes of their own, three files at a time: those that start sandboxes mostly wait.
 */

import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes minutes. */
const LONG = /\/(?:conformance-[a-z-]+|sanitizer|smoke|host-killed|nonsense-warden)\.test\.ts$/;

/** The longest first, or the last of them would run alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    environment: "node",
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    sequence: { sequencer: LongestFirst },
  },
});
