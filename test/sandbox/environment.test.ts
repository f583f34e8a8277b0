import { describe, expect, test } from "vitest";
import { baseEnvironment, environmentBytes } from "../../src/sandbox/environment.ts";

describe("baseEnvironment()", () => {
  test("has the sandbox's own places, and nothing of this process", () => {
    process.env.COFFERDAM_TEST_SECRET = "secret";
    try {
      const variables = baseEnvironment({ PATH: "/opt/bin", HOME: "/root" }, { EXTRA: "1" });
      expect(variables).toEqual({
        PATH: "/opt/bin",
        LANG: "C.UTF-8",
        HOME: "/home/agent",
        USER: "agent",
        LOGNAME: "agent",
        SHELL: "/bin/sh",
        TMPDIR: "/tmp",
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "safe.directory",
        GIT_CONFIG_VALUE_0: "*",
        EXTRA: "1",
      });
    } finally {
      delete process.env.COFFERDAM_TEST_SECRET;
    }
  });

  test("has a PATH where the runtime has none, and lets the owner remove what it wants", () => {
    expect(baseEnvironment({}, {}).PATH).toContain("/usr/bin");
    expect(environmentBytes(baseEnvironment({}, { LANG: undefined })).map(String)).not.toContain("LANG=C.UTF-8");
  });
});
