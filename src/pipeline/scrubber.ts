/**
 * Texts of a stage without the secrets that its sandbox knows: a program may say them in names, paths and errors.
 *
 * @module
 */
import { scrubText } from "../credentials/mod.ts";
import { RunningSandbox, type Sandbox } from "../sandbox/running.ts";

/** What takes them out of a text, also after the sandbox's end. */
export function scrubberOf(sandbox: Sandbox): (text: string) => string {
  const secrets = RunningSandbox.secretsOf(sandbox);
  return (text) => scrubText(text, secrets());
}
