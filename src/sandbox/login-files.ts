/**
 * The files of logins in a sandbox: what an agent finds in its home folder, with placeholders for tokens.
 *
 * @module
 */
import type { SealedLogin } from "../credentials/mod.ts";
import { SandboxError } from "../errors.ts";
import { HOME_PATH } from "../policy/core.ts";
import type { SandboxFiles } from "./files.ts";

/** Makes the files what they were before. It never rejects: what cannot be undone is left, and holds placeholders. */
export type UndoLogins = () => Promise<void>;

/**
 * Puts them there. Where one cannot be written, none is changed.
 *
 * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If one cannot be written there.
 */
export async function writeLogins(files: SandboxFiles, logins: readonly SealedLogin[]): Promise<UndoLogins> {
  const undone: UndoLogins[] = [];
  const undo = async (): Promise<void> => {
    for (const each of undone.splice(0).reverse()) await each().catch(() => undefined);
  };
  for (const { name, file } of logins) {
    const path = `${HOME_PATH}/${file.path}`;
    try {
      await files.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
      const before = await files.read(path).catch((error: unknown) => {
        if (SandboxError.is(error, "FILE_MISSING")) return undefined;
        throw error;
      });
      undone.push(() => (before === undefined ? files.remove(path) : files.write(path, before)));
      await files.write(path, file.text, { mode: 0o600 });
    } catch (cause) {
      await undo();
      const reason = `its file ${path} cannot be written in the sandbox`;
      throw new SandboxError("CREDENTIAL_UNAVAILABLE", `Cannot use the credential "${name}": ${reason}`, {
        details: { credential: name, reason },
        hint: "The policy must let the home folder be written",
        cause,
      });
    }
  }
  return undo;
}
