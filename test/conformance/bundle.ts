/**
 * Programs of the cases that use packages, each as one file that Node runs in a sandbox.
 */
import { buildSync } from "esbuild";

const bundles = new Map<string, string>();

/** A module with everything that it imports, as CommonJS. */
export function bundle(source: string): string {
  const found = bundles.get(source);
  if (found !== undefined) return found;
  const { outputFiles } = buildSync({
    stdin: { contents: source, resolveDir: new URL("../..", import.meta.url).pathname, loader: "ts" },
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    write: false,
    logLevel: "error",
  });
  const text = outputFiles[0]?.text ?? "";
  bundles.set(source, text);
  return text;
}
