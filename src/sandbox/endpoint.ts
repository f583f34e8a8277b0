/**
 * Hosts with their ports, as they are shown.
 *
 * @module
 */

/** `host:port`; IPv6 addresses in brackets. */
export function endpoint(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
