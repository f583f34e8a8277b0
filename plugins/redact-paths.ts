/**
 * Lets files be read with their secrets blacked out: the file stays as it is.
 *
 * @module
 */
import { definePlugin, type HookVerdict, type Plugin, substitute } from "../src/mod.ts";

/** The options of `redactPaths`. */
export interface RedactPathsOptions {
  /** As in a policy: `./config.ini`, `**\/.env`. The policy must let them be read. */
  readonly paths: readonly string[];
  /**
   * Gives what is read in a file's place, for instance the file of the host with the values of its keys blacked out. The path is
   * the sandbox's.
   *
   * @default a line that says that it is redacted
   */
  readonly content?: (path: string) => string | Uint8Array | PromiseLike<string | Uint8Array>;
  /** The programs that see the redacted file. @default all */
  readonly binaries?: readonly string[];
}

/** Makes the plugin. What it gives is no grant: the policy still says whether a file may be read at all. */
export const redactPaths: (options: RedactPathsOptions) => Plugin = definePlugin(
  (options: RedactPathsOptions): Plugin => {
    const { paths, content = () => "[redacted]\n", binaries } = options;
    return {
      name: "redact-paths",
      hooks: {
        filesystem: {
          access: {
            paths,
            operations: ["read"],
            ...(binaries === undefined ? {} : { binaries }),
            handler: async ({ path }): Promise<HookVerdict> =>
              substitute(await content(path), "its content is redacted"),
          },
        },
      },
    };
  },
);

/**
 * Blacks out the values of settings (`KEY=value`, `key: value`) whose names sound like secrets, or that are named.
 *
 * Every line is looked at by itself: values that go over several lines are only blacked out in their first one.
 */
export function redactSettings(text: string, names: readonly string[] = []): string {
  const isSecret = (name: string) =>
    names.includes(name) || /secret|token|passw|pwd|credential|api_?key|private_?key|auth/i.test(name);
  return text.replace(
    /^(\s*(?:export\s+)?["']?([\w.-]+)["']?\s*[=:]\s*)(\S.*)$/gm,
    (line, head: string, name: string) => (isSecret(name) ? `${head}[redacted]` : line),
  );
}
