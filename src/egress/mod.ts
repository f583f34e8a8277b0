/**
 * Every byte that leaves: connections of the sandbox, the addresses that they may reach, and the host's own connections.
 *
 * @module
 */
export { type DialOptions, dial } from "./dial.ts";
export { type Flow, type FlowErrno, type FlowSubject, LinkFlow } from "./flow.ts";
export { addressKind, type Checked, isListed, type Resolver, resolveChecked, systemResolver } from "./guard.ts";
export { join, reset } from "./join.ts";
