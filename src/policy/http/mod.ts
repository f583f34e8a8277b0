/**
 * HTTP requests: their one form, and what rules say about them.
 *
 * @module
 */
export { ACCESS_RULES } from "./access.ts";
export { type Content, type ContentNeeds, type ContentSource, readContent } from "./content.ts";
export {
  contentNeeds,
  evaluateHttp,
  type HttpFacts,
  type HttpRuling,
  judgesMessages,
  knowsTool,
  type RequestRule,
} from "./evaluate.ts";
export { isGrpcType } from "./grpc.ts";
export { type ContentProblem, isObject, type Json, member, readJson, readText } from "./json.ts";
export { type RpcMessage, readRpc } from "./rpc.ts";
export type { Message, SocketMessage } from "./says.ts";
export { type RequestTarget, readTarget, type TargetProblem } from "./target.ts";
