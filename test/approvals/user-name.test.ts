import { execFileSync } from "node:child_process";
import { afterEach, expect, test } from "vitest";
import { userName } from "../../src/approvals/user-name.ts";

const { USER } = process.env;

afterEach(() => {
  process.env.USER = USER;
  if (USER === undefined) delete process.env.USER;
});

test.each([["somebody else"], [undefined]])(
  "the user's name is the database's where the environment says %s",
  (said) => {
    if (said === undefined) delete process.env.USER;
    else process.env.USER = said;
    expect(userName()).toBe(execFileSync("id", ["-un"], { encoding: "utf8" }).trim());
  },
);
