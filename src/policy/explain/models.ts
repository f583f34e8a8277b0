/**
 * Who answers a call to a model, or why nobody does.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { compileGlob } from "../glob.ts";
import type { NormalizedPolicy, NormalizedPrivacyRule, NormalizedRoute, NormalizedTarget } from "../normalized.ts";
import { findProvider, type ProviderTable } from "../providers/read.ts";
import { unmatched } from "./answers.ts";
import type { Answer, Considered, ExplainedCall, ExplainedTarget, ModelRequest } from "./types.ts";

/** Answers. What the call says is not known: rules of privacy are named where they may count. */
export function explainCall(policy: NormalizedPolicy, { model }: ModelRequest, host: ProviderTable = {}): Answer {
  if (typeof model !== "string" || model === "") {
    throw new SandboxError("ARGUMENT_INVALID", "Cannot explain a call: it names no model", {
      details: { argument: "model", value: model },
      hint: 'Write the model as the client calls it, for instance "gpt-5"',
    });
  }
  const { routes, privacy = [], providers = {}, localOnly, budget, unmatched: other } = policy.inference;
  const matching = routes.filter(({ models }) => models.some((glob) => compileGlob(glob)(model)));
  const [first] = matching;
  const about = matching.map((route, index): Considered => {
    const rule = { ruleId: route.id, verdict: "allow" } as const;
    return index === 0 ? { ...rule, applies: true } : { ...rule, applies: false, because: "order" };
  });
  if (first === undefined) return { verdict: other, ...unmatched("inference", other), rules: [] };

  const target = (each: NormalizedTarget): ExplainedTarget => {
    const found = findProvider(each.provider, [providers, host]);
    const facts = found === undefined ? {} : { baseUrl: found.baseUrl, local: found.local };
    return { provider: each.provider, model: each.model ?? model, ...facts };
  };
  const targets = targetsOf(first).map(target);
  const mayCount = ({ local }: NormalizedPrivacyRule) => local === true || targets.some((each) => each.local !== true);
  const call: ExplainedCall = {
    targets,
    privacy: privacy.filter(mayCount).map(({ id, action, provider, model: other }) => ({
      ruleId: id,
      action,
      ...(provider === undefined
        ? {}
        : { target: target({ provider, ...(other === undefined ? {} : { model: other }) }) }),
    })),
    budget: {
      ...budget,
      ...(budget.providers === undefined ? {} : { providers: budgetsOf(budget.providers, targets) }),
    },
    recorded: policy.audit.inference ?? "metadata",
  };
  const rules = [
    ...about,
    ...privacy.map((rule): Considered => {
      const verdict = rule.action === "deny" || rule.action === "ask" ? rule.action : "allow";
      return { ruleId: rule.id, verdict, applies: false, because: mayCount(rule) ? "content" : "local" };
    }),
  ];
  const away = localOnly === true ? targets.find(({ local }) => local === false) : undefined;
  const section = "inference" as const;
  if (away !== undefined) {
    const reason = `the policy is localOnly, and the provider ${away.provider} is not local: no sandbox takes it`;
    return { verdict: "deny", decidedBy: "malformed", section, ruleId: first.id, reason, rules, call };
  }
  const reason = reasonOf(first, call);
  return { verdict: "allow", decidedBy: "rule", section, ruleId: first.id, reason, rules, call };
}

function targetsOf({ fallbacks = [], ...first }: NormalizedRoute): readonly NormalizedTarget[] {
  return [first, ...fallbacks];
}

function budgetsOf<T>(providers: Readonly<Record<string, T>>, targets: readonly ExplainedTarget[]): Record<string, T> {
  const asked = new Set(targets.map(({ provider }) => provider));
  return Object.fromEntries(Object.entries(providers).filter(([name]) => asked.has(name)));
}

function reasonOf({ id }: NormalizedRoute, { targets, privacy }: ExplainedCall): string {
  const [first = "", ...others] = targets.map(({ provider, model }) => `${provider} (${model})`);
  const then = others.length === 0 ? "" : `, and where that one fails to ${others.join(", then ")}`;
  const unless =
    privacy.length === 0 ? "" : `, unless it carries what ${privacy.map(({ ruleId }) => ruleId).join(", ")} is about`;
  return `${id} sends it to ${first}${then}${unless}`;
}
