/**
 * Why a sandbox did not come up, as errors.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { errnoName } from "./errno.ts";
import { CODES, type MessageValues, PROTOCOL_VERSION } from "./protocol.ts";

/** The oldest Landlock that knows about truncation. */
const LANDLOCK_ABI_MIN = 3;
/** How much of a hostile text goes into a message. */
const SUBJECT_CHARACTERS_MAX = 4096;

/** What only some policies need, by the warden's names. */
const MEANS: ReadonlySet<string> = new Set([
  "user notification",
  "ptrace of a child",
  "sock_diag of unix sockets",
  "port 53 of the loopback",
]);

/** The name of a stage of {@link CODES}. */
export function stageName(stage: number): string {
  return Object.entries(CODES.stage).find(([, code]) => code === stage)?.[0] ?? `stage ${stage}`;
}

/** What speaks against a warden that introduces itself so. */
export function helloProblem({ protocol, landlockAbi }: MessageValues<"hello">): SandboxError | undefined {
  if (protocol !== PROTOCOL_VERSION) {
    return new SandboxError(
      "WARDEN_UNAVAILABLE",
      `Cannot use this warden: it speaks version ${protocol} of the protocol, and this host version ${PROTOCOL_VERSION}`,
      {
        details: { reason: `protocol ${protocol}` },
        hint: "Install the warden that belongs to this version of Cofferdam",
      },
    );
  }
  if (landlockAbi >= LANDLOCK_ABI_MIN) return undefined;
  return new SandboxError("ENFORCEMENT_MISSING", `Cannot enforce a policy without Landlock ABI ${LANDLOCK_ABI_MIN}`, {
    details: { feature: "landlock", found: landlockAbi === 0 ? "none" : `ABI ${landlockAbi}` },
    hint: "Use a kernel from 6.2 on with Landlock among its security modules (CONFIG_LSM or lsm=)",
  });
}

/** The error of a warden that cannot go on. */
export function fatalError({ stage, errno, subject }: MessageValues<"fatal">): SandboxError {
  const name = stageName(stage);
  const reason = errnoName(errno);
  const text = Buffer.from(subject).toString().slice(0, SUBJECT_CHARACTERS_MAX);
  if (name === "rule" && (reason === "ENOENT" || reason === "ENOTDIR")) {
    return new SandboxError("PATH_MISSING", `Cannot grant ${JSON.stringify(text)}: it does not exist in the sandbox`, {
      details: { path: text, rule: "" },
      hint: "Correct the path, or write { path: ..., optional: true } if it may be missing",
    });
  }
  if (name === "selfTest" && MEANS.has(text)) {
    return new SandboxError(
      "ENFORCEMENT_MISSING",
      `Cannot enforce this policy without ${text}: it fails with ${reason}`,
      {
        details: { feature: text, found: reason },
        hint: "The kernel, or a setting of it (Yama, a seccomp profile), keeps it from the warden; a policy of plain grants needs less",
      },
    );
  }
  if (name === "volume") return volumeError(text.split("/").at(-2) ?? text, reason);
  const message = `Cannot start the sandbox: ${name} failed on ${JSON.stringify(text)} with ${reason}`;
  return new SandboxError("START_FAILED", message, {
    details: { stage: name, errno: reason },
    hint: hintFor(name, text),
  });
}

function volumeError(volume: string, reason: string): SandboxError {
  if (reason !== "EAGAIN") {
    return new SandboxError("VOLUME_UNUSABLE", `Cannot use the volume "${volume}": its lock fails with ${reason}`, {
      details: { volume, reason },
      hint: "It may have been removed in this moment; try again",
    });
  }
  return new SandboxError("VOLUME_BUSY", `Cannot use the volume "${volume}": another sandbox has it`, {
    details: { volume },
    hint: "Wait for the end of that sandbox, or say shared: true in both",
  });
}

function hintFor(stage: string, subject: string): string {
  if (stage === "mount" && subject === "overlay") {
    return "TMPDIR may lie on a disk that cannot hold an overlay (one itself, or a network's), or something is mounted in the workspace: use a copy";
  }
  if (stage === "mount" && subject === "the owner of a volume") {
    return "The disk of XDG_STATE_HOME has no idmapped mounts: set it to a folder on ext4, XFS, Btrfs or tmpfs";
  }
  if (stage === "mount" && subject === "the owner of the workspace") {
    return "The workspace's file system has no idmapped mounts, so its files cannot be the sandbox's user's: use a copy";
  }
  if (stage === "namespace")
    return "User namespaces may be switched off here (sysctl, AppArmor, or inside a container)";
  if (stage === "selfTest" || stage === "capabilities") {
    return "The warden was started with other privileges than it was made for";
  }
  if (stage === "landlock") return "The kernel has Landlock, but refused the ruleset; look at its log";
  return "Look at the paths that the policy grants";
}
