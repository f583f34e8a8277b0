import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("the README shows what its commands print", async () => {
  const tsx = fileURLToPath(import.meta.resolve("tsx/cli"));
  const check = [tsx, "scripts/readme-output.ts", "--check"];
  const { stderr } = await promisify(execFile)(process.execPath, check, { cwd: root });
  expect(stderr).toBe("");
});
