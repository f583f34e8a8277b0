import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ownershipOf } from "../../../src/runtimes/workspace/ownership.ts";
import { accessAt, descend, select, type WorkspaceGrant } from "../../../src/runtimes/workspace/select.ts";

describe("the selection of a workspace", () => {
  test("is what the grants cover, and the way there", () => {
    const selected = select([
      { relative: "src", access: "read" },
      { relative: "src/gen", access: "write" },
      { relative: "src/gen/fixed", access: "read" },
      { relative: "a/b/c", access: "read" },
    ]);
    const at = (path: string): string | undefined => accessAt(selected, path);
    expect(at(".")).toBe("ancestor");
    expect(at("src")).toBe("read");
    expect(at("src/x/y")).toBe("read");
    expect(at("src/gen/z")).toBe("write");
    expect(at("src/gen/fixed")).toBe("write");
    expect(at("a/b")).toBe("ancestor");
    expect(at("a/b/c/d")).toBe("read");
    expect(at("a/x")).toBeUndefined();
    expect(at("srcs")).toBeUndefined();
  });

  test("goes by bytes", () => {
    const selected = select([{ relative: "\uFFFD/é", access: "read" }]);
    expect(descend(selected, Buffer.from([0xff]))).toBeUndefined();
    expect(accessAt(selected, "\uFFFD/é")).toBe("read");
  });

  test("agrees with the grants one by one", () => {
    const path = fc
      .array(fc.constantFrom("a", "b", "__proto__"), { maxLength: 4 })
      .map((parts) => parts.join("/") || ".");
    const grants: fc.Arbitrary<WorkspaceGrant[]> = fc.array(
      fc.record({ relative: path, access: fc.constantFrom("read" as const, "write" as const) }),
      { maxLength: 5 },
    );
    const within = (inner: string, outer: string): boolean =>
      outer === "." || inner === outer || inner.startsWith(`${outer}/`);
    fc.assert(
      fc.property(grants, path, (given, at) => {
        const over = given.filter((grant) => within(at, grant.relative));
        const expected = over.some((grant) => grant.access === "write")
          ? "write"
          : over.length > 0
            ? "read"
            : at === "." || given.some((grant) => within(grant.relative, at))
              ? "ancestor"
              : undefined;
        expect(accessAt(select(given), at)).toBe(expected);
      }),
    );
  });
});

describe("the owner of a copy", () => {
  const agent = { uid: 5, gid: 6 };

  test.each([
    ["write", 0o6755, { ...agent, mode: 0o755 }],
    ["write", 0o400, { ...agent, mode: 0o400 }],
    ["write", 0o1777, { ...agent, mode: 0o1777 }],
    ["read", 0o644, { uid: 0, gid: 6, mode: 0o644 }],
    ["read", 0o600, { uid: 0, gid: 6, mode: 0o640 }],
    ["read", 0o4777, { uid: 0, gid: 6, mode: 0o755 }],
    ["read", 0o066, { uid: 0, gid: 6, mode: 0o004 }],
    ["ancestor", 0o777, { uid: 0, gid: 6, mode: 0o750 }],
  ] as const)("%s %o", (access, mode, expected) => {
    expect(ownershipOf(access, mode, agent)).toEqual(expected);
  });
});
