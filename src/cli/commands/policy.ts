/**
 * `cofferdam policy`.
 *
 * @module
 */
import { stringify } from "yaml";
import { displaySafe, loadPolicy, SandboxError } from "../../mod.ts";
import { normalizePolicy, policyDigest } from "../../policy/mod.ts";
import { EXIT } from "../exit-codes.ts";
import { styleOf } from "../style.ts";
import { say, sayJson } from "../write.ts";

/** Checks each; the exit code. */
export async function checkPolicies(files: readonly string[], { json }: { readonly json?: boolean }): Promise<number> {
  const style = styleOf(process.stdout);
  let code: number = EXIT.ok;
  for (const file of files) {
    const error = await loadPolicy(file).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error !== undefined) code = EXIT.problem;
    if (error !== undefined && !SandboxError.is(error)) throw error;
    const issues = SandboxError.is(error, "POLICY_INVALID") ? error.details.issues : [];
    if (json)
      sayJson({ file, ok: error === undefined, ...(error && { code: error.code, message: error.message, issues }) });
    else if (error === undefined) say(`${style("green", "ok")} ${displaySafe(file)}`);
    else say(`${style("red", "no")} ${error.message}`);
  }
  return code;
}

/** Prints a policy with every default and what it grants by itself. */
export async function showPolicy(file: string, { json }: { readonly json?: boolean }): Promise<void> {
  const policy = normalizePolicy(await loadPolicy(file));
  const digest = policyDigest(policy);
  if (json) return sayJson({ file, digest, policy });
  say(styleOf(process.stdout)("dim", `# ${digest}`));
  process.stdout.write(stringify(policy, { aliasDuplicateObjects: false }));
}
