/**
 * Builds `dist`: JavaScript and declarations by tsc, and the warden's sources beside them.
 */
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", `${root}tsconfig.build.json`], {
  stdio: "inherit",
});
cpSync(`${root}src/warden/native`, `${root}dist/warden/native`, { recursive: true });
