/**
 * Connecting from the host to addresses that were checked.
 *
 * @module
 */
import { connect, type Socket } from "node:net";

/** The options of {@link dial}. */
export interface DialOptions {
  /** For all addresses together, in milliseconds. */
  readonly timeoutMs: number;
  /** Nobody wants the connection any more. */
  readonly signal: AbortSignal;
}

/** How long one address has for itself before the next is tried beside it: RFC 8305, section 5. */
const STAGGER_MS = 250;

/**
 * Connects to the first of the addresses that answers, trying them in their order, families in turn (RFC 8305).
 *
 * Shape: half-open, without Nagle's delay.
 *
 * @throws {Error} With the `code` of the last attempt; `ETIMEDOUT` if none answered in time, `ABORT_ERR` if nobody waits.
 */
export function dial(addresses: readonly string[], port: number, options: DialOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const waiting = interleave(addresses);
    const open = new Set<Socket>();
    let failure: Error = failed("EHOSTUNREACH", "there is no address");
    let stagger: NodeJS.Timeout | undefined;
    const finish = (winner: Socket | undefined, error?: Error) => {
      clearTimeout(stagger);
      clearTimeout(deadline);
      options.signal.removeEventListener("abort", abort);
      waiting.length = 0;
      for (const socket of open) if (socket !== winner) socket.destroy();
      open.clear();
      if (winner === undefined) reject(error);
      else resolve(winner);
    };
    const next = () => {
      clearTimeout(stagger);
      const address = waiting.shift();
      if (address === undefined) {
        if (open.size === 0) finish(undefined, failure);
        return;
      }
      const socket = connect({ host: address, port, noDelay: true, allowHalfOpen: true });
      open.add(socket);
      socket.once("connect", () => {
        socket.removeAllListeners("error");
        finish(socket);
      });
      socket.on("error", (error) => {
        if (!open.delete(socket)) return;
        failure = error;
        next();
      });
      stagger = setTimeout(next, STAGGER_MS);
    };
    const abort = () => finish(undefined, failed("ABORT_ERR", "nobody waits for it any more"));
    const deadline = setTimeout(() => finish(undefined, failed("ETIMEDOUT", "no address answered")), options.timeoutMs);
    options.signal.addEventListener("abort", abort, { once: true });
    if (options.signal.aborted) abort();
    else next();
  });
}

function failed(code: string, reason: string): Error {
  return Object.assign(new Error(`Cannot connect: ${reason}`), { code });
}

/** The first address's family first, then the other, in turn. */
function interleave(addresses: readonly string[]): string[] {
  const isV6 = (address: string) => address.includes(":");
  const first = addresses.filter((address) => isV6(address) === isV6(addresses[0] ?? ""));
  const second = addresses.filter((address) => !first.includes(address));
  return first
    .flatMap((address, index) => [address, ...(second[index] === undefined ? [] : [second[index]])])
    .concat(second.slice(first.length));
}
