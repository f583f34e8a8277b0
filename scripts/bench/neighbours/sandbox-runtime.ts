/** `@anthropic-ai/sandbox-runtime`, used as its README says. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runCommand } from "../command.ts";
import { timed } from "../measure.ts";
import type { Contestant } from "../types.ts";

/** What is used of its API. */
interface SandboxManager {
  initialize(config: {
    readonly network: { readonly allowedDomains: readonly string[]; readonly deniedDomains: readonly string[] };
    readonly filesystem: Record<"denyRead" | "allowWrite" | "denyWrite", readonly string[]>;
  }): Promise<void>;
  wrapWithSandbox(command: string): Promise<string>;
  cleanupAfterCommand(): void;
  reset(): Promise<void>;
}

/** Initialized, with what that took. */
export interface SandboxRuntime {
  readonly initializeMs: number;
  readonly contestant: Contestant;
  close(): Promise<void>;
}

/**
 * Initializes it once: its proxies for the network start then, and serve all commands. Every command gets a bubblewrap
 * of its own, with a shell and two socat processes in it that lead to those proxies.
 */
export async function openSandboxRuntime(packageFolder: string): Promise<SandboxRuntime> {
  const module: unknown = await import(pathToFileURL(join(packageFolder, "dist/index.js")).href);
  const { SandboxManager: manager } = module as { SandboxManager: SandboxManager };
  const network = { allowedDomains: [], deniedDomains: [] };
  const filesystem = { denyRead: [], allowWrite: ["."], denyWrite: [] };
  const initializeMs = await timed(() => manager.initialize({ network, filesystem }));
  const run = async () => {
    const took = await timed(async () => {
      const command = await manager.wrapWithSandbox("/bin/true");
      await runCommand([command], { shell: true });
    });
    manager.cleanupAfterCommand();
    return took;
  };
  return {
    initializeMs,
    contestant: { name: "sandbox-runtime, initialized", run },
    close: () => manager.reset(),
  };
}
