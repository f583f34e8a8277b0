/**
 * The environment of a command. Nothing of the host's environment is in it.
 *
 * @module
 */
import { HOME_PATH } from "../policy/core.ts";
import { AGENT_NAME } from "../runtimes/identity.ts";
import { invalid, kindOf, list, textBytes } from "./arguments.ts";

/** Variables by name; undefined removes one. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** What every command starts from: the runtime's variables, and those that name the sandbox's own places. */
export function baseEnvironment(runtime: Variables, owner: Variables): Variables {
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LANG: "C.UTF-8",
    ...runtime,
    HOME: HOME_PATH,
    USER: AGENT_NAME,
    LOGNAME: AGENT_NAME,
    SHELL: "/bin/sh",
    TMPDIR: "/tmp",
    // The workspace may belong to another user than the agent, which git takes for an attack.
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "safe.directory",
    GIT_CONFIG_VALUE_0: "*",
    ...owner,
  };
}

/**
 * The variables as `NAME=value` bytes.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If a name is empty or holds `=`, or anything holds a NUL.
 */
export function environmentBytes(variables: Variables): Uint8Array[] {
  if (Array.isArray(variables))
    throw invalid("env", "Cannot use a list as env", variables, "Give an object: { NAME: value }");
  const pairs = Object.entries(variables).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (name === "" || name.includes("=")) {
      throw invalid("env", `Cannot set the variable ${JSON.stringify(name)}`, name, "A name is not empty and has no =");
    }
    if (typeof value !== "string") {
      const what = `Cannot set the variable ${JSON.stringify(name)} to ${kindOf(value)}`;
      throw invalid("env", what, value, "Give a string, or undefined to remove it");
    }
    return [textBytes(`env.${name}`, `${name}=${value}`)];
  });
  return list("env", pairs);
}
