import { describe, expect, test } from "vitest";
import { isGrpcType } from "../../../src/policy/http/mod.ts";

describe("isGrpcType()", () => {
  test.each([
    ["application/grpc", true],
    ["application/grpc+proto", true],
    ["Application/gRPC+json", true],
    ["application/grpc; charset=utf-8", true],
    ["application/grpc-web+proto", true],
    ["application/grpcx", false],
    ["application/json", false],
    ["text/plain, application/grpc", false],
  ])("%s: %s", (type, expected) => {
    expect(isGrpcType([type])).toBe(expected);
  });

  test("takes no request for gRPC that has no type, or two", () => {
    expect(isGrpcType([])).toBe(false);
    expect(isGrpcType(["application/grpc", "application/json"])).toBe(false);
  });
});
