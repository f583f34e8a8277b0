/**
 * What a request says: its body, and for GraphQL its query, read in the languages that rules are about.
 *
 * Source: GraphQL over HTTP (working draft) §§5-6; automatic persisted queries as Apollo's clients send them.
 *
 * @module
 */
import type { GraphqlRequest } from "./graphql.ts";
import type { GraphqlField } from "./graphql-rule.ts";
import { type ContentProblem, isObject, type Json, type JsonObject, member, readJson, readText } from "./json.ts";
import { parameterOf } from "./query.ts";
import { type RpcMessage, readRpc } from "./rpc.ts";

/** The languages that rules want a request to be read in. */
export interface ContentNeeds {
  readonly graphql: boolean;
  readonly rpc: boolean;
}

/** What a request says in one language: `nothing` where it has no body, and is a request of another kind. */
export type Spoken<T> = readonly T[] | ContentProblem | "nothing";

/** What a request says. */
export interface Content {
  readonly graphql?: Spoken<GraphqlField>;
  readonly rpc?: Spoken<RpcMessage>;
}

/** A request, as far as its content goes. */
export interface ContentSource {
  readonly method: string;
  /** Whether headers ask the server to take the method for another one. */
  readonly overridden: boolean;
  /** With its `?`; empty where there is none. */
  readonly query: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Absent: there is none. A problem: it could not be read. */
  readonly body: Uint8Array | ContentProblem | undefined;
}

/** Reads it. What cannot be read in one way only is a problem. */
export async function readContent(source: ContentSource, needs: ContentNeeds): Promise<Content> {
  const body = readBody(source);
  return {
    ...(needs.graphql ? { graphql: await readGraphql(source, body) } : {}),
    ...(needs.rpc ? { rpc: readMessages(source, body) } : {}),
  };
}

interface Body {
  readonly type: string;
  readonly text: string;
  /** Read once, when somebody wants it. */
  json(): { readonly value: Json } | ContentProblem;
}

function readBody({ method, overridden, headers, body }: ContentSource): Body | ContentProblem | "nothing" {
  if (body !== undefined && "problem" in body) return body;
  if (overridden) return { problem: "headers ask for another method" };
  if (body === undefined || body.length === 0) return "nothing";
  if (method !== "POST") return { problem: `a ${method} has a body` };
  const type = mediaType(headers);
  if (typeof type !== "string") return type;
  const text = readText(body);
  if ("problem" in text) return text;
  let json: { readonly value: Json } | ContentProblem | undefined;
  return { type, text: text.text, json: () => (json ??= readJson(text.text)) };
}

/** The media type of a body that is plain UTF-8. */
function mediaType(headers: ContentSource["headers"]): string | ContentProblem {
  const of = (name: string) => headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value.trim());
  if (of("content-encoding").some((coding) => !/^(?:identity)?$/i.test(coding))) {
    return { problem: "its body is compressed" };
  }
  const [type, ...others] = of("content-type");
  if (type === undefined || others.length > 0) return { problem: "it has not exactly one Content-Type" };
  const parts = /^([a-z0-9.+-]+\/[a-z0-9.+-]+)[ \t]*(?:;[ \t]*charset="?utf-8"?)?$/i.exec(type);
  if (parts === null) return { problem: "its Content-Type has parameters beside utf-8" };
  return (parts[1] ?? "").toLowerCase();
}

const NO_JSON: ContentProblem = { problem: "its Content-Type is not application/json" };

function readMessages({ query }: ContentSource, body: ReturnType<typeof readBody>): Spoken<RpcMessage> {
  // Older servers take a call from the query.
  if (hasParameter(query, ["jsonrpc", "method", "params"])) return { problem: "its query has a call" };
  if (body === "nothing" || "problem" in body) return body;
  if (body.type !== "application/json") return NO_JSON;
  const json = body.json();
  return "problem" in json ? json : readRpc(json.value, "to-host");
}

const PARAMETERS = ["query", "operationname", "variables", "extensions"];

/** Ways to name a document that is not sent, other than the one that is read. */
const OTHER_NAMES = ["id", "docid", "doc_id", "documentid", "document_id", "queryid", "query_id", "hash", "sha256hash"];

/** The most requests of a batch. */
const BATCH_MAX = 64;

async function readGraphql(
  { method, query }: ContentSource,
  body: ReturnType<typeof readBody>,
): Promise<Spoken<GraphqlField>> {
  const inQuery = hasParameter(query, PARAMETERS);
  if (body !== "nothing" && "problem" in body) return body;
  if (!inQuery && body === "nothing") {
    return hasParameter(query, OTHER_NAMES) ? { problem: "its query names a document that is not sent" } : "nothing";
  }
  // Some servers look into the query first.
  if (inQuery && (body !== "nothing" || (method !== "GET" && method !== "HEAD"))) {
    return { problem: "it has GraphQL in its query, and is no plain GET" };
  }
  const requests = body === "nothing" ? requestOfQuery(query) : requestsOfBody(body);
  if ("problem" in requests) return requests;
  const length = requests.reduce((sum, request) => sum + (request.query?.length ?? 0), 0);
  if (length > DOCUMENTS_MAX) return { problem: `its GraphQL documents have more than ${DOCUMENTS_MAX} characters` };
  const { readOperations } = await import("./graphql.ts");
  const fields: GraphqlField[] = [];
  for (const request of requests) {
    const found = readOperations(request);
    if ("problem" in found) return found;
    for (const field of found) fields.push(field);
    if (fields.length > FIELDS_MAX) return { problem: `it asks for more than ${FIELDS_MAX} fields of the root` };
  }
  return fields;
}

/** Of all requests of a batch together: parsing them holds everything else up. */
const FIELDS_MAX = 1024;
const DOCUMENTS_MAX = 262_144;

function requestOfQuery(query: string): readonly GraphqlRequest[] | ContentProblem {
  if (query.includes(";")) return { problem: "its query has a semicolon, at which servers may split it" };
  const given = [...new URLSearchParams(query)];
  const values = new Map<string, string>();
  for (const [name, value] of given) {
    const folded = parameterOf(name);
    if (OTHER_NAMES.includes(folded)) return { problem: "its query names a document that is not sent" };
    if (!PARAMETERS.includes(folded)) continue;
    if (values.has(folded)) return { problem: "its query has a parameter of GraphQL twice" };
    if (!["query", "operationName", "variables", "extensions"].includes(name)) {
      return { problem: "its query has a parameter of GraphQL in another spelling" };
    }
    values.set(folded, value);
  }
  if (/\ufffd/.test([...values.values()].join(""))) return { problem: "its query is not UTF-8" };
  const extensions = readJson(values.get("extensions") || "null");
  if ("problem" in extensions) return extensions;
  const request = toRequest(values.get("query"), values.get("operationname"), extensions.value);
  return "problem" in request ? request : [request];
}

function hasParameter(query: string, names: readonly string[]): boolean {
  if (query === "") return false;
  return [query, query.replaceAll(";", "&")].some((text) => {
    return [...new URLSearchParams(text).keys()].some((name) => names.includes(parameterOf(name)));
  });
}

function requestsOfBody(body: Body): readonly GraphqlRequest[] | ContentProblem {
  if (body.type === "application/graphql") {
    return [{ query: body.text, operationName: undefined, sha256: undefined }];
  }
  if (body.type !== "application/json") return NO_JSON;
  const json = body.json();
  if ("problem" in json) return json;
  const batch = Array.isArray(json.value) ? (json.value as readonly Json[]) : [json.value];
  if (batch.length === 0 || batch.length > BATCH_MAX) return { problem: `a batch has 1 to ${BATCH_MAX} requests` };
  const requests: GraphqlRequest[] = [];
  for (const each of batch) {
    const request = isObject(each) ? requestOf(each) : { problem: "it is no GraphQL request" };
    if ("problem" in request) return request;
    requests.push(request);
  }
  return requests;
}

const MEMBERS: ReadonlySet<string> = new Set(["query", "operationName", "variables", "extensions"]);

/** A member that is unknown may name another document. */
function requestOf(value: JsonObject): GraphqlRequest | ContentProblem {
  const other = Object.keys(value).find((name) => !MEMBERS.has(name));
  if (other !== undefined) return { problem: "it has a member that a GraphQL request does not" };
  const query = member(value, "query");
  const operationName = member(value, "operationName");
  if (query !== undefined && query !== null && typeof query !== "string") return { problem: "its query is no text" };
  if (operationName !== undefined && operationName !== null && typeof operationName !== "string") {
    return { problem: "its operationName is no text" };
  }
  return toRequest(query ?? undefined, operationName ?? undefined, member(value, "extensions"));
}

function toRequest(
  query: string | undefined,
  operationName: string | undefined,
  extensions: Json | undefined,
): GraphqlRequest | ContentProblem {
  const sha256 = persistedHash(extensions ?? undefined);
  if (typeof sha256 === "object") return sha256;
  return { query: query || undefined, operationName: operationName || undefined, sha256 };
}

function persistedHash(extensions: Json | undefined): string | ContentProblem | undefined {
  if (extensions === undefined) return undefined;
  if (!isObject(extensions)) return { problem: "its extensions are no object" };
  if (Object.keys(extensions).some((name) => name !== "persistedQuery" && name.toLowerCase() === "persistedquery")) {
    return { problem: "its persistedQuery is spelt differently" };
  }
  const persisted = member(extensions, "persistedQuery");
  if (persisted === undefined) return undefined;
  const hash = isObject(persisted) ? member(persisted, "sha256Hash") : undefined;
  if (typeof hash !== "string" || !/^[0-9a-f]{64}$/.test(hash)) return { problem: "its persistedQuery has no SHA-256" };
  return hash;
}
