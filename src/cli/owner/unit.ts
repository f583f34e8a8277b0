/**
 * `cofferdam run --unit`: a service of the user's systemd that brings a sandbox back after a reboot.
 *
 * @module
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { checkName } from "../control/directory.ts";
import { EXIT } from "../exit-codes.ts";
import { UsageError } from "../failure.ts";
import type { RunFlags } from "../run/flags.ts";
import { aside, say } from "../write.ts";

/** Writes the unit; where no systemd runs, prints it. */
export function writeUnit(flags: RunFlags): number {
  if (flags.name === undefined) throw new UsageError("--unit needs --name: that is what the service is called");
  const name = checkName(flags.name);
  const text = unitText(name);
  if (!existsSync("/run/systemd/system")) {
    process.stdout.write(text);
    aside("No systemd runs here: this is the unit that would be written");
    return EXIT.ok;
  }
  const folder = join(process.env.XDG_CONFIG_HOME || join(homedir(), ".config"), "systemd/user");
  const path = join(folder, `cofferdam-${name}.service`);
  mkdirSync(folder, { recursive: true });
  // What was given with --env is in it: neither an older file's mode nor a link's place.
  rmSync(path, { force: true });
  writeFileSync(path, text, { mode: 0o600 });
  say(path);
  aside(`Begin with: systemctl --user enable --now cofferdam-${name}.service; loginctl enable-linger`);
  return EXIT.ok;
}

/** Deno does not say how it was called, and does nothing that it is not allowed. */
const RUNTIME_ARGUMENTS = "deno" in process.versions ? ["run", "--allow-all"] : process.execArgv;

function unitText(name: string): string {
  const given = process.argv.slice(2);
  const end = given.indexOf("--");
  const options = end < 0 ? given : given.slice(0, end);
  const program = end < 0 ? [] : given.slice(end);
  const kept = options.filter((word) => word !== "--unit" && word !== "--detach" && word !== "-d");
  const command = [
    process.execPath,
    ...RUNTIME_ARGUMENTS,
    resolve(process.argv[1] ?? ""),
    ...kept,
    "--foreground",
    ...program,
  ];
  return `[Unit]
Description=The sandbox ${name} of cofferdam

[Service]
Type=exec
WorkingDirectory=${folder(process.cwd())}
ExecStart=${command.map(quoted).join(" ")}
Restart=on-failure
TimeoutStopSec=60

[Install]
WantedBy=default.target
`;
}

/** One word of a command line: systemd.service(5), "Command lines". */
function quoted(word: string): string {
  if (/[\n\r\0]/.test(word)) throw new UsageError("Cannot write a line break into a unit");
  return `"${escaped(word.replaceAll("\\", "\\\\").replaceAll('"', '\\"')).replaceAll("$", "$$$$")}"`;
}

/** To the end of the line, which a backslash would lead beyond. */
function folder(path: string): string {
  if (!/[\n\r\0]|\\$|\s$/.test(path)) return escaped(path);
  throw new UsageError(
    `Cannot write a unit for the folder ${JSON.stringify(path)}: its name would not stay in its line`,
  );
}

function escaped(text: string): string {
  return text.replaceAll("%", "%%");
}
