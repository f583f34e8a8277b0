/**
 * What the tests of the Docker runtime share: an engine, and stand-ins for the warden.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { FilesystemGrant, FilesystemPlan } from "../../../src/domains/filesystem/mod.ts";
import type { ProcessLimits } from "../../../src/domains/process/mod.ts";
import { type DockerOptions, dockerRuntime } from "../../../src/runtimes/docker/mod.ts";
import type { StartedWarden, StartRequest } from "../../../src/runtimes/runtime.ts";
import type { LocateWarden } from "../../../src/warden/mod.ts";

export const BUSYBOX = "cofferdam-test-busybox:latest";

/** Whether there is an engine with the test image. */
export const hasEngine: boolean = succeeds("docker", ["image", "inspect", BUSYBOX]);

if (!hasEngine) {
  const message = `DOCKER TESTS ARE SKIPPED: no engine answers, or it has no image ${BUSYBOX} (scripts/setup-test-machine.sh)`;
  if (process.env.CI === "true") throw new Error(message);
  console.error(message);
}

/** Runs the docker client; returns its output, trimmed. */
export function docker(...args: string[]): string {
  return execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

const scratch = mkdtempSync(join(tmpdir(), "cofferdam-test-"));

/** A stand-in: becomes a shell that reads commands from the link, or echoes where there is no shell. */
const SHELL_OR_ECHO = `#include <unistd.h>
int main(void) {
  execl("/bin/sh", "sh", (char *)0);
  char b[65536]; long n;
  while ((n = read(0, b, sizeof b)) > 0) for (long o = 0; o < n;) { long k = write(1, b + o, n - o); if (k < 0) return 1; o += k; }
  return 0;
}`;

/** Compiles a program as the warden. */
export function wardenFrom(source: string, name = "warden"): LocateWarden {
  const path = join(scratch, name);
  if (!existsSync(path)) {
    writeFileSync(`${path}.c`, source);
    execFileSync("cc", ["-O1", "-static", "-o", path, `${path}.c`]);
  }
  const content = readFileSync(path);
  const sha256 = createHash("sha256").update(content).digest("hex");
  return async () => ({ path, sha256, bytes: async () => content });
}

const running = new Set<StartedWarden>();

afterAll(async () => {
  await Promise.all([...running].map((started) => started.end()));
});

/** A runtime with a request that is made for it. */
export interface ShellRuntime {
  start(request?: Partial<StartRequest>): Promise<StartedWarden>;
}

/** A runtime whose warden is a shell. */
export function shellRuntime(options: DockerOptions = {}, warden?: LocateWarden): ShellRuntime {
  const locateWarden = warden ?? wardenFrom(SHELL_OR_ECHO);
  const runtime = dockerRuntime({ docker: { image: BUSYBOX, ...options }, locateWarden });
  return {
    start: async (request: Partial<StartRequest> = {}): Promise<StartedWarden> => {
      const started = await runtime.start(requestOf(request));
      running.add(started);
      return started;
    },
  };
}

export function requestOf(request: Partial<StartRequest> = {}): StartRequest {
  return {
    id: uniqueId(),
    filesystem: filesystemOf({ write: ["."] }),
    process: processOf(),
    workspace: undefined,
    image: undefined,
    signal: undefined,
    ...request,
  };
}

export function uniqueId(): string {
  return `test-${process.pid}-${Math.random().toString(36).slice(2, 10)}`;
}

export function processOf(limits: Partial<ProcessLimits> = {}): StartRequest["process"] {
  return { kind: "readable", rules: [], allowList: false, unmatched: "deny", limits: { mode: "enforce", ...limits } };
}

export function filesystemOf(paths: { read?: string[]; write?: string[]; optional?: string[] }): FilesystemPlan {
  const grant =
    (access: "read" | "write", optional: boolean) =>
    (relative: string): FilesystemGrant => ({
      path: relative === "." ? "/workspace" : `/workspace/${relative}`,
      access,
      optional,
      ruleId: `${access}:${relative}`,
      inWorkspace: true,
      workspaceRelative: relative,
    });
  const grants = [
    ...(paths.read ?? []).map(grant("read", false)),
    ...(paths.write ?? []).map(grant("write", false)),
    ...(paths.optional ?? []).map(grant("write", true)),
  ];
  grants.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { grants, denials: [], rules: [], unmatched: "deny", finer: false };
}

/** Runs a script in the shell that stands in for the warden; returns its output. */
export async function run(started: StartedWarden, script: string): Promise<string> {
  const mark = `done-${Math.random().toString(36).slice(2)}`;
  const output = new Promise<string>((resolve, reject) => {
    let text = "";
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      const at = text.indexOf(mark);
      if (at < 0) return;
      started.input.off("data", onData);
      resolve(text.slice(0, at).trimEnd());
    };
    started.input.on("data", onData);
    started.input.once("end", () => reject(new Error(`the link ended: ${started.diagnostics()}`)));
  });
  started.output.write(`{ ${script}\n} 2>&1; echo ${mark}\n`);
  return output;
}

function succeeds(program: string, args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
