/**
 * Keys of providers, as the host gives them.
 *
 * @module
 */
import type { Provider } from "../../domains/inference/mod.ts";
import type { KeySource } from "./options.ts";

/** What a header can carry. */
const KEY = /^[\x21-\x7e]{1,8192}$/;

/** Finds the key of a provider. An unusable one is none, and is told to `onProblem` without being shown. */
export async function findKey(
  { name, keyVariables }: Provider,
  source: KeySource | undefined,
  onProblem: (error: Error) => void,
): Promise<string | undefined> {
  const key = source === undefined ? fromEnvironment(keyVariables) : await ask(source, name, onProblem);
  if (key === undefined || key === "") return undefined;
  if (KEY.test(key)) return key;
  onProblem(new Error(`The key of the provider ${name} cannot be sent: it has characters that no header carries`));
  return undefined;
}

/** What a source throws may name the key. */
async function ask(source: KeySource, name: string, onProblem: (error: Error) => void): Promise<string | undefined> {
  try {
    return await source(name);
  } catch {
    onProblem(new Error(`The key of the provider ${name} was not given: keyFor failed`));
    return undefined;
  }
}

function fromEnvironment(variables: readonly string[]): string | undefined {
  return variables.map((variable) => process.env[variable]).find((value) => value !== undefined && value !== "");
}
