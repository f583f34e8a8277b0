import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allow, ask, deny, type HookVerdict, type PolicyRuling, substitute } from "../../src/hooks/mod.ts";
import { access, onAccess, onStart, open, says, start } from "./support.ts";

const ALLOWED: PolicyRuling = { verdict: "allow", ruleId: "filesystem.read:./src" };
const OPEN: PolicyRuling = { verdict: "ask", ruleId: "filesystem.ask:./src" };

type Answer = "allow" | "deny" | "ask" | "abstain" | "substitute";

const VERDICTS: Readonly<Record<Answer, HookVerdict | undefined>> = {
  allow: allow(),
  deny: deny("no"),
  ask: ask(),
  abstain: undefined,
  substitute: substitute("other"),
};

/** What comes of answers, with an approver of one mind; half of the hooks answer later. */
async function outcome(ruling: PolicyRuling, answers: readonly Answer[], approved: boolean | undefined) {
  const plugins = answers.map((answer, index) => {
    const verdict = VERDICTS[answer];
    return onAccess(`plugin-${index}`, index % 2 === 0 ? () => verdict : async () => verdict);
  });
  const { registry } = await open(plugins, approved === undefined ? {} : { approve: () => approved });
  return await registry.decideAccess(access("/workspace/src/a", { verdict: ruling.verdict }), ruling);
}

const answers = fc.array(fc.constantFrom<Answer>("allow", "deny", "ask", "abstain", "substitute"), { maxLength: 6 });
const rulings = fc.constantFrom<PolicyRuling>(ALLOWED, OPEN, { verdict: "ask" });
const approvers = fc.constantFrom(true, false, undefined);

describe("the algebra of answers", () => {
  test("deny beats ask beats allow, and what nobody decides is the policy's", async () => {
    await fc.assert(
      fc.asyncProperty(rulings, answers, approvers, async (ruling, given, approved) => {
        const { verdict, asked = false } = await outcome(ruling, given, approved);
        const isAsked = given.includes("ask") || (ruling.verdict === "ask" && !given.includes("allow"));
        const expected = given.includes("deny") ? "deny" : isAsked ? (approved ? "allow" : "deny") : "allow";
        expect(verdict).toBe(expected);
        expect(asked).toBe(!given.includes("deny") && isAsked && approved !== undefined);
      }),
    );
  });

  test("does not depend on the order", async () => {
    const shuffled = answers.chain((given) =>
      fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
    );
    await fc.assert(
      fc.asyncProperty(rulings, shuffled, approvers, async (ruling, [given, other], approved) => {
        expect((await outcome(ruling, other, approved)).verdict).toBe((await outcome(ruling, given, approved)).verdict);
      }),
    );
  });

  test("a denial anywhere denies", async () => {
    await fc.assert(
      fc.asyncProperty(rulings, answers, answers, approvers, async (ruling, before, after, approved) => {
        expect((await outcome(ruling, [...before, "deny", ...after], approved)).verdict).toBe("deny");
      }),
    );
  });

  test("an allowance never beats a hook that asks", async () => {
    await fc.assert(
      fc.asyncProperty(rulings, answers, async (ruling, given) => {
        expect((await outcome(ruling, ["allow", ...given, "ask", "allow"], false)).verdict).toBe("deny");
      }),
    );
  });

  test("a hook that abstains changes nothing", async () => {
    await fc.assert(
      fc.asyncProperty(rulings, answers, fc.nat(6), approvers, async (ruling, given, at, approved) => {
        const more = [...given.slice(0, at), "abstain", ...given.slice(at)] as Answer[];
        const [with_, without] = [await outcome(ruling, more, approved), await outcome(ruling, given, approved)];
        expect([with_.verdict, with_.content]).toEqual([without.verdict, without.content]);
      }),
    );
  });

  test("no answers widen a policy that allows: at most they narrow it", async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (given) => {
        const { verdict } = await outcome(ALLOWED, given, undefined);
        expect(verdict).toBe(given.includes("deny") || given.includes("ask") ? "deny" : "allow");
      }),
    );
  });
});

describe("decideAccess()", () => {
  test("says who decided, why, and in how long", async () => {
    const { registry } = await open([says("keys", deny("private keys stay private"))]);
    const decided = await registry.decideAccess(access("/workspace/a.pem"), ALLOWED);
    expect(decided).toMatchObject({
      verdict: "deny",
      decidedBy: { kind: "plugin", name: "keys", hook: "filesystem.access" },
      reason: "private keys stay private",
      deadlineMs: 5000,
    });
    expect(decided.latencyMs).toBeGreaterThanOrEqual(0);
  });

  test("names the policy where no hook changes anything, even one that allows", async () => {
    const { registry } = await open([says("eager", allow("please"))]);
    expect(await registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({
      verdict: "allow",
      decidedBy: { kind: "policy" },
      reason: "rule filesystem.read:./src allows it",
    });
    expect(await registry.decideAccess(access("/workspace/a"), OPEN)).toMatchObject({
      decidedBy: { kind: "plugin", name: "eager" },
      reason: "please",
    });
  });

  test("answers without a promise where every hook does", async () => {
    const { registry } = await open([says("a", undefined), says("b", deny("no"))]);
    expect(registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({ verdict: "deny" });
  });

  test("runs pre, normal and post hooks, each in the order of the plugins, and none after a denial", async () => {
    const ran: string[] = [];
    const plugin = (name: string, order?: "pre" | "post", verdict?: HookVerdict) =>
      onAccess(name, {
        ...(order === undefined ? {} : { order }),
        handler: async () => {
          ran.push(name);
          return verdict;
        },
      });
    const { registry } = await open([
      plugin("post-1", "post"),
      plugin("normal-1"),
      plugin("pre-1", "pre"),
      plugin("post-2", "post", deny("no")),
      plugin("normal-2"),
      plugin("pre-2", "pre"),
      plugin("post-3", "post"),
    ]);
    expect(await registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({ verdict: "deny" });
    expect(ran).toEqual(["pre-1", "pre-2", "normal-1", "normal-2", "post-1", "post-2"]);
  });

  test("gives hooks what cannot be changed", async () => {
    const { registry, problems } = await open([
      onAccess("careless", (each) => {
        (each as { path: string }).path = "/etc/passwd";
        return undefined;
      }),
    ]);
    expect(await registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({ verdict: "deny" });
    expect(problems[0]?.cause).toBeInstanceOf(TypeError);
  });

  test("gives other content to read: that of the first hook that has some, and says whose it is", async () => {
    const { registry } = await open([says("a", undefined), says("b", substitute("b's")), says("c", substitute("c's"))]);
    const decided = await registry.decideAccess(access("/workspace/a"), ALLOWED);
    expect(Buffer.from(decided.content ?? []).toString()).toBe("b's");
    expect(decided).toMatchObject({ verdict: "allow", decidedBy: { kind: "plugin", name: "b" } });
  });

  test("content does not allow: who may read is still asked, and hears of it", async () => {
    const { registry } = await open([says("redact", substitute("other"))], { approve: () => true });
    expect(await registry.decideAccess(access("/workspace/a"), OPEN)).toMatchObject({
      verdict: "allow",
      asked: true,
      decidedBy: { kind: "approver", name: "approve" },
      reason: 'it was approved; plugin "redact" gave other content',
    });
    const { registry: alone } = await open([says("redact", substitute("other"))]);
    const denied = await alone.decideAccess(access("/workspace/a"), OPEN);
    expect(denied.verdict).toBe("deny");
    expect(denied.content).toBeUndefined();
  });

  test("content for anything but reading is nonsense, and denied", async () => {
    const { registry, problems } = await open([says("odd", substitute("x")), onStart("odder", () => substitute("x"))]);
    for (const operation of ["write", "list", "rename"] as const) {
      const decided = await registry.decideAccess(access("/workspace/a", { operation }), ALLOWED);
      expect(decided).toMatchObject({ verdict: "deny", decidedBy: { kind: "plugin", name: "odd" } });
      expect(decided.content).toBeUndefined();
    }
    expect(await registry.decideStart(start(["ls"]), ALLOWED)).toMatchObject({ verdict: "deny" });
    expect(problems.map(({ details }) => details.failure)).toEqual(Array(4).fill("nonsense"));
  });
});

describe("a rule that defers", () => {
  const deferring: PolicyRuling = { verdict: "ask", ruleId: "drafts", defer: "judge" };
  const decide = async (...plugins: Parameters<typeof open>[0]) => {
    const { registry } = await open(plugins, { approve: () => true });
    return await registry.decideAccess(access("/workspace/drafts/a", { verdict: "ask" }), deferring);
  };

  test("is resolved by the hook of that name, which is the plugin's unless it has its own", async () => {
    expect(await decide(says("judge", allow("a draft")))).toMatchObject({ verdict: "allow", reason: "a draft" });
    const named = onAccess("other", { name: "judge", handler: () => allow() });
    expect(await decide(named)).toMatchObject({ verdict: "allow", decidedBy: { kind: "plugin", name: "other" } });
    expect(await decide(says("judge", deny("not this one")))).toMatchObject({ verdict: "deny" });
  });

  test.each([
    ["nobody has that name", [says("other", allow())], "does not exist"],
    ["the hook of that name is about programs", [onStart("judge", () => allow())], "does not exist"],
    ["the hook abstains", [says("judge", undefined), says("other", allow())], "gave no answer"],
    ["the hook does not care", [onAccess("judge", { paths: ["./else"], handler: () => allow() })], "gave no answer"],
    ["only another asks", [says("judge", undefined), says("other", ask())], "gave no answer"],
  ])("is a denial where %s", async (_, plugins, reason) => {
    const decided = await decide(...plugins);
    expect(decided).toMatchObject({ verdict: "deny", decidedBy: { kind: "policy" } });
    expect(decided.reason).toMatch(/^rule drafts defers to the hook "judge"/);
    expect(decided.reason).toContain(reason);
    expect(decided.asked).toBeUndefined();
  });

  test("lets others deny, and ask", async () => {
    expect(await decide(says("judge", allow()), says("other", deny("no")))).toMatchObject({ verdict: "deny" });
    expect(await decide(says("judge", allow()), says("other", ask()))).toMatchObject({ verdict: "allow", asked: true });
    expect(await decide(says("judge", ask("unsure")))).toMatchObject({ verdict: "allow", asked: true });
  });

  test("is resolved by content from the hook that it names, and from no other", async () => {
    const decided = await decide(says("judge", substitute("redacted")));
    expect(decided).toMatchObject({ verdict: "allow", decidedBy: { kind: "plugin", name: "judge" } });
    expect(Buffer.from(decided.content ?? []).toString()).toBe("redacted");
    expect(await decide(says("judge", undefined), says("other", substitute("x")))).toMatchObject({ verdict: "deny" });
  });

  test("leaves it open even where its verdict says otherwise", async () => {
    const { registry } = await open([says("judge", undefined)]);
    const decided = await registry.decideAccess(access("/workspace/a"), { verdict: "allow", defer: "judge" });
    expect(decided).toMatchObject({
      verdict: "deny",
      reason: 'the policy defers to the hook "judge", which gave no answer',
    });
  });
});

describe("decideStart()", () => {
  test("asks the hooks about programs, and only these", async () => {
    const seen: unknown[] = [];
    const { registry } = await open([
      says("files", deny("no")),
      onStart("programs", (each, context) => {
        seen.push(each.argv, context.hook, context.plugin, context.sandbox);
        return each.argv.includes("--force") ? deny("no force") : undefined;
      }),
    ]);
    expect(await registry.decideStart(start(["git", "status"]), ALLOWED)).toMatchObject({ verdict: "allow" });
    expect(await registry.decideStart(start(["git", "push", "--force"]), ALLOWED)).toMatchObject({
      verdict: "deny",
      decidedBy: { kind: "plugin", name: "programs", hook: "process.start" },
    });
    expect(seen.slice(0, 4)).toEqual([["git", "status"], "process.start", "programs", "5a4db0"]);
  });

  test("gives hooks lists that cannot be changed", async () => {
    const { registry } = await open([onStart("careless", ({ argv }) => void (argv as string[]).shift() as undefined)]);
    expect(await registry.decideStart(start(["ls"]), ALLOWED)).toMatchObject({ verdict: "deny" });
  });
});
