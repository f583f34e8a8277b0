/**
 * The fuzz targets of everything in the warden that parses bytes from others, for a bounded number of inputs. More:
 * `scripts/fuzz.sh 10000000`.
 */
import { execFile, execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { describeWith } from "../faults/support.ts";

const RUNS = process.env.COFFERDAM_TEST_FUZZ_RUNS ?? "60000";
const script = fileURLToPath(new URL("../../scripts/fuzz.sh", import.meta.url));
const targets = readdirSync(fileURLToPath(new URL("./native", import.meta.url)))
  .filter((name) => /^fuzz_.*\.c$/.test(name))
  .map((name) => name.slice(0, -2));

function fuzzerProblem(): string | undefined {
  const compile = ["-fsanitize=fuzzer", "-x", "c", "-o", "/dev/null", "-"];
  const input = "#include <stddef.h>\nint LLVMFuzzerTestOneInput(const char *d, size_t s) { return d && s ? 0 : 0; }";
  try {
    execFileSync("clang", compile, { input, stdio: ["pipe", "ignore", "ignore"] });
    return undefined;
  } catch {
    return "there is no clang with libFuzzer (Debian: clang libclang-rt-dev)";
  }
}

describeWith(fuzzerProblem(), "the fuzz targets", () => {
  test(`hold for ${RUNS} inputs each`, { timeout: 240_000 }, async () => {
    const { stdout } = await promisify(execFile)("bash", [script, RUNS], { timeout: 220_000, killSignal: "SIGKILL" });
    console.info(stdout.trim());
    expect(targets.length).toBeGreaterThan(0);
    for (const target of targets) expect(stdout).toContain(`${target}: passed`);
  });
});
