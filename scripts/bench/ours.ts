/** Sandboxes as the benches make them. */
import { createSandbox, type Sandbox, type SandboxOptions } from "../../src/mod.ts";

/** The system's folders to read, and a workspace to read and write: what a typical command needs. */
export const POLICY = { version: 1, filesystem: { read: [], write: ["."] } } as const;

/** A sandbox of the local runtime. */
export function localSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  return createSandbox(POLICY, { runtime: "local", ...options });
}

/** A sandbox in a container. */
export function dockerSandbox(image: string, options: SandboxOptions = {}): Promise<Sandbox> {
  return createSandbox(POLICY, { runtime: "docker", image, ...options });
}

/** Runs `true`, and makes sure that it ran. */
export async function runTrue(sandbox: Sandbox): Promise<void> {
  await sandbox.exec(["/bin/true"], { check: true });
}
