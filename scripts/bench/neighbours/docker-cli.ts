/** The docker command, as people use it. */
import { runCommand } from "../command.ts";
import { timed } from "../measure.ts";
import type { BenchContext, Contestant } from "../types.ts";

/** Runs the docker command. */
export function docker(...args: string[]): Promise<Buffer> {
  return runCommand(["docker", ...args]);
}

/** The arguments that make a container of the same kind as a sandbox: no network, and found again by its label. */
export function containerArguments({ label }: BenchContext): string[] {
  return ["--label", label, "--network", "none"];
}

/** A container that runs until it is removed. */
export interface CliContainer {
  readonly id: string;
  remove(): Promise<void>;
}

/** Starts a container that does nothing. */
export async function startContainer(context: BenchContext, image: string): Promise<CliContainer> {
  const out = await docker("run", "--detach", ...containerArguments(context), image, "sleep", "infinity");
  const id = out.toString().trim();
  return { id, remove: async () => void (await docker("rm", "--force", "--volumes", id)) };
}

/** `docker run --rm`, from its start to its end. */
export function dockerRun(context: BenchContext, image: string, network: "none" | "bridge"): Contestant {
  const args = ["run", "--rm", "--label", context.label, "--network", network, image, "/bin/true"];
  return { name: `docker run --rm --network ${network}`, run: () => timed(() => docker(...args)) };
}

/** `docker create` and `docker start`: the container runs then. */
export function dockerCreateStart(context: BenchContext, image: string): Contestant {
  return {
    name: "docker create, docker start",
    run: async () => {
      let id = "";
      const took = await timed(async () => {
        const out = await docker("create", ...containerArguments(context), image, "sleep", "infinity");
        id = out.toString().trim();
        await docker("start", id);
      });
      await docker("rm", "--force", id);
      return took;
    },
  };
}

/** `docker exec` in a container that runs. */
export function dockerExec(container: CliContainer): Contestant {
  return { name: "docker exec", run: () => timed(() => docker("exec", container.id, "/bin/true")) };
}
