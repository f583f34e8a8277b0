/** Sandboxes in each of the three ways to hold files, side by side. */
import { createSandbox, type Policy, type Sandbox, type SandboxOptions } from "../../src/mod.ts";

/** The three ways, from the cheapest. */
export const MODES = ["floor", "trapped", "emulated"] as const;

/** How file operations are held: by the kernel alone, seen as well, or done by the warden. */
export type Mode = (typeof MODES)[number];

/** A policy that grants the workspace, and is held in the given way. */
export function policyIn(mode: Mode): Policy {
  const filesystem = { write: ["."] };
  if (mode === "floor") return { version: 1, filesystem, audit: { files: "off" } };
  if (mode === "trapped") return { version: 1, filesystem };
  return { version: 1, filesystem: { ...filesystem, deny: ["**/.env"] } };
}

/** Creates a sandbox, and makes sure that it is held in the way that the bench is about. */
export async function sandboxIn(mode: Mode, options: SandboxOptions): Promise<Sandbox> {
  const sandbox = await createSandbox(policyIn(mode), options);
  const found: string = sandbox.enforcement.mode;
  if (found === mode) return sandbox;
  await sandbox.stop();
  throw new Error(`asked for a sandbox in the mode "${mode}", and got one that is "${found}"`);
}

/** Sandboxes of those modes that work; what kept another from working is thrown when the rest is measured. */
export interface ModeSandboxes extends AsyncDisposable {
  readonly sandboxes: ReadonlyMap<Mode, Sandbox>;
  /** Throws if a mode did not work. */
  assertComplete(): void;
}

/** Opens one in each mode, and tries it. */
export async function openModes(
  create: (mode: Mode) => Promise<Sandbox>,
  tryOut: (sandbox: Sandbox, mode: Mode) => Promise<unknown>,
): Promise<ModeSandboxes> {
  const sandboxes = new Map<Mode, Sandbox>();
  const failures: Error[] = [];
  for (const mode of MODES) {
    let sandbox: Sandbox | undefined;
    try {
      sandbox = await create(mode);
      await tryOut(sandbox, mode);
      sandboxes.set(mode, sandbox);
    } catch (cause) {
      failures.push(new Error(`nothing was measured in the mode "${mode}"`, { cause }));
      await sandbox?.stop().catch((error: unknown) => failures.push(new Error("it does not stop", { cause: error })));
    }
  }
  return {
    sandboxes,
    assertComplete: () => {
      if (failures.length > 0) throw new AggregateError(failures, "a mode does not work");
    },
    [Symbol.asyncDispose]: async () => {
      for (const sandbox of sandboxes.values()) await sandbox.stop();
    },
  };
}
