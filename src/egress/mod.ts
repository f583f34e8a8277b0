/**
 * Every byte that leaves: connections of the sandbox, the addresses that they may reach, and the host's own connections.
 *
 * @module
 */
export { type DialOptions, dial } from "./dial.ts";
export { type Flow, type FlowErrno, type FlowSubject, LinkFlow } from "./flow.ts";
export { type Checked, ownAddresses, type Resolver, refusedKind, resolveChecked, systemResolver } from "./guard.ts";
export { join, reset } from "./join.ts";
export { type ProxyOptions, type ProxySettings, readProxySettings } from "./proxy/settings.ts";
export { type Reached, type ReachSetting, type ReachTarget, reach, Unreachable, unlisted } from "./reach.ts";
