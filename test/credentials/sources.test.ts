import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type CredentialSource, CredentialStore } from "../../src/credentials/mod.ts";
import { Placeholders } from "../../src/credentials/placeholders.ts";
import { SourceReader } from "../../src/credentials/source-reader.ts";
import { SandboxError } from "../../src/errors.ts";
import { normalized, secret, storeWith } from "./support.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "credentials-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const reader = (source: CredentialSource, environment: Record<string, string> = {}) =>
  new SourceReader("TOKEN", source, environment);

const failure = async (promise: Promise<unknown>): Promise<SandboxError<"CREDENTIAL_UNAVAILABLE">> => {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!SandboxError.is(error, "CREDENTIAL_UNAVAILABLE")) expect.fail(`not CREDENTIAL_UNAVAILABLE: ${error}`);
  return error;
};

describe("sources", () => {
  test("a variable and a file are read each time", async () => {
    const environment: Record<string, string> = { A: "first-value" };
    const variable = reader({ env: "A" }, environment);
    expect(await variable.read()).toBe("first-value");
    environment.A = "second-value";
    expect(await variable.read()).toBe("second-value");
    expect(variable.values).toEqual(["second-value", "first-value"]);
    const path = join(folder, "token");
    const file = reader({ file: path });
    expect(await file.find()).toBeUndefined();
    writeFileSync(path, "  one-of-file\n");
    expect(await file.read()).toBe("one-of-file");
    writeFileSync(path, "two-of-file");
    expect(await file.read()).toBe("two-of-file");
    expect((await failure(reader({ file: folder }).read())).message).toMatch(/no regular file/);
  });

  test("what a command prints is kept, until a host refuses it", async () => {
    const path = join(folder, "printed");
    writeFileSync(path, "printed-one\n");
    const source = { command: ["cat", path] } as const;
    const command = reader(source);
    expect(await command.read()).toBe("printed-one");
    writeFileSync(path, "printed-two\n");
    expect(await command.read()).toBe("printed-one");
    command.refused("another");
    expect(await command.read()).toBe("printed-one");
    command.refused("printed-one");
    expect(await command.read()).toBe("printed-two");
  });

  test("a command is no shell, and its failure says nothing that it printed", async () => {
    const hidden = secret();
    const error = await failure(reader({ command: ["sh", "-c", `echo ${hidden}; echo ${hidden} >&2; exit 3`] }).read());
    expect(error.message).toMatch(/the command "sh" failed with 3$/);
    expect(JSON.stringify([error.message, error.details, error.stack, String(error.cause)])).not.toContain(hidden);
    expect(await reader({ command: ["echo", "$(id)>/dev/null"] }).read()).toBe("$(id)>/dev/null");
    expect((await failure(reader({ command: ["/no/such/program"] }).read())).message).toMatch(/ENOENT/);
  });

  test("a function is asked each time, or shortly before its value expires; callers share a call", async () => {
    let calls = 0;
    const plain = reader(() => `value-number-${++calls}`);
    expect([await plain.read(), await plain.read()]).toEqual(["value-number-1", "value-number-2"]);
    const end = (ms: number) => reader(() => ({ value: `value-number-${++calls}`, expiresAt: Date.now() + ms }));
    const long = end(3_600_000);
    expect([await long.read(), await long.read()]).toEqual(["value-number-3", "value-number-3"]);
    // A minute and a half before its end it still holds; half a minute before, it does not.
    const near = reader(() => ({ value: `value-number-${++calls}`, expiresAt: new Date(Date.now() + 40) }));
    expect(await near.read()).toBe("value-number-4");
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await near.read()).toBe("value-number-5");
    const shared = reader(async () => `value-number-${++calls}`);
    expect(await Promise.all([shared.read(), shared.read()])).toEqual(["value-number-6", "value-number-6"]);
    expect((await failure(end(-1).read())).message).toMatch(/has expired/);
  });

  test("what is kept is given up for a host's word, but not as often as hosts say it", async () => {
    let calls = 0;
    const kept = reader(() => ({ value: `value-number-${++calls}`, expiresAt: Date.now() + 3_600_000 }));
    kept.refused(await kept.read());
    kept.refused(await kept.read());
    kept.refused(await kept.read());
    expect([await kept.read(), calls]).toEqual(["value-number-2", 2]);
  });

  test("and the more seldom, the longer its source gives the same: a program cannot run a command of the host at will", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    let calls = 0;
    const same = reader(() => ({ value: `value-number-${Math.min(++calls, 1)}`, expiresAt: Date.now() + 3_600_000 }));
    for (let second = 0; second < 120; second++) {
      same.refused(await same.read());
      vi.setSystemTime(Date.now() + 1000);
    }
    // After 0, 10, 30 and 70 seconds.
    expect(calls).toBe(5);
  });

  test("a command does not run where the sandbox may write", async () => {
    const source = { command: ["sh", "-c", 'echo "it-stands-in:$(pwd)"'] } as const;
    expect(await reader(source).read()).toBe(`it-stands-in:${homedir()}`);
  });

  test.each<[string, unknown, RegExp]>([
    ["short", "short", /less than 8/],
    ["two lines", "first line\nsecond", /line breaks/],
    ["a header of its own", "value\r\nX-Evil: 1", /line breaks/],
    ["no ASCII", "grüneTokens", /not ASCII/],
    ["no text", 12_345_678, /gave a number/],
    ["endless", "x".repeat(20_000), /more than/],
  ])("a value that is %s is refused, without a word of it", async (_, value, message) => {
    const error = await failure(reader(() => value as string).read());
    expect(error.message).toMatch(message);
    if (typeof value === "string" && value.length < 100) expect(error.message).not.toContain(value);
  });
});

describe("CredentialStore", () => {
  test("finds credentials in the environment, and gives the sandbox a placeholder in the same variable", async () => {
    const real = secret();
    const store = new CredentialStore({ environment: { GITHUB_TOKEN: real } });
    const prepared = await store.prepare(normalized({ provider: "github" }, { provider: "openai", optional: true }));
    expect(store.variables).toEqual({});
    store.use(prepared);
    expect(Object.keys(store.variables)).toEqual(["GITHUB_TOKEN"]);
    expect(store.variables.GITHUB_TOKEN).not.toBe(real);
    expect(await store.value("github")).toBe(real);
    expect(store.secrets()).toContainEqual({ name: "github", values: [real, store.variables.GITHUB_TOKEN] });
    expect((await failure(store.value("openai"))).details.credential).toBe("openai");
    const error = await failure(store.prepare(normalized({ provider: "openai" })));
    expect(error.details.reason).toBe("no variable OPENAI_API_KEY is set");
  });

  test("keeps a placeholder for the life of a sandbox, and none is that of another", async () => {
    const source = { TOKEN: () => "a-real-value" };
    const rule = { name: "TOKEN", hosts: ["a.b"] };
    const [one, other] = await Promise.all([storeWith(source, rule), storeWith(source, rule)]);
    const { TOKEN } = one.variables;
    one.use(await one.prepare([]));
    expect(one.variables).toEqual({});
    expect(one.nameIn(`x${TOKEN}x`)).toBe("TOKEN");
    one.use(await one.prepare(normalized({ ...rule, hosts: ["c.d"] })));
    expect(one.variables.TOKEN).toBe(TOKEN);
    expect(other.variables.TOKEN).not.toBe(TOKEN);
  });

  test("still knows what is in force when another policy could not be prepared", async () => {
    const environment: Record<string, string> = { GITHUB_TOKEN: secret() };
    const store = new CredentialStore({ environment });
    store.use(await store.prepare(normalized({ provider: "github" })));
    environment.GH_TOKEN = secret();
    delete environment.GITHUB_TOKEN;
    await failure(store.prepare(normalized({ provider: "github" }, { provider: "openai" })));
    environment.GITHUB_TOKEN = secret();
    const used = await store.sealed[0]?.reader.read();
    expect(used).toBe(environment.GITHUB_TOKEN);
    expect(store.sealedValues().map(([value]) => value)).toContain(used);
    expect(store.secrets().flatMap(({ values }) => values)).toContain(used);
  });

  test("gives no two credentials one variable, nor one that the owner sets", async () => {
    const environment = { ANTHROPIC_API_KEY: "a-real-value" };
    const twice = normalized({ provider: "claude" }, { provider: "anthropic" });
    expect((await failure(new CredentialStore({ environment }).prepare(twice))).message).toMatch(/ANTHROPIC_API_KEY/);
    const taken = new CredentialStore({ environment, taken: { ANTHROPIC_API_KEY: "x" } });
    expect((await failure(taken.prepare(normalized({ provider: "claude" })))).message).toMatch(/something else/);
  });
});

describe("Placeholders", () => {
  test.each([
    ["ghs_", "github", 40],
    ["", "github", 40],
    ["sk-ant-oat01-", "claude", 108],
    ["sk-or-v1-", "openrouter", 73],
    ["", undefined, 40],
  ] as const)("look like what begins with %j of %s", (prefix, provider, length) => {
    const placeholders = new Placeholders();
    const value = secret(prefix).padEnd(40, "x").slice(0, 40);
    const [one, other] = [placeholders.make(value, provider), placeholders.make(value, provider)];
    expect(one).toHaveLength(length);
    expect(one.startsWith(prefix)).toBe(true);
    expect(one).toContain(placeholders.mark);
    expect(one).not.toBe(other);
    expect(one).not.toContain(value.slice(prefix.length, prefix.length + 8));
    expect(new Placeholders().mark).not.toBe(placeholders.mark);
  });
});
