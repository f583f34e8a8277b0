/**
 * Assertions as plain functions, for `node:test` and everything else that takes a thrown error for a failure.
 *
 * @module
 */
import { AssertionError } from "node:assert";
import { type Claim, decidedClaim, startedClaim } from "./claims.ts";
import type { DecisionFilter, StartFilter } from "./filter.ts";
import type { DecisionSource } from "./recorded.ts";

/**
 * Asserts that something was denied.
 *
 * @throws {AssertionError} If it was not; the message lists what came nearest.
 * @throws {SandboxError} ARGUMENT_INVALID If the filter is empty, or has an unknown key.
 *
 * @example
 * ```ts
 * import { createSandbox } from "cofferdam";
 * import { assertDenied } from "cofferdam/testing";
 *
 * await using sandbox = await createSandbox({ version: 1, filesystem: { write: ["."], deny: ["**\/.env"] } });
 * await sandbox.exec(["sh", "-c", "echo TOKEN >.env"]);
 * assertDenied(sandbox, { file: "**\/.env", program: "sh" });
 * ```
 */
export function assertDenied(source: DecisionSource, filter: DecisionFilter): void {
  expectHeld(decidedClaim(source, filter, "deny"), assertDenied);
}

/** Asserts that nothing of the kind was denied, and that it would have been seen. Throws as {@link assertDenied} does. */
export function assertNotDenied(source: DecisionSource, filter: DecisionFilter): void {
  expectAbsent(decidedClaim(source, filter, "deny"), assertNotDenied);
}

/**
 * Asserts that something was allowed. Of files that is recorded with `audit: { files: "all" }`, of starts also where the
 * policy has rules for programs. Throws as {@link assertDenied} does.
 */
export function assertAllowed(source: DecisionSource, filter: DecisionFilter): void {
  expectHeld(decidedClaim(source, filter, "allow"), assertAllowed);
}

/** Asserts that nothing of the kind was allowed, and that it would have been seen. Throws as {@link assertDenied} does. */
export function assertNotAllowed(source: DecisionSource, filter: DecisionFilter): void {
  expectAbsent(decidedClaim(source, filter, "allow"), assertNotAllowed);
}

/** Asserts that a program was started, by the host or by another program. Throws as {@link assertDenied} does. */
export function assertStarted(source: DecisionSource, filter: StartFilter): void {
  expectHeld(startedClaim(source, filter), assertStarted);
}

/** Asserts that a program was not started, and that it would have been seen. Throws as {@link assertDenied} does. */
export function assertNotStarted(source: DecisionSource, filter: StartFilter): void {
  expectAbsent(startedClaim(source, filter), assertNotStarted);
}

type Assertion = (...args: never[]) => void;

function expectHeld({ holds, message }: Claim, stackStartFn: Assertion): void {
  if (!holds) throw new AssertionError({ message: message(), stackStartFn });
}

/** What could not have been seen was not shown to be absent. */
function expectAbsent({ holds, blind, message }: Claim, stackStartFn: Assertion): void {
  if (holds) throw new AssertionError({ message: message(), stackStartFn });
  if (blind !== undefined) throw new AssertionError({ message: unseen(blind), stackStartFn });
}

/** What is said of something that cannot be told. */
export function unseen(blind: string): string {
  return `Cannot tell that nothing of the kind happened: ${blind}`;
}
