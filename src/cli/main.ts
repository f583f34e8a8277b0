#!/usr/bin/env node
/**
 * The command line: `cofferdam`.
 *
 * @module
 */
import { failed } from "./failure.ts";
import { buildProgram } from "./program.ts";

try {
  await buildProgram().parseAsync();
} catch (error) {
  process.exitCode = failed(error);
}
