/** Policies that differ from one in a single thing: a rule less, or a condition of a rule less. */
import type { HttpRule, NetworkRule, Policy } from "../../src/mod.ts";

/** What was changed, and what came of it. */
export type Mutant = readonly [change: string, policy: Policy];

type Lists = Readonly<Record<string, readonly unknown[] | undefined>>;

/** All of them. Folders of the home are a sandbox's own, whoever grants them. */
export function mutantsOf(policy: Policy): Mutant[] {
  return [...withoutRules(policy), ...withMoreFiles(policy), ...withoutConditions(policy)];
}

function withoutRules(policy: Policy): Mutant[] {
  const { filesystem = {}, process = {}, network = {}, inference = {} } = policy;
  const { read, write, deny } = filesystem;
  const sections = {
    filesystem: { read, write, deny },
    process: { allow: process.allow, deny: process.deny },
    network: { allow: network.allow, deny: network.deny },
    inference: { routes: inference.routes },
  } satisfies Readonly<Record<string, Lists>>;
  return Object.entries(sections).flatMap(([section, lists]) =>
    Object.entries(lists as Lists).flatMap(([list, rules = []]) =>
      rules.flatMap((rule, at): Mutant[] => {
        if (typeof rule === "string" && rule.startsWith("~")) return [];
        const rest = rules.filter((_, other) => other !== at);
        const before = policy[section as "network"];
        return [[`${section}.${list}[${at}] is gone`, { ...policy, [section]: { ...before, [list]: rest } }]];
      }),
    ),
  );
}

function withMoreFiles(policy: Policy): Mutant[] {
  const { filesystem } = policy;
  if (filesystem === undefined) return [];
  const { read = [], write = [] } = filesystem;
  const grants = (list: "read" | "write", before: readonly unknown[]): Mutant[] =>
    [...before, ...write].includes(".")
      ? []
      : [
          [
            `filesystem: everything may be ${list}`,
            { ...policy, filesystem: { ...filesystem, [list]: [...before, "."] } as never },
          ],
        ];
  return [...grants("read", read), ...grants("write", write)];
}

function withoutConditions(policy: Policy): Mutant[] {
  const { network = {} } = policy;
  const { allow = [] } = network;
  return allow.flatMap((rule, at) =>
    widened(rule).map(([change, wider]): Mutant => {
      const rules = allow.map((each, other) => (other === at ? wider : each));
      return [`network.allow[${at}]: ${change}`, { ...policy, network: { ...network, allow: rules } }];
    }),
  );
}

function widened(rule: NetworkRule): (readonly [string, NetworkRule])[] {
  const { binaries: _, ...anybody } = rule;
  const { http, ...raw } = rule;
  const { rules = [] } = http !== undefined && "rules" in http ? http : {};
  return [
    ["any program", anybody],
    ...(http === undefined
      ? []
      : ([
          ["any bytes", raw],
          ["any request", { ...rule, http: { access: "full" } }],
        ] as const)),
    ...rules.flatMap((each, at) =>
      (["methods", "paths", "query", "mcp"] as const).flatMap((key): (readonly [string, NetworkRule])[] => {
        if (each[key] === undefined || (key === "paths" && each.paths?.includes("/**"))) return [];
        const { [key]: __, ...wider } = each;
        const all = rules.map((other, index): HttpRule => (index === at ? wider : other));
        return [[`rule ${at} for any ${key}`, { ...rule, http: { rules: all } }]];
      }),
    ),
    ...(rules.length < 2
      ? []
      : rules.map((_rule, at): readonly [string, NetworkRule] => {
          return [`rule ${at} is gone`, { ...rule, http: { rules: rules.filter((__, other) => other !== at) } }];
        })),
  ] as const;
}
