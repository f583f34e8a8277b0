/**
 * The schema of rules on content. Rules that look at more than one field are in `content-issues.ts`.
 *
 * @module
 */

import * as z from "zod";
import type * as t from "./content-types.ts";
import * as f from "./fields.ts";

/** A name in GraphQL; globs allowed. */
const names: z.ZodType<string[]> = f.list(f.modelField, 1);

const graphql: z.ZodType<t.GraphqlRule> = z.strictObject({
  operations: f.list(z.enum(["query", "mutation", "subscription"]), 1).exactOptional(),
  names: names.exactOptional(),
  fields: names.exactOptional(),
  persisted: f.list(f.sha256Field, 1).exactOptional(),
});

const scalar: z.ZodType<t.ValueScalar> = z.union([z.string().max(1024), z.number(), z.boolean(), z.null()]);

const value: z.ZodType<t.ValueCondition> = z.union([
  f.queryField,
  z.number(),
  z.boolean(),
  z.null(),
  z.strictObject({ in: f.list(scalar, 1) }),
  z.strictObject({ min: z.number().exactOptional(), max: z.number().exactOptional() }),
]);

const values: z.ZodType<t.ValueConditions> = z.record(f.valuePathField, value);

const direction: z.ZodType<t.MessageDirection> = z.enum(["to-host", "from-host"]);

const jsonRpcShape = { methods: names.exactOptional(), params: values.exactOptional() };

const jsonrpc: z.ZodType<t.JsonRpcRule> = z.strictObject({ ...jsonRpcShape, direction: direction.exactOptional() });

const mcp: z.ZodType<t.McpRule> = z.strictObject({
  methods: names.exactOptional(),
  tools: names.exactOptional(),
  arguments: values.exactOptional(),
  direction: direction.exactOptional(),
});

const message: z.ZodType<t.MessageRule> = z.strictObject({
  direction: direction.exactOptional(),
  kind: z.enum(["text", "binary"]).exactOptional(),
  text: f.list(f.queryField, 1).exactOptional(),
  json: values.exactOptional(),
  jsonrpc: z.strictObject(jsonRpcShape).exactOptional(),
});

/** What an HTTP rule may say about content. */
export const contentShape: {
  readonly graphql: z.ZodExactOptional<z.ZodType<t.GraphqlRule>>;
  readonly jsonrpc: z.ZodExactOptional<z.ZodType<t.JsonRpcRule>>;
  readonly mcp: z.ZodExactOptional<z.ZodType<t.McpRule>>;
  readonly messages: z.ZodExactOptional<z.ZodType<t.MessageRule[]>>;
} = {
  graphql: graphql.exactOptional(),
  jsonrpc: jsonrpc.exactOptional(),
  mcp: mcp.exactOptional(),
  messages: f.list(message, 1).exactOptional(),
};
