/**
 * Every byte that leaves: connections of the sandbox, the addresses that they may reach, and the host's own connections.
 *
 * @module
 */
export { type DialOptions, dial } from "./dial.ts";
export { type Flow, type FlowErrno, type FlowSubject, LinkFlow } from "./flow.ts";
export { type Checked, type Resolver, resolveChecked, systemResolver } from "./guard.ts";
export { join, reset } from "./join.ts";
export { type ProxyOptions, type ProxySettings, readProxySettings } from "./proxy/settings.ts";
export { type ReachSetting, type ReachTarget, reach, Unreachable } from "./reach.ts";
