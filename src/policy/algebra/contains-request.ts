/**
 * Whether everything that one HTTP condition means is meant by another: never wrongly yes, sometimes wrongly no.
 *
 * @module
 */
import { coversText } from "../containment.ts";
import type { ContentRules, GraphqlRule, McpRule } from "../content-types.ts";
import { canonicalJson } from "../digest.ts";
import { ACCESS_RULES } from "../http/mod.ts";
import type { GrpcCalls, HttpAccess, HttpRule, HttpRules } from "../types.ts";

/** Which requests a rule on connections means. Absent: everything on the connection. */
export type Http = HttpAccess | HttpRules | undefined;

/** The rules behind it. */
export function httpRulesOf(http: HttpAccess | HttpRules): readonly HttpRule[] {
  if ("rules" in http) return http.rules;
  return http.access === "full" ? [{}, { websocket: true }] : ACCESS_RULES[http.access];
}

/** Whether `wide` means all that `narrow` does. `denies`: `wide` is that of a denial, which also means WebSockets. */
export function containsHttp(wide: Http, narrow: Http, denies: boolean): boolean {
  if (wide === undefined) return true;
  if (narrow === undefined) return false;
  if (canonicalJson(wide) === canonicalJson(narrow)) return true;
  const others = httpRulesOf(wide);
  return httpRulesOf(narrow).every((rule) => others.some((other) => containsRequest(other, rule, denies)));
}

/** The same for one rule. */
export function containsRequest(wide: HttpRule, narrow: HttpRule, denies: boolean): boolean {
  if (canonicalJson(wide) === canonicalJson(narrow)) return true;
  const socket = denies ? (wide.websocket ?? narrow.websocket) : wide.websocket;
  if (socket !== narrow.websocket) return false;
  if (wide.grpc !== undefined) return narrow.grpc !== undefined && containsGrpc(wide.grpc, narrow.grpc);
  return (
    containsMethods(wide, narrow, denies) &&
    containsPaths(wide, narrow) &&
    containsQuery(wide, narrow) &&
    containsContent(wide, narrow)
  );
}

/** GET includes HEAD. */
export function methodsOf(methods: readonly string[]): ReadonlySet<string> {
  return new Set([...methods, ...(methods.includes("GET") ? ["HEAD"] : [])]);
}

function containsMethods(wide: HttpRule, narrow: HttpRule, denies: boolean): boolean {
  if (wide.methods === undefined) return true;
  // A denial of gRPC means its path with any method.
  const methods = narrow.grpc === undefined || denies ? narrow.methods : ["POST"];
  if (methods === undefined) return false;
  const all = methodsOf(wide.methods);
  return [...methodsOf(methods)].every((method) => all.has(method));
}

function containsPaths(wide: HttpRule, narrow: HttpRule): boolean {
  return containsGlobs(wide.paths, narrow.grpc === undefined ? narrow.paths : ["/*/*"]);
}

function containsQuery(wide: HttpRule, narrow: HttpRule): boolean {
  return Object.entries(wide.query ?? {}).every(([name, glob]) => {
    const other = Object.hasOwn(narrow.query ?? {}, name) ? narrow.query?.[name] : undefined;
    return other !== undefined && coversText(glob, other);
  });
}

/** Case by case, unlike host names. */
function containsGrpc(wide: GrpcCalls, narrow: GrpcCalls): boolean {
  const service = ({ service }: GrpcCalls) => service.replaceAll(".", "/");
  return coversText(service(wide), service(narrow)) && containsGlobs(wide.methods, narrow.methods);
}

/** What of a rule is about content. */
export function contentOf({ graphql, jsonrpc, mcp, messages }: HttpRule): ContentRules {
  return {
    ...(graphql === undefined ? {} : { graphql }),
    ...(jsonrpc === undefined ? {} : { jsonrpc }),
    ...(mcp === undefined ? {} : { mcp }),
    ...(messages === undefined ? {} : { messages }),
  };
}

function containsContent(wide: HttpRule, narrow: HttpRule): boolean {
  const content = contentOf(wide);
  if (Object.keys(content).length === 0 || canonicalJson(content) === canonicalJson(contentOf(narrow))) return true;
  if (wide.graphql !== undefined && narrow.graphql !== undefined) return containsGraphql(wide.graphql, narrow.graphql);
  return wide.mcp !== undefined && narrow.mcp !== undefined && containsMcp(wide.mcp, narrow.mcp);
}

function containsGraphql(wide: GraphqlRule, narrow: GraphqlRule): boolean {
  if (canonicalJson(wide.persisted) !== canonicalJson(narrow.persisted)) return false;
  const operations = wide.operations === undefined || isWithin(wide.operations, narrow.operations);
  return operations && containsGlobs(wide.names, narrow.names) && containsGlobs(wide.fields, narrow.fields);
}

/** Without tools and arguments other methods are meant, and these are all of them. */
function containsMcp({ tools: wide, ...rest }: McpRule, { tools: narrow, ...others }: McpRule): boolean {
  return canonicalJson(rest) === canonicalJson(others) && containsGlobs(wide, narrow);
}

function isWithin<T>(wide: readonly T[], narrow: readonly T[] | undefined): boolean {
  return narrow?.every((each) => wide.includes(each)) ?? false;
}

/** Globs of which any may match; absent: anything does. */
function containsGlobs(wide: readonly string[] | undefined, narrow: readonly string[] | undefined): boolean {
  if (wide === undefined) return true;
  return narrow?.every((glob) => wide.some((other) => coversText(other, glob))) ?? false;
}
