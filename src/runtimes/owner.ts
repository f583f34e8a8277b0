/**
 * Who a container belongs to, written so that a later process on the same host can tell that its owner is dead.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import process from "node:process";

/** The label that names a sandbox. */
export const SANDBOX_LABEL = "dev.cofferdam.sandbox";

/** The label that names the process which made a container. */
export const OWNER_LABEL = "dev.cofferdam.owner";

/**
 * `HOST.PID.STARTED`. A pid means something only in its own pid namespace since one boot, so `HOST` is a digest of both;
 * pids are used again, so the time at which the process started belongs to it. Undefined where there is no /proc.
 */
export function ownerOfThisProcess(): string | undefined {
  const host = hostDigest();
  const started = startOf(process.pid);
  return host === undefined || started === undefined ? undefined : `${host}.${process.pid}.${started}`;
}

/** Whether the owner is a process of this host and gone. What cannot be told is no. */
export function isOwnerDead(owner: string | undefined): boolean {
  return ownerState(owner) === "dead";
}

/** What has become of an owner. `unknown`: it is of another boot, or of where this process cannot look. */
export function ownerState(owner: string | undefined): "alive" | "dead" | "unknown" {
  const [host, pid, started] = owner?.split(".") ?? [];
  if (host === undefined || started === undefined || !/^[1-9]\d*$/.test(pid ?? "")) return "unknown";
  if (host !== hostDigest()) return "unknown";
  return startOf(Number(pid)) === started ? "alive" : "dead";
}

function hostDigest(): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const namespace = readlinkSync("/proc/self/ns/pid");
    return createHash("sha256").update(`${boot} ${namespace}`).digest("hex").slice(0, 16);
  } catch {
    return undefined;
  }
}

/** When a process started, in clock ticks since boot; undefined where there is none. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The program's name is in parentheses and may hold anything: the fields are counted after the last one.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : fields[18];
  } catch {
    return undefined;
  }
}
