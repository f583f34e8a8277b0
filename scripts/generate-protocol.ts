/**
 * Writes the warden's protocol header from `src/link/protocol.ts`. With `--check` it only compares.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { protocolHeader } from "./protocol-header.ts";

const target = new URL("../src/warden/native/protocol.gen.h", import.meta.url);
const wanted = protocolHeader();
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== wanted) {
    console.error("src/warden/native/protocol.gen.h is stale: run `npm run protocol`");
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, wanted);
}
