import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseBytes, parseDuration } from "../../src/policy/mod.ts";

describe("parseBytes()", () => {
  test.each([
    ["1B", 1],
    ["1kB", 1000],
    ["3MB", 3_000_000],
    ["2GB", 2_000_000_000],
    ["1KiB", 1024],
    ["512MiB", 536_870_912],
    ["1GiB", 1_073_741_824],
    ["8388607GiB", 8_388_607 * 2 ** 30],
  ])("reads %s", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each([
    ...[
      "",
      "1",
      "GiB",
      "0B",
      "01B",
      "-1B",
      "+1B",
      "1.5GiB",
      "1e3B",
      "1 GiB",
      " 1GiB",
      "1GiB ",
      "1GiB\n",
      "1gib",
      "1KB",
    ],
    ...["1Gi", "1G", "0x1B", "8388608GiB", "9999999999999999GB", "99999999999999999999B", "1constructor", "١B"],
  ])("refuses %j", (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });
});

describe("parseDuration()", () => {
  test.each([
    ["1ms", 1],
    ["250ms", 250],
    ["30s", 30_000],
    ["10m", 600_000],
    ["1h", 3_600_000],
  ])("reads %s", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(["", "10", "m", "0s", "1h30m", "1.5h", "1 m", "1M", "1min", "1d", "-1s", "9999999999999999h"])(
    "refuses %j",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  test("gives a positive safe integer or nothing, for any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9]{1,18}(ms|s|m|h)$/)), (text) => {
        const value = parseDuration(text);
        expect(value === undefined || (Number.isSafeInteger(value) && value > 0)).toBe(true);
      }),
    );
  });
});
