/**
 * The places that every conformance case runs in.
 */
import { execFileSync } from "node:child_process";
import { getuid } from "node:process";
import { createSandbox, type Policy, runtimeProblem, type Sandbox, type SandboxOptions } from "../../src/mod.ts";

/** A place where sandboxes can run. */
export interface Place {
  readonly name: PlaceName;
  readonly docker: boolean;
  /** Whether Node, git, Python and curl are there. */
  readonly tools: boolean;
  /** Why it cannot be used here, if it cannot. */
  problem(): Promise<string | undefined>;
  create(policy: Policy | string, options?: SandboxOptions): Promise<Sandbox>;
}

export type PlaceName = "docker-busybox" | "docker-debian" | "local-root" | "local-user";

const isRoot = getuid?.() === 0;

function docker(name: PlaceName, image: string, tools: boolean): Place {
  return {
    name,
    docker: true,
    tools,
    problem: () => runtimeProblem("docker"),
    create: (policy, options) => createSandbox(policy, { runtime: "docker", image, ...options }),
  };
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

/** The static program of attacks, compiled once for each test process. */
export function buildAttack(target: string): void {
  const source = new URL("./attack.c", import.meta.url).pathname;
  execFileSync("cc", ["-static", "-O1", "-o", target, source, "-lutil"], { stdio: "pipe" });
}
