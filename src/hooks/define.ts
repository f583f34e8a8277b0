/**
 * How a plugin is written.
 *
 * @module
 */
import type { Plugin } from "./types.ts";

/**
 * Makes a plugin's factory: a function from options to a plugin. Nothing runs until the factory is called, and each call
 * makes a plugin with a state of its own.
 *
 * @example
 * ```ts
 * import { createSandbox, definePlugin, deny } from "cofferdam";
 *
 * const noSecrets = definePlugin((options: { readonly ending: string }) => ({
 *   name: "no-secrets",
 *   hooks: {
 *     filesystem: { access: ({ path }) => (path.endsWith(options.ending) ? deny("keys stay private") : undefined) },
 *   },
 * }));
 *
 * await using sandbox = await createSandbox(
 *   { version: 1, filesystem: { read: ["."] } },
 *   { workspace: ".", plugins: [noSecrets({ ending: ".pem" })] },
 * );
 * ```
 */
export function definePlugin<O = void>(make: (options: O) => Plugin): (options: O) => Plugin {
  return (options) => make(options);
}
