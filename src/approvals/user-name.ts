/**
 * Who answers at this machine.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { userInfo } from "node:os";
import { getuid } from "node:process";

/** The name of this process's user, as the database of users has it; its number where that knows no name. */
export function userName(): string {
  try {
    // Bun says what the environment says, where any name may be, and any path: whoever answers is recorded by this.
    return "bun" in process.versions ? asked() : userInfo().username;
  } catch {
    return `user ${getuid?.() ?? "unknown"}`;
  }
}

function asked(): string {
  return execFileSync("/usr/bin/id", ["-un"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}
