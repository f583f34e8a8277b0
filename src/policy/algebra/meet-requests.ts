/**
 * What two conditions on HTTP requests both mean.
 *
 * @module
 */
import { coversText } from "../containment.ts";
import type { GraphqlRule, McpRule } from "../content-types.ts";
import type { HttpAccess, HttpRule, HttpRules } from "../types.ts";
import { containsHttp, containsRequest, contentOf, type Http, httpRulesOf, methodsOf } from "./contains-request.ts";
import { meetGlobs, TooManyGlobs } from "./meet-globs.ts";

/** What both mean. Without rules: nothing, as far as it can be written down. */
export interface MetRequests {
  readonly rules: readonly HttpRule[];
  /** False: there may be more that both mean. */
  readonly exact: boolean;
}

/** What both mean; undefined for `http`: everything on the connection. */
export function meetHttp(
  a: Http,
  b: Http,
): { readonly http: Http; readonly isEmpty: boolean; readonly exact: boolean } {
  if (containsHttp(a, b, false)) return { http: b, isEmpty: false, exact: true };
  if (containsHttp(b, a, false)) return { http: a, isEmpty: false, exact: true };
  const pairs = rulesOf(a).flatMap((left) => rulesOf(b).map((right) => meetRequests(left, right)));
  const rules = pairs.flatMap((pair) => pair.rules);
  return { http: { rules }, isEmpty: rules.length === 0, exact: pairs.every(({ exact }) => exact) };
}

function rulesOf(http: HttpAccess | HttpRules | undefined): readonly HttpRule[] {
  return http === undefined ? [] : httpRulesOf(http);
}

const NOTHING: MetRequests = { rules: [], exact: true };
const UNKNOWN: MetRequests = { rules: [], exact: false };

function meetRequests(a: HttpRule, b: HttpRule): MetRequests {
  if (a.websocket !== b.websocket) return NOTHING;
  if (containsRequest(a, b, false)) return { rules: [b], exact: true };
  if (containsRequest(b, a, false)) return { rules: [a], exact: true };
  // What a call of gRPC is has no other words.
  if (a.grpc !== undefined || b.grpc !== undefined) return UNKNOWN;
  const methods = meetMethods(a.methods, b.methods);
  const paths = meetLists(a.paths, b.paths);
  if (methods?.length === 0 || paths?.length === 0) return NOTHING;
  const query = meetQueries(a.query ?? {}, b.query ?? {});
  const content = meetContent(a, b);
  if (query === undefined || content === undefined) return UNKNOWN;
  const rule: HttpRule = {
    ...(methods === undefined ? {} : { methods }),
    ...(paths === undefined ? {} : { paths }),
    ...(Object.keys(query).length === 0 ? {} : { query }),
    ...(a.websocket === undefined ? {} : { websocket: a.websocket }),
    ...content.rule,
  };
  return { rules: [rule], exact: content.exact };
}

/** The globs of which any may match, of both lists. Undefined: any text. */
function meetLists(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const met = [...new Set(a.flatMap((left) => b.flatMap((right) => meetGlobs(left, right))))];
  if (met.length > LIST_MAX) throw new TooManyGlobs();
  return met;
}

/** As many as a list of a policy may have. */
const LIST_MAX = 1024;

function meetMethods(a: HttpRule["methods"], b: HttpRule["methods"]): HttpRule["methods"] {
  if (a === undefined || b === undefined) return a ?? b;
  const others = methodsOf(b);
  return [...methodsOf(a)].filter((method) => others.has(method));
}

/** Every value of a parameter must match one glob, so two that overlap cannot be written as several rules. */
function meetQueries(a: Globs, b: Globs): Globs | undefined {
  const met = new Map(Object.entries(a));
  for (const [name, glob] of Object.entries(b)) {
    const other = met.get(name);
    if (other === undefined || coversText(other, glob)) met.set(name, glob);
    else if (!coversText(glob, other)) return undefined;
  }
  return Object.fromEntries(met);
}

type Globs = Readonly<Record<string, string>>;

interface MetContent {
  readonly rule: HttpRule;
  readonly exact: boolean;
}

function meetContent(a: HttpRule, b: HttpRule): MetContent | undefined {
  const [left, right] = [contentOf(a), contentOf(b)];
  if (Object.keys(left).length === 0) return { rule: right, exact: true };
  if (Object.keys(right).length === 0) return { rule: left, exact: true };
  const [content] = [
    ...(containsRequest(left, right, false) ? [right] : []),
    ...(containsRequest(right, left, false) ? [left] : []),
  ];
  if (content !== undefined) return { rule: content, exact: true };
  const graphql = a.graphql && b.graphql && meetGraphql(a.graphql, b.graphql);
  if (graphql !== undefined) return { rule: { graphql }, exact: false };
  const mcp = a.mcp && b.mcp && meetMcp(a.mcp, b.mcp);
  return mcp === undefined ? undefined : { rule: { mcp }, exact: false };
}

function meetGraphql(a: GraphqlRule, b: GraphqlRule): GraphqlRule | undefined {
  if (a.persisted !== undefined || b.persisted !== undefined) return undefined;
  const all = a.operations ?? b.operations;
  const operations = all?.filter((each) => (b.operations ?? all).includes(each));
  const [names, fields] = [meetLists(a.names, b.names), meetLists(a.fields, b.fields)];
  if ([operations, names, fields].some((list) => list?.length === 0)) return undefined;
  return {
    ...(operations === undefined ? {} : { operations }),
    ...(names === undefined ? {} : { names }),
    ...(fields === undefined ? {} : { fields }),
  };
}

/** Of rules that differ in their tools alone. */
function meetMcp({ tools: left, ...a }: McpRule, { tools: right, ...b }: McpRule): McpRule | undefined {
  const tools = meetLists(left, right);
  const isSame = JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
  return left === undefined || right === undefined || !isSame || tools?.length === 0
    ? undefined
    : { ...a, ...(tools && { tools }) };
}
