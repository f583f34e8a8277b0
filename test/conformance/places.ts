/**
 * The places that every conformance case runs in.
 */
import { execFile } from "node:child_process";
import { getuid } from "node:process";
import { promisify } from "node:util";
import { createSandbox, type Policy, runtimeProblem, type Sandbox, type SandboxOptions } from "../../src/mod.ts";

/** A place where sandboxes can run. */
export interface Place {
  readonly name: PlaceName;
  readonly docker: boolean;
  /** Whether Node, git, Python, bash and curl are there. */
  readonly tools: boolean;
  /** Why it cannot be used here, if it cannot. */
  problem(): Promise<string | undefined>;
  create(policy: Policy | string, options?: SandboxOptions): Promise<Sandbox>;
}

export type PlaceName = "docker-busybox" | "docker-debian" | "local-root" | "local-user";

/** Whether the tests run as root. Then the host's ordinary user is {@link ORDINARY_UID}. */
export const isRoot: boolean = getuid?.() === 0;

/** Who owns the folders of the host, and makes the attacks outside, where the tests run as root. */
export const ORDINARY_UID = 1000;

const run = promisify(execFile);

function docker(name: PlaceName, image: string, tools: boolean): Place {
  return {
    name,
    docker: true,
    tools,
    problem: async () => (await runtimeProblem("docker")) ?? (await imageProblem(image)),
    create: (policy, options) => createSandbox(policy, { runtime: "docker", image, ...options }),
  };
}

async function imageProblem(image: string): Promise<string | undefined> {
  return run("docker", ["image", "inspect", image]).then(
    () => undefined,
    () => `there is no image ${image}: run scripts/build-test-images.sh`,
  );
}

function local(name: PlaceName, asRoot: boolean): Place {
  return {
    name,
    docker: false,
    tools: true,
    problem: async () =>
      isRoot === asRoot ? runtimeProblem("local") : `the tests run as ${isRoot ? "root" : "an ordinary user"}`,
    create: (policy, options) => createSandbox(policy, { runtime: "local", ...options }),
  };
}

const ALL: readonly Place[] = [
  docker("docker-busybox", "cofferdam-test-busybox:latest", false),
  docker("docker-debian", "cofferdam-test-debian:latest", true),
  local("local-root", true),
  local("local-user", false),
];

/** The places to run in: those that COFFERDAM_TEST_PLACES names, else all that this user can have. */
export function places(): readonly Place[] {
  const named = process.env.COFFERDAM_TEST_PLACES?.split(",");
  if (named !== undefined) return ALL.filter((place) => named.includes(place.name));
  return ALL.filter((place) => place.docker || place.name === (isRoot ? "local-root" : "local-user"));
}
