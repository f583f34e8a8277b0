/**
 * Fixtures for `test.extend` of vitest: a sandbox for each test, which ends with it.
 *
 * @module
 */
import type { Policy } from "../policy/core.ts";
import type { AcquireOptions, PoolOptions } from "../pool/options.ts";
import type { Pool } from "../pool/warmed-pool.ts";
import { createPool } from "../pool.ts";
import type { SandboxOptions } from "../sandbox/options.ts";
import type { Sandbox } from "../sandbox/running.ts";
import { createSandbox } from "../sandbox.ts";

/** What a test gets from {@link sandboxFixtures}. */
export interface SandboxFixtures {
  /** The policy of the test's sandbox. */
  policy: Policy | string;
  /** The options of the test's sandbox. */
  sandboxOptions: SandboxOptions;
  /** Made for a test that asks for it, and ended with it. */
  sandbox: Sandbox;
}

/** What a test gets from {@link poolFixtures}. */
export interface PoolFixtures {
  /** One for each file of tests. */
  pool: Pool;
  /** What this test's sandbox is acquired with. */
  acquireOptions: AcquireOptions;
  /** Acquired for a test that asks for it, and ended with it. */
  sandbox: Sandbox;
}

/** Gives a value to a test, and settles when the test is over. */
export type Use<T> = (value: T) => Promise<void>;

/**
 * Fixtures with a sandbox of its own for each test.
 *
 * @example
 * ```ts
 * import { type SandboxFixtures, sandboxFixtures } from "cofferdam/testing";
 * import { test as base } from "vitest";
 *
 * const test = base.extend<SandboxFixtures>(sandboxFixtures({ version: 1, filesystem: { write: ["."] } }));
 * const strict = test.extend({ policy: { version: 1, filesystem: { read: ["."] } } });
 * ```
 */
export function sandboxFixtures(
  policy: Policy | string,
  sandboxOptions: SandboxOptions = {},
): {
  policy: Policy | string;
  sandboxOptions: SandboxOptions;
  sandbox: (fixtures: Omit<SandboxFixtures, "sandbox">, use: Use<Sandbox>) => Promise<void>;
} {
  return {
    policy,
    sandboxOptions,
    // vitest reads the names of what is needed from the parameter's source.
    sandbox: async ({ policy, sandboxOptions }, use) => {
      await using sandbox = await createSandbox(policy, sandboxOptions);
      await use(sandbox);
    },
  };
}

/**
 * Fixtures with a sandbox from a pool: tests that take milliseconds.
 *
 * @example
 * ```ts
 * import { type PoolFixtures, poolFixtures } from "cofferdam/testing";
 * import { test as base } from "vitest";
 *
 * const test = base.extend<PoolFixtures>(poolFixtures({ version: 1, filesystem: { write: ["."] } }, { size: 2 }));
 * ```
 */
export function poolFixtures(
  policy: Policy | string,
  options: PoolOptions,
): {
  pool: [(fixtures: object, use: Use<Pool>) => Promise<void>, { scope: "file" }];
  acquireOptions: AcquireOptions;
  sandbox: (fixtures: Omit<PoolFixtures, "sandbox">, use: Use<Sandbox>) => Promise<void>;
} {
  return {
    pool: [
      // biome-ignore lint/correctness/noEmptyPattern: vitest wants to see that it needs nothing
      async ({}, use) => {
        await using pool = await createPool(policy, options);
        await use(pool);
      },
      { scope: "file" },
    ],
    acquireOptions: {},
    sandbox: async ({ pool, acquireOptions }, use) => {
      await using sandbox = await pool.acquire(acquireOptions);
      await use(sandbox);
    },
  };
}
