/**
 * What a policy says to one request, and why.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { at, LISTS, type ListName, normalizedEntries, VALUES, valueKey } from "../algebra/draft.ts";
import { entriesOf, keyOf } from "../algebra/entries.ts";
import { distinctNames, knownSources, type Part, readParts, type Sources, sourcesOf } from "../algebra/parts.ts";
import { withOwnRanges } from "../algebra/private-ranges.ts";
import type { NormalizedPolicy } from "../normalized.ts";
import type { Policy } from "../types.ts";
import { explainFile } from "./files.ts";
import { explainCall } from "./models.ts";
import { explainConnection, explainRequest } from "./network.ts";
import { explainStart } from "./programs.ts";
import type { Answer, ExplainOptions, Explanation, PolicyRequest } from "./types.ts";

/**
 * Says what becomes of a request under a policy: the verdict, what decides, and every rule that is about it, with the part
 * that each came from. Nothing is run, opened or resolved, and no hook or approver is asked.
 *
 * Shape: plain data. A request is about a file, the start of a program, a connection, an HTTP request, or a call to a model; see the
 * types for their defaults. Parts are known of a policy that `compose` or `restrict` returned. They are neither in the document nor in
 * its digest, so of one that was written down and read again they are found with `parts`, by what the rules say; rules that
 * `restrict` narrowed are in neither of its two policies, and have none then.
 *
 * @throws {SandboxError} POLICY_INVALID If the policy or a part is malformed.
 * @throws {SandboxError} ARGUMENT_INVALID If the request is.
 *
 * @example
 * ```ts
 * import { compose, explain } from "cofferdam";
 *
 * const policy = compose(
 *   { version: 1, name: "base", filesystem: { write: ["."] } },
 *   { version: 1, name: "no-secrets", filesystem: { deny: [{ id: "env", path: "**\/.env" }] } },
 * );
 * const { verdict, ruleId, parts } = await explain(policy, { domain: "filesystem", path: "./.env" });
 * console.log(verdict, ruleId, parts); // deny env [ "no-secrets" ]
 * ```
 */
export async function explain(
  policy: Policy | string,
  request: PolicyRequest,
  options: ExplainOptions = {},
): Promise<Explanation> {
  const [part] = readParts([policy], () => "the policy");
  if (part === undefined) throw new TypeError("there is one part");
  const answer = await answerTo(part.normalized, request, options);
  const sources = options.parts === undefined ? undefined : foundSources(part, options.parts);
  const partsOf = (id: string): readonly string[] => {
    if (sources !== undefined) return sources.get(id) ?? [];
    const own = part.policy.name === undefined ? [] : [part.policy.name];
    return knownSources(part.policy)?.get(id) ?? (knownSources(part.policy) === undefined ? own : []);
  };
  const lists = listsOf(part.normalized);
  const list = (ruleId: string): string => lists.get(ruleId) ?? "filesystem.baseline";
  const rules = answer.rules.map((rule) => {
    const id = lists.has(rule.ruleId) ? rule.ruleId : valueKey("filesystem.baseline");
    return { ...rule, list: list(rule.ruleId), parts: partsOf(id) };
  });
  const decides = rules.find(({ ruleId }) => ruleId === answer.ruleId);
  const parts =
    decides?.parts ?? (answer.decidedBy === "unmatched" ? partsOf(valueKey(`${answer.section}.unmatched`)) : []);
  return { ...answer, parts, rules };
}

function answerTo(
  policy: NormalizedPolicy,
  request: PolicyRequest,
  { providers }: ExplainOptions,
): Answer | Promise<Answer> {
  switch (request.domain) {
    case "filesystem":
      return explainFile(policy, request);
    case "process":
      return explainStart(policy, request);
    case "network":
      return request.operation === "request" ? explainRequest(policy, request) : explainConnection(policy, request);
    case "inference":
      return explainCall(policy, request, providers);
    default:
      throw new SandboxError("ARGUMENT_INVALID", "Cannot explain a request of an unknown domain", {
        details: { argument: "request.domain", value: (request as { readonly domain?: unknown }).domain },
        hint: "The domains are filesystem, process, network and inference",
      });
  }
}

function listsOf(policy: NormalizedPolicy): ReadonlyMap<string, ListName> {
  return new Map(LISTS.flatMap((list) => normalizedEntries(policy, list).map(({ id }) => [id, list] as const)));
}

/** Finds the rules of a policy again in its parts. */
function foundSources(part: Part, inputs: readonly (Policy | string)[]): Sources {
  const parts = withOwnRanges(readParts(inputs));
  const values = VALUES.map((place) => {
    const giving = parts.filter(({ policy }) => at(policy, place) !== undefined);
    return [valueKey(place), giving.map(({ name }) => name)] as const;
  });
  return new Map([
    ...values,
    ...LISTS.flatMap((list) => {
      const others = entriesOf(list, parts);
      return entriesOf(list, [part]).map((entry) => {
        const same = others.filter((other) => keyOf(other) === keyOf(entry));
        return [
          entry.normalized.id,
          distinctNames(same.flatMap((it) => sourcesOf(it.part, it.normalized.id))),
        ] as const;
      });
    }),
  ]);
}
