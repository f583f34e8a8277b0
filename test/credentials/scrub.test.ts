import { describe, expect, test } from "vitest";
import { needlesOf } from "../../src/credentials/needles.ts";
import { cover, coverText, Scrubber } from "../../src/credentials/scrub.ts";
import { secret } from "./support.ts";

const VALUE = secret();
const PLACEHOLDER = secret();
const needles = needlesOf(VALUE, PLACEHOLDER);

/** What comes out where the bytes come in pieces. */
function scrub(...pieces: readonly string[]): string {
  const scrubber = new Scrubber(() => needles);
  const passed = pieces.map((piece) => scrubber.push(Buffer.from(piece)));
  return Buffer.concat([...passed, scrubber.end()]).toString();
}

describe("Scrubber", () => {
  test("says the placeholder in the place of the secret, wherever it is", () => {
    expect(scrub(`a ${VALUE} b ${VALUE}${VALUE}`)).toBe(`a ${PLACEHOLDER} b ${PLACEHOLDER}${PLACEHOLDER}`);
    expect(scrub("nothing", " at all")).toBe("nothing at all");
  });

  test("finds it cut in two anywhere: no more than its known beginning gets through", () => {
    const text = `[${VALUE}]`;
    for (let at = 1; at < text.length; at++) {
      const out = scrub(text.slice(0, at), text.slice(at));
      expect(out).toHaveLength(text.length);
      // Of a cut after fewer than six bytes, those have gone on.
      const gone = at - 1 < 6 ? VALUE.slice(0, Math.max(at - 1, 0)) : "";
      expect(out).toBe(`[${gone}${PLACEHOLDER.slice(gone.length)}]`);
    }
  });

  test("finds it byte by byte", () => {
    const out = scrub(...`x${VALUE}y${VALUE}`);
    expect(out).not.toContain(VALUE.slice(6));
    expect(out).toHaveLength(VALUE.length * 2 + 2);
  });

  test("keeps back nothing for long that is no secret", () => {
    const scrubber = new Scrubber(() => needles);
    expect(scrubber.push(Buffer.from("data: ghp_\n\n")).toString()).toBe("data: ghp_\n\n");
    expect(scrubber.push(Buffer.from("g")).toString()).toBe("g");
    expect(scrubber.push(Buffer.from(VALUE.slice(0, 20))).toString()).toBe("");
    expect(scrubber.push(Buffer.from("!")).toString()).toBe(`${VALUE.slice(0, 20)}!`);
  });

  test.each([
    ["percent-encoding", (value: string) => encodeURIComponent(value)],
    [
      "percent-encoding in lower case",
      (value: string) => encodeURIComponent(value).replace(/%../g, (c) => c.toLowerCase()),
    ],
    ["JSON with escaped slashes", (value: string) => JSON.stringify(value).slice(1, -1).replaceAll("/", "\\/")],
    ["JSON", (value: string) => JSON.stringify(value).slice(1, -1)],
    ["JSON with slashes by number", (value: string) => JSON.stringify(value).slice(1, -1).replaceAll("/", "\\u002F")],
    [
      "JSON as .NET writes it",
      (value: string) =>
        value.replace(/[<>&'"`+\\]/g, (c) =>
          c === "\\" ? "\\\\" : `\\u00${c.charCodeAt(0).toString(16).toUpperCase()}`,
        ),
    ],
    ["base64 in JSON", (value: string) => Buffer.from(value).toString("base64").replaceAll("/", "\\/")],
    ["base64 in a URL", (value: string) => encodeURIComponent(Buffer.from(value).toString("base64"))],
    ["base64", (value: string) => Buffer.from(value).toString("base64")],
    ["base64 after one byte", (value: string) => Buffer.from(`u${value}`).toString("base64")],
    ["Basic", (value: string) => Buffer.from(`x-access-token:${value}`).toString("base64")],
    ["base64url", (value: string) => Buffer.from(`ab${value}?>`).toString("base64url")],
  ])("finds it in %s", (_, encode) => {
    const odd = `${secret()}/+"\\%~???`;
    const encoded = encode(odd);
    const covered = cover(Buffer.from(encoded), needlesOf(odd, PLACEHOLDER)).toString();
    expect(covered).toHaveLength(encoded.length);
    expect(covered).toMatch(/\*{40}/);
  });

  test("scrubs header lines", () => {
    expect(coverText(`Bearer ${VALUE}`, needles)).toBe(`Bearer ${PLACEHOLDER}`);
    expect(coverText("grün", needles)).toBe("grün");
  });
});
