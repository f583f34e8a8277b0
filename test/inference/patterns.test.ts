import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fingerprints } from "../../src/domains/inference/privacy/fingerprints.ts";
import { finderOf } from "../../src/domains/inference/privacy/own.ts";
import { SHINGLE, WINDOW } from "../../src/domains/inference/privacy/shingles.ts";
import { cover, SLICE } from "../../src/domains/inference/privacy/spans.ts";
import { mapTexts } from "../../src/domains/inference/privacy/texts.ts";
import type { PrivacyPattern } from "../../src/policy/mod.ts";

const found = async (pattern: PrivacyPattern, text: string): Promise<string[]> => {
  const find = await finderOf(pattern, {});
  return (await find(text)).map(([start, end]) => text.slice(start, end));
};

/** Put together here, so that nobody takes this file for a leak. */
const token = (prefix: string, length: number) => prefix + "aB3".repeat(length).slice(0, length);

describe("what is looked for by name", () => {
  test("keys", async () => {
    const keys = [
      token("sk-ant-", 40),
      token("sk-proj-", 40),
      token("ghp_", 36),
      token("github_pat_", 40),
      token("glpat-", 20),
      `AKIA${"ABCD1234".repeat(2)}`,
      token("AIza", 35),
      token("xoxb-", 20),
      token("hf_", 34),
      token("npm_", 36),
      token("sk_live_", 24),
      [token("eyJ", 20), token("eyJ", 30), token("", 40)].join("."),
      `-----BEGIN OPENSSH ${"PRIVATE"} KEY-----\nb3Bl\nbnNz\n-----END OPENSSH ${"PRIVATE"} KEY-----`,
    ];
    for (const key of keys) expect(await found("keys", `x="${key}";`), key).toEqual([key]);
    const open = `-----BEGIN ${"PRIVATE"} KEY-----\nb3Bl`;
    expect(await found("keys", `a ${open}`)).toEqual([open]);
    expect(await found("keys", "task-force sk-learn risk-averse-people-are-here-today npm_install AKIA")).toEqual([]);
  });

  test("addresses of e-mail", async () => {
    expect(await found("emails", "to a.b+c@mail.example.com, or <x_1@example.org>.")).toEqual([
      "a.b+c@mail.example.com",
      "x_1@example.org",
    ]);
    expect(await found("emails", "@name foo@bar git@ user@host:22")).toEqual([]);
  });

  test("numbers of cards, whose check digit is right", async () => {
    const text = "4111111111111111, 5500 0000 0000 0004 12/27, 3400-0000-0000-009; 4111111111111112 1234567890123456";
    expect(await found("cards", text)).toEqual(["4111111111111111", "5500 0000 0000 0004", "3400-0000-0000-009"]);
    expect(await found("cards", `${"7".repeat(40)} abc4111111111111111`)).toEqual([]);
  });

  test("numbers of phones", async () => {
    expect(await found("phones", "+49 731 1234567, +1 (415) 555-2671; 415-555-2671 or (415) 555-2671")).toEqual([
      "+49 731 1234567",
      "+1 (415) 555-2671",
      "415-555-2671",
      "(415) 555-2671",
    ]);
    expect(await found("phones", "2024-01-15 +12 3.14 192.168.100.1234")).toEqual([]);
  });

  test.each<[PrivacyPattern, string]>([
    ["emails", "a".repeat(400_000)],
    ["emails", "a@".repeat(200_000)],
    ["emails", `a@${"a.".repeat(200_000)}`],
    ["cards", "4 ".repeat(200_000)],
    ["cards", "4".repeat(400_000)],
    ["phones", "+1 (".repeat(100_000)],
    ["phones", `+1${" 1".repeat(200_000)}`],
    ["keys", `-----BEGIN ${"PRIVATE"} KEY-----`.repeat(20_000)],
    ["keys", ".eyJaaaaaaaaaa".repeat(30_000)],
    [{ regex: "(a+)+$" }, `${"a".repeat(400_000)}!`],
    [{ regex: "(a|a)*b" }, "a".repeat(100_000)],
  ])("%j: a text that is made to be slow is not (%#)", async (pattern, text) => {
    // It would take hours otherwise, and the test be given up.
    expect(await found(pattern, text)).toBeDefined();
  });

  test("an expression of one's own, also where a long text is cut", async () => {
    const near = `${"x ".repeat(SLICE / 2 - 3)}ACME-123456 ${"y ".repeat(SLICE)}`;
    expect(await found({ regex: "\\bACME-\\d{6}\\b" }, near)).toEqual(["ACME-123456"]);
    expect(await found({ regex: "(?i)acme" }, "Acme, aCME")).toEqual(["Acme", "aCME"]);
    expect(await found({ regex: "x*" }, "abc")).toEqual([]);
    for (const regex of ["(a)\\1", "(?=a)", "(", "[z-a]"]) await expect(finderOf({ regex }, {})).rejects.toThrow();
  });

  test("a function of one's own, whose mistakes are errors", async () => {
    const run = async (answer: unknown) => (await finderOf({ function: "f" }, { f: () => answer as never }))("text");
    expect(await run(true)).toEqual([[0, 4]]);
    expect(await run(Promise.resolve([[1, 2]]))).toEqual([[1, 2]]);
    expect([await run(false), await run(undefined)]).toEqual([[], []]);
    for (const answer of ["x", [[2, 1]], [[0, 9]], [1], null, Promise.reject(new Error("no"))]) {
      await expect(run(answer)).rejects.toThrow();
    }
    await expect(finderOf({ function: "toString" }, {})).rejects.toThrow(/no function/);
  });
});

describe("fingerprints", () => {
  const words = fc.array(fc.stringMatching(/^[a-z0-9]{2,9}$/), { minLength: 30, maxLength: 80 });

  test("whatever is copied is found again, as it stands or laid out anew", async () => {
    await fc.assert(
      fc.asyncProperty(words, fc.nat(), fc.constantFrom(" ", "\n", ", ", "\t| "), async (list, seed, between) => {
        const kept = new Fingerprints();
        const bit = kept.bitOf(["/a"]) as number;
        const file = list.join(" ");
        expect(await kept.add(file, bit)).toBe(true);
        const letters = file.replaceAll(" ", "");
        const from = seed % (letters.length - SHINGLE - WINDOW + 1);
        const copied = letters.slice(from, from + SHINGLE + WINDOW - 1).toUpperCase();
        const laidOut = [copied.slice(0, 9), copied.slice(9, 20), copied.slice(20)].join(between);
        const isPlain = new Set(copied).size > 1;
        expect((await kept.find(`before: ${laidOut} :after`, bit)).length > 0).toBe(isPlain);
        expect(await kept.find(laidOut, (bit << 1) >>> 0)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test("what is nobody's is not found, and a redaction takes the whole line", async () => {
    const kept = new Fingerprints();
    const bit = kept.bitOf(["/a"]) as number;
    expect(kept.bitOf(["/a"])).toBe(bit);
    const line = "Ada Lovelace, 12 St James's Square, London, account 77-1815";
    await kept.add(`name, address, account\n${line}\n`, bit);
    const text = `You said:\n  3: ${line.slice(0, 50)}\nand nothing else of importance to anybody here`;
    const spans = await kept.find(text, bit);
    expect(cover(text, spans, "[x]")).toBe("You said:\n[x]\nand nothing else of importance to anybody here");
    expect(await kept.find("and nothing else of importance to anybody here at all", bit)).toEqual([]);
    await kept.add("0".repeat(500) + "-".repeat(500), bit);
    expect(await kept.find("0".repeat(200), bit)).toEqual([]);
    for (let set = 1; set < 32; set++) expect(kept.bitOf([`/${set}`])).toBeGreaterThan(0);
    expect(kept.bitOf(["/33"])).toBeUndefined();
  });

  test("a large file, in a long text", async () => {
    const kept = new Fingerprints();
    const bit = kept.bitOf(["/a"]) as number;
    const file = Array.from({ length: 20_000 }, (_, row) => `${row},${(row * 7919).toString(36)},${row * row}`).join(
      "\n",
    );
    expect(await kept.add(file, bit)).toBe(true);
    const middle = file.slice(200_000, 200_200);
    expect(await kept.find(`${"lorem ipsum dolor ".repeat(30_000)}${middle}`, bit)).not.toEqual([]);
  });
});

describe("texts of a call", () => {
  test("those in JSON that is a text, those that are names, and those in base64", async () => {
    const seen: string[] = [];
    const file = "a file with some words in it, that is as long as such a file may be";
    const body = {
      messages: [
        { content: "plain words", tool_calls: [{ arguments: '{"path":"a long path","n":[1,"deep words"]}' }] },
      ],
      "a long name": 1,
      image: { data: Buffer.from(file).toString("base64") },
      url: `data:text/plain;base64,${Buffer.from(file).toString("base64")}`,
    };
    const same = await mapTexts(body, async (text) => {
      seen.push(text);
      return text;
    });
    expect(same).toBe(body);
    expect(seen).toEqual(expect.arrayContaining(["plain words", "a long path", "deep words", "a long name"]));
    expect(seen.filter((text) => text === file)).toHaveLength(2);
    const masked = await mapTexts({ card: 4111111111111111, n: 1, x: null }, async (text) =>
      text.replace("4111", "[x]"),
    );
    expect(masked).toEqual({ card: "[x]111111111111", n: 1, x: null });
    const changed = await mapTexts({ a: body.messages }, async (text) => text.replace("words", "[x]"));
    expect(JSON.stringify(changed)).toBe(JSON.stringify({ a: body.messages }).replaceAll("words", "[x]"));
    await expect(mapTexts(body, async (text) => text.replace("file", "[x]"))).rejects.toThrow(/cannot be sent without/);
  });
});
