/**
 * Calls of gRPC: which path a request has to have, and what content type.
 *
 * Source: gRPC over HTTP/2 (PROTOCOL-HTTP2.md): `:path` is `/` service `/` method.
 *
 * @module
 */
import { compileGlob } from "../glob.ts";
import type { GrpcCalls } from "../types.ts";

/** Whether a path is that of a call that is meant. */
export type GrpcMatcher = (path: string) => boolean;

/** Compiles a rule on calls. Names keep their case, as servers compare them. */
export function compileGrpc({ service, methods }: GrpcCalls): GrpcMatcher {
  // Labels are compared as segments: host globs fold case, and services do not.
  const inService = compileGlob(service.replaceAll(".", "/"));
  const inMethods = methods?.map((glob) => compileGlob(glob));
  return (path) => {
    const parts = /^\/([^/]+)\/([^/]+)$/.exec(path);
    if (parts === null) return false;
    const [, name = "", method = ""] = parts;
    if (!inService(name.replaceAll(".", "/"))) return false;
    return inMethods?.some((matches) => matches(method)) ?? true;
  };
}

/** Whether the one content type of a request says gRPC: `application/grpc`, with a format, or gRPC-Web. */
export function isGrpcType(contentTypes: readonly string[]): boolean {
  const [type, ...more] = contentTypes;
  return type !== undefined && more.length === 0 && /^application\/grpc(?:[-+;].*)?$/i.test(type.trim());
}
