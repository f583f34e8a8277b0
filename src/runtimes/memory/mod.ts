/**
 * The memory runtime: no isolation, no kernel, no files of the host. Policy, hooks, approvals and records are the real
 * ones; what runs is a script in this process. For tests of policies, hooks and of what agents do when they are denied.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { AGENT_UID } from "../identity.ts";
import { DEFAULT_WARDEN_LIMITS } from "../limits.ts";
import type { Runtime, StartedWarden, StartRequest } from "../runtime.ts";
import type { Guest } from "./guest.ts";
import { MemoryWarden } from "./warden.ts";

export {
  type Guest,
  type GuestErrno,
  GuestError,
  type GuestFetchOptions,
  type GuestProcess,
  type GuestProgram,
  type GuestStartOptions,
} from "./guest.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What this runtime cannot tell: it refuses these where they are asked for by name, and does not have the rest. */
const NOTES: readonly string[] = [
  "nothing is isolated: the guest is a script in this process",
  "no links, modes, owners, terminals, unix sockets or renamed folders: what a policy says to these is not simulated",
  "programs are no files: no hashes, interpreters or loaders",
  "connections are those that a program asks for by name or address: no name server, no sockets that do not wait",
  "limits of memory, processors and processes are not held; those of time are",
];

/** A runtime with one guest's programs. */
export function memoryRuntime(guest: Guest): Runtime {
  const start = async (request: StartRequest): Promise<StartedWarden> => begin(guest, request);
  return {
    name: "memory",
    start,
    warm: async (request) => {
      const warden = await start(request);
      return { ready: warden, ended: warden.ended, end: () => warden.end(), finish: async () => warden };
    },
  };
}

function begin(guest: Guest, request: StartRequest): StartedWarden {
  refuseRealThings(request);
  const warden = new MemoryWarden(guest, request.files);
  return {
    input: warden.input,
    output: warden.output,
    uid: AGENT_UID,
    gid: AGENT_UID,
    environment: { PATH },
    limits: { holder: "none", warden: DEFAULT_WARDEN_LIMITS },
    liveMounts: false,
    isolation: "none",
    notes: NOTES,
    diagnostics: () => "",
    ended: warden.ended,
    end: async () => warden.end("the sandbox was ended"),
  };
}

function refuseRealThings({ image, root, workspace, volumes = [], process }: StartRequest): void {
  const files = root !== undefined || workspace !== undefined || volumes.length > 0;
  const reason = image !== undefined ? "it has no images" : files ? "it has no files of this host" : undefined;
  if (reason !== undefined) {
    throw new SandboxError("RUNTIME_UNAVAILABLE", `Cannot start a sandbox on the memory runtime: ${reason}`, {
      details: { runtime: "memory", reason },
      hint: "Give guest.files and guest.programs, or use another runtime",
    });
  }
  const hashed = process.rules.find(({ sha256 }) => sha256 !== undefined);
  if (hashed === undefined) return;
  const message = "programs of the memory runtime have no hash";
  throw new SandboxError("POLICY_UNSUPPORTED", `Cannot decide by the rule ${hashed.ruleId}: ${message}`, {
    details: { issues: [{ path: hashed.ruleId, message }] },
    hint: "Test rules with a sha256 on the local runtime",
  });
}
