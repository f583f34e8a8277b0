/**
 * Linux signals by number and name: those of x86-64 and arm64, whatever the host is. See signal(7).
 *
 * @module
 */
import { SandboxError } from "../errors.ts";

const NAMES = [
  ..."SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE".split(" "),
  ..."SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ".split(" "),
  ..."SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS".split(" "),
];

/** The name of a signal, or `SIGRTn` for a real-time one. */
export function signalName(number: number): string {
  return NAMES[number - 1] ?? `SIGRT${number}`;
}

/**
 * The number of a signal.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If Linux has none of that name.
 */
export function signalNumber(name: string): number {
  const index = NAMES.indexOf(name);
  if (index >= 0) return index + 1;
  throw new SandboxError("ARGUMENT_INVALID", `Cannot send the signal "${name}": Linux has none of that name`, {
    details: { argument: "signal", value: name },
    hint: 'Use a name such as "SIGTERM"',
  });
}
