/**
 * What starting a program takes of the library. Not by way of the public barrel, which loads all of it: who calls `run` waits
 * for no more than a sandbox needs.
 *
 * @module
 */
export { displaySafe } from "../audit/display.ts";
export { SandboxError } from "../errors.ts";
export { createSandbox } from "../sandbox.ts";
