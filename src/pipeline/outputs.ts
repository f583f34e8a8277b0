/**
 * The outputs of a stage for those who look at them: every read is verified.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { artifactFiles, filesOf, type ManifestFile, type OutputManifests } from "./manifest.ts";
import type { Store } from "./store.ts";
import type { ArtifactFile, StageOutputs } from "./types.ts";

/** The implementation of {@link StageOutputs}. */
export class StoredOutputs implements StageOutputs {
  readonly #store: Store;
  readonly #outputs: OutputManifests;

  constructor(store: Store, outputs: OutputManifests) {
    this.#store = store;
    this.#outputs = outputs;
  }

  list(output: string): readonly ArtifactFile[] {
    return artifactFiles(this.#of(output));
  }

  async read(output: string, path?: string): Promise<Uint8Array> {
    const files = filesOf(this.#of(output));
    const [only, ...others] = path === undefined ? files : files.filter((each) => each.path === path);
    if (only === undefined || others.length > 0) throw unknown(output, path, files);
    return this.#store.bytes(only);
  }

  async readText(output: string, path?: string): Promise<string> {
    return Buffer.from(await this.read(output, path)).toString();
  }

  #of(output: string): OutputManifests[string] {
    const found = Object.hasOwn(this.#outputs, output) ? this.#outputs[output] : undefined;
    if (found === undefined) throw unknown(output, undefined, []);
    return found;
  }
}

function unknown(
  output: string,
  path: string | undefined,
  files: readonly ManifestFile[],
): SandboxError<"ARGUMENT_INVALID"> {
  const what = path === undefined ? `the output "${output}"` : `"${path}" of the output "${output}"`;
  const why = path === undefined && files.length > 1 ? "it has several files" : "there is none";
  return new SandboxError("ARGUMENT_INVALID", `Cannot read ${what}: ${why}`, {
    details: { argument: path === undefined ? "output" : "path", value: path ?? output },
    hint: "list(output) names its files",
  });
}
