/**
 * The schema of the policy. Rules that look at more than one field are in `rules.ts`.
 *
 * @module
 */

import * as z from "zod";
import * as c from "./content-schema.ts";
import { credentialField } from "./credentials/schema.ts";
import * as f from "./fields.ts";
import { inferenceSchema } from "./inference-schema.ts";
import type * as t from "./types.ts";

const unmatched: z.ZodType<t.Unmatched> = z.enum(["deny", "ask"]);

const pathGrant: z.ZodType<t.PathGrant> = z.strictObject({
  id: f.idField.exactOptional(),
  path: f.pathField,
  optional: z.boolean().exactOptional(),
  defer: f.idField.exactOptional(),
});

const pathDenial: z.ZodType<t.PathDenial> = z.strictObject({
  id: f.idField.exactOptional(),
  path: f.pathField,
});

const paths: z.ZodType<(string | t.PathGrant)[]> = f.list(z.union([f.pathField, pathGrant]));

const filesystem: z.ZodType<t.FilesystemSection> = z.strictObject({
  baseline: z.boolean().exactOptional(),
  read: paths.exactOptional(),
  write: paths.exactOptional(),
  deny: f.list(z.union([f.pathField, pathDenial])).exactOptional(),
  ask: paths.exactOptional(),
  unmatched: unmatched.exactOptional(),
});

const processDenialShape = {
  id: f.idField.exactOptional(),
  binary: f.programField,
  args: f.list(f.argumentField).exactOptional(),
};

const processDenial: z.ZodType<t.ProcessDenial> = z.strictObject(processDenialShape);

const processRule: z.ZodType<t.ProcessRule> = z.strictObject({
  ...processDenialShape,
  sha256: f.sha256Field.exactOptional(),
  defer: f.idField.exactOptional(),
});

const programs: z.ZodType<(string | t.ProcessRule)[]> = f.list(z.union([f.programField, processRule]));

/** 2^22 is the most processes that a Linux kernel can count, 1024 processors the most it is built for. */
const limits: z.ZodType<t.LimitsSection> = z.strictObject({
  memory: f.bytesField.exactOptional(),
  memoryBytes: f.countField().exactOptional(),
  cpus: z.number().min(0.01).max(1024).exactOptional(),
  pids: f.countField(2 ** 22).exactOptional(),
  timeout: f.durationField.exactOptional(),
  timeoutMs: f.countField().exactOptional(),
  mode: z.enum(["enforce", "best-effort"]).exactOptional(),
});

const processSection: z.ZodType<t.ProcessSection> = z.strictObject({
  allow: programs.exactOptional(),
  deny: f.list(z.union([f.programField, processDenial])).exactOptional(),
  ask: programs.exactOptional(),
  limits: limits.exactOptional(),
  unmatched: unmatched.exactOptional(),
});

const ACCESS: readonly t.HttpAccess["access"][] = [
  "read-only",
  "read-write",
  "full",
  "git-read-only",
  "git-read-write",
  "npm-install",
  "pypi-install",
];

const ports: z.ZodType<number[] | "all"> = z.union([f.list(f.countField(65_535), 1), z.literal("all")]);

const grpcCalls: z.ZodType<t.GrpcCalls> = z.strictObject({
  service: f.grpcServiceField,
  methods: f.list(f.grpcMethodField, 1).exactOptional(),
});

const httpRule: z.ZodType<t.HttpRule> = z.strictObject({
  methods: f.list(f.methodField, 1).exactOptional(),
  paths: f.list(f.urlPathField, 1).exactOptional(),
  query: z.record(f.nameField, f.queryField).exactOptional(),
  websocket: z.literal(true).exactOptional(),
  ...c.contentShape,
  grpc: grpcCalls.exactOptional(),
});

const httpRules: z.ZodType<t.HttpRules> = z.strictObject({ rules: f.list(httpRule, 1) });

/** One object and not a union, so that an error names the field; that exactly one is given is held in `rules.ts`. */
const http: z.ZodType<t.HttpAccess | t.HttpRules> = z
  .strictObject({
    access: z.enum(ACCESS).exactOptional(),
    rules: f.list(httpRule, 1).exactOptional(),
  })
  .transform(({ access, rules }): t.HttpAccess | t.HttpRules => {
    return access === undefined ? { rules: rules ?? [] } : { access };
  });

const networkShape = {
  id: f.idField.exactOptional(),
  host: f.networkHostField,
  ports: ports.exactOptional(),
  binaries: f.list(f.binaryField, 1).exactOptional(),
};

const networkRule: z.ZodType<t.NetworkRule> = z.strictObject({
  ...networkShape,
  tls: z.enum(["auto", "terminate", "passthrough"]).exactOptional(),
  http: http.exactOptional(),
  addresses: f.list(f.rangeField, 1).exactOptional(),
  enforcement: z.enum(["enforce", "audit"]).exactOptional(),
  defer: f.idField.exactOptional(),
});

const networkDenial: z.ZodType<t.NetworkDenial> = z.strictObject({
  ...networkShape,
  http: httpRules.exactOptional(),
});

const network: z.ZodType<t.NetworkSection> = z.strictObject({
  allow: f.list(networkRule).exactOptional(),
  deny: f.list(networkDenial).exactOptional(),
  ask: f.list(networkRule).exactOptional(),
  unmatched: unmatched.exactOptional(),
  privateRanges: f.list(f.rangeField).exactOptional(),
});

const SECTIONS: readonly t.PolicySectionName[] = [
  "filesystem",
  "process",
  "network",
  "inference",
  "credentials",
  "audit",
];

/** The whole policy, field by field. */
export const policySchema: z.ZodType<t.Policy> = z.strictObject({
  version: z.literal(1),
  name: f.nameField.exactOptional(),
  filesystem: filesystem.exactOptional(),
  process: processSection.exactOptional(),
  network: network.exactOptional(),
  inference: inferenceSchema.exactOptional(),
  credentials: f.list(credentialField).exactOptional(),
  audit: z
    .strictObject({
      files: z.enum(["off", "denials", "all"]).exactOptional(),
      inference: z.enum(["metadata", "content"]).exactOptional(),
    })
    .exactOptional(),
  locked: f.list(z.enum(SECTIONS)).exactOptional(),
});
