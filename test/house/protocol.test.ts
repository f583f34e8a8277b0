import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { protocolHeader } from "../../scripts/protocol-header.ts";

test("protocol.gen.h is what src/link/protocol.ts says: `npm run protocol` writes it", () => {
  const header = readFileSync(new URL("../../src/warden/native/protocol.gen.h", import.meta.url), "utf8");
  expect(header).toBe(protocolHeader());
});
