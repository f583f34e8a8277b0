/**
 * A connection of the sandbox, on its way out.
 *
 * @module
 */
import type { Duplex } from "node:stream";

/** The program that connects. */
export interface FlowSubject {
  /** In the sandbox. */
  readonly pid: number;
  /** The path of the program; empty where it is not known. */
  readonly binary: string;
  /** Of the program's file: 64 hexadecimal digits. Only where a hook of connections wants to see it. */
  readonly sha256?: string;
  /** The paths of its parents' programs, the nearest first. They inform; they prove nothing. */
  readonly ancestors: readonly string[];
}

/** How a connection that is not made fails, as errno(3) calls it. */
export type FlowErrno = "ECONNREFUSED" | "EACCES" | "ETIMEDOUT" | "EHOSTUNREACH" | "ENETUNREACH";

/** A connection that a program of the sandbox asks for. Exactly one of {@link accept} and {@link refuse} is called, once. */
export interface Flow {
  /** The name as it was asked for, lower case and without a final dot; or an IP literal. */
  readonly host: string;
  readonly port: number;
  readonly subject: FlowSubject;
  /** Lets the program's connect() succeed. Then bytes go both ways: half-open, as fast as the other side reads. */
  accept(): Duplex;
  /** Makes it fail. */
  refuse(errno: FlowErrno): void;
}
