import { expect } from "vitest";
import { type ErrorCode, SandboxError } from "../../src/errors.ts";
import type { NormalizedPolicy, Policy } from "../../src/policy/mod.ts";
import { normalizePolicy, parsePolicy } from "../../src/policy/mod.ts";

/** Runs something that must fail with a code, and returns the error. */
export function failure<C extends ErrorCode>(code: C, run: () => unknown): SandboxError<C> {
  try {
    run();
  } catch (error) {
    if (SandboxError.is(error, code)) return error;
    throw error;
  }
  return expect.unreachable(`expected ${code}`);
}

/** The issues of a malformed policy as `path: message`, or as `line:column path` when it is a text. */
export function issuesOf(input: unknown): string[] {
  const error = failure("POLICY_INVALID", () => parsePolicy(input as Policy));
  return error.details.issues.map(({ path, message }) => `${path}: ${message}`);
}

/** The places of the issues of a malformed text. */
export function placesOf(text: string): string[] {
  const error = failure("POLICY_INVALID", () => parsePolicy(text));
  return error.details.issues.map(({ path, line, column }) => `${line}:${column} ${path}`);
}

export function normalized(policy: Omit<Policy, "version">): NormalizedPolicy {
  return normalizePolicy({ version: 1, ...policy });
}

/** Every feature of the policy, as in the design. */
export const FULL_YAML: string = `version: 1
name: docs-agent
filesystem:
  read: [./src, ./docs]
  write: [./docs]
  deny: ["**/.env", "./docs/legal/**"]
  ask: ["./CHANGELOG.md"]
process:
  allow: [node, git, "/usr/local/bin/*"]
  deny: [{ binary: git, args: ["push", "**"] }]
  limits: { memory: 1GiB, cpus: 2, pids: 256, timeout: 10m }
network:
  allow:
    - id: github-read
      host: api.github.com
      ports: [443]
      binaries: [gh, git]
      http: { access: read-only }
    - host: "*.Example.com"
      http: { rules: [{ methods: [GET], paths: ["/repos/*/*/contents/**"], query: { ref: main } }] }
  unmatched: deny
inference:
  routes:
    - { models: ["claude-*"], provider: anthropic }
    - { models: ["local/*"], provider: ollama }
  intercept: [api.anthropic.com, api.openai.com]
  budget: { tokens: 200000, usd: 5 }
credentials:
  - { name: GITHUB_TOKEN, hosts: [api.github.com] }
audit: { files: denials }
`;

export const FULL_POLICY: Policy = {
  version: 1,
  name: "docs-agent",
  filesystem: {
    read: ["./src", "./docs"],
    write: ["./docs"],
    deny: ["**/.env", "./docs/legal/**"],
    ask: ["./CHANGELOG.md"],
  },
  process: {
    allow: ["node", "git", "/usr/local/bin/*"],
    deny: [{ binary: "git", args: ["push", "**"] }],
    limits: { memoryBytes: 2 ** 30, cpus: 2, pids: 256, timeoutMs: 600_000 },
  },
  network: {
    allow: [
      {
        id: "github-read",
        host: "api.github.com",
        ports: [443],
        binaries: ["gh", "git"],
        http: { access: "read-only" },
      },
      {
        host: "*.example.com",
        http: { rules: [{ methods: ["GET"], paths: ["/repos/*/*/contents/**"], query: { ref: "main" } }] },
      },
    ],
    unmatched: "deny",
  },
  inference: {
    routes: [
      { models: ["claude-*"], provider: "anthropic" },
      { models: ["local/*"], provider: "ollama" },
    ],
    intercept: ["api.anthropic.com", "api.openai.com"],
    budget: { tokens: 200_000, usd: 5 },
  },
  credentials: [{ name: "GITHUB_TOKEN", hosts: ["api.github.com"] }],
  audit: { files: "denials" },
};
