/** Programs of this machine, with and without bubblewrap. */
import { runCommand } from "../command.ts";
import { timed } from "../measure.ts";
import type { Contestant } from "../types.ts";

const BUBBLEWRAP = ["--ro-bind", "/", "/", "--unshare-all", "--proc", "/proc", "--dev", "/dev", "/bin/true"] as const;

/** A program without any sandbox. */
export const plainSpawn: Contestant = {
  name: "plain spawn",
  run: () => timed(() => runCommand(["/bin/true"])),
};

/** bubblewrap: all namespaces, and the host's root to read. */
export const bubblewrap: Contestant = {
  name: "bubblewrap",
  run: () => timed(() => runCommand(["bwrap", ...BUBBLEWRAP])),
};
