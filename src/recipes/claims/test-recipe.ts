/**
 * Trying what a recipe claims: every allowance happens, every denial is one, and each denial is seen to be the policy's, for the same
 * act happens once what denies it is gone.
 *
 * @module
 */
import type { Plugin } from "../../hooks/mod.ts";
import { canonicalPath, literalPrefix } from "../../policy/paths.ts";
import type { Policy } from "../../policy/types.ts";
import { withRegistries } from "../registries.ts";
import type { BuiltRecipe, Recipe } from "../types.ts";
import { Arena } from "./arena.ts";
import { type Outside, openOutside } from "./outside.ts";
import { answerTo, programsOf } from "./questions.ts";
import { relaxed } from "./relax.ts";
import type { ClaimRuntime, TrialResult } from "./results.ts";
import { Stage } from "./stage.ts";
import { tryActs } from "./trial.ts";
import type { Claim, RecipeTests } from "./types.ts";
import { actText, CLAIM_WORDS } from "./words.ts";

/** Options of {@link testRecipe}. */
export interface TestRecipeOptions {
  /**
   * Where claims are tried. `memory` isolates nothing and is quick: the policy decides there as everywhere, but no kernel holds it.
   *
   * @default "local"
   */
  readonly runtime?: ClaimRuntime;
  /** With `docker`: an image that has Node, in the place of the recipes' own. @default that of each recipe */
  readonly image?: string;
  /** The plugins that the recipe names, made by whoever tests it. */
  readonly plugins?: readonly Plugin[];
}

/** What came of one claim. */
export interface ClaimResult {
  /** For instance `denies write src/main.ts`. */
  readonly claim: string;
  readonly holds: boolean;
  /** What decided, in the words of the policy; or what went otherwise. */
  readonly because: string;
}

/** What came of the claims about a recipe as it is built from some parameters. */
export interface RecipeTestResult {
  readonly recipe: string;
  readonly version: string;
  readonly params: object;
  readonly policyDigest: string;
  readonly runtime: ClaimRuntime;
  readonly holds: boolean;
  readonly claims: readonly ClaimResult[];
}

/**
 * Tries what a recipe claims, or several do, in two sandboxes for each set of parameters: one with its policy, and one with the denied acts let
 * through. Hosts are stand-ins under their real names, models answer from this process, and nothing leaves this machine.
 *
 * @throws {SandboxError} As `build` and `createSandbox` do.
 *
 * @example
 * ```ts
 * import { loadRecipe, testRecipe } from "cofferdam";
 *
 * const { recipe } = await loadRecipe("ci-docs");
 * for (const { claims } of await testRecipe(recipe, { runtime: "memory" })) console.log(claims);
 * ```
 */
export async function testRecipe(
  recipe: Recipe | readonly Recipe[],
  options: TestRecipeOptions = {},
): Promise<RecipeTestResult[]> {
  const { runtime = "local", plugins = [], image } = options;
  const cases: ClaimCase[] = [];
  for (const each of [recipe].flat()) for (const tests of each.tests) cases.push(await caseOf(each, tests));
  const programs = cases.flatMap(({ built, claims }) => claims.flatMap(({ act }) => programsOf(built.policy, act)));
  await using outside = await openOutside();
  await using stage = new Stage({ runtime, programs, ...(image === undefined ? {} : { image }) });
  await using arenas = new Arenas({ stage, outside, plugins, policies: cases.map(({ built }) => built.policy) });
  const results: RecipeTestResult[] = [];
  for (const { recipe: named, params, ...tried } of cases) {
    const arena = await arenas.of(tried.built);
    const claims = await tryClaims({ ...tried, stage, arena, plugins, outside });
    const holds = claims.every((each) => each.holds);
    const { policyDigest } = tried.built;
    results.push({ recipe: named.name, version: named.version, params, policyDigest, runtime, holds, claims });
  }
  return results;
}

/** A recipe as it is built from some parameters, and what is claimed of it. */
interface ClaimCase {
  readonly recipe: Recipe;
  readonly params: object;
  readonly built: BuiltRecipe;
  readonly claims: readonly Claim[];
  readonly files: Readonly<Record<string, string>>;
}

async function caseOf(recipe: Recipe, tests: RecipeTests): Promise<ClaimCase> {
  const params = await withRegistries(recipe, tests.params);
  const built = recipe.build(params);
  return { recipe, params, built, claims: [...tests.claims(CLAIM_WORDS)], files: tests.files ?? {} };
}

interface ClaimSetting extends Pick<ClaimCase, "built" | "claims" | "files"> {
  readonly stage: Stage;
  readonly arena: Arena | undefined;
  readonly plugins: readonly Plugin[];
  readonly outside: Outside;
}

interface ArenasSetting extends Pick<ClaimSetting, "stage" | "outside" | "plugins"> {
  readonly policies: readonly Policy[];
}

/** One for each image. */
class Arenas implements AsyncDisposable {
  readonly #setting: ArenasSetting;
  readonly #known = new Map<string, Arena>();

  constructor(setting: ArenasSetting) {
    this.#setting = setting;
  }

  async of(built: BuiltRecipe): Promise<Arena | undefined> {
    const { stage, ...setting } = this.#setting;
    const standIns = await stage.allStandIns(built);
    if (stage.runtime === "memory" || standIns === undefined) return undefined;
    const key = standIns.image ?? "";
    const arena = this.#known.get(key) ?? new Arena({ ...setting, runtime: stage.runtime, standIns });
    this.#known.set(key, arena);
    return arena;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const arena of this.#known.values()) await arena[Symbol.asyncDispose]();
  }
}

/** Tries claims about what was built. */
export async function tryClaims({ built, claims, files: given, ...rest }: ClaimSetting): Promise<ClaimResult[]> {
  const { policy } = built;
  const claimed = { ...claimedFiles(claims), ...given };
  const files = { ...claimed, ...grantedFolders(policy, Object.keys(claimed)) };
  const denied = claims.filter(({ verdict }) => verdict === "deny").map(({ act }) => act);
  const setting = { built, files, ...rest };
  const wider = await relaxed(policy, denied);
  const [asIs, without] = await Promise.all([
    tryActs({ ...setting, policy, acts: claims.map(({ act }) => act) }),
    denied.length === 0 ? [] : tryActs({ ...setting, policy: wider, acts: denied }),
  ]);
  return Promise.all(
    claims.map((claim, index) => {
      const counter = claim.verdict === "deny" ? without[denied.indexOf(claim.act)] : undefined;
      return judged(policy, claim, asIs[index], counter);
    }),
  );
}

/** A file for whatever is read, and for what is not to be overwritten. */
function claimedFiles(claims: readonly Claim[]): Record<string, string> {
  const paths = claims.flatMap(({ verdict, act }) => {
    if (act.kind !== "read" && !(act.kind === "write" && verdict === "deny")) return [];
    const path = act.path.replace(/^\.\//, "");
    return path.startsWith("/") || path.startsWith("~") ? [] : [path];
  });
  return Object.fromEntries(paths.map((path) => [path, "claimed\n"]));
}

/** What a policy grants must exist. */
function grantedFolders({ filesystem = {} }: Policy, files: readonly string[]): Record<string, string> {
  const granted = [...(filesystem.read ?? []), ...(filesystem.ask ?? [])].map((each) =>
    typeof each === "string" ? each : each.path,
  );
  const folders = granted
    .map((path) => canonicalPath(path))
    .filter((path) => path.startsWith("./"))
    .map((path) => literalPrefix(path, { workspace: "", home: "" }).slice(1))
    .filter((path) => path !== "" && !files.some((file) => file === path || file.startsWith(`${path}/`)));
  return Object.fromEntries(folders.map((folder) => [`${folder}/.claimed`, ""]));
}

async function judged(
  policy: Policy,
  { verdict, act }: Claim,
  result: TrialResult | undefined,
  counter: TrialResult | undefined,
): Promise<ClaimResult> {
  const claim = `${verdict === "allow" ? "allows" : "denies"} ${actText(act)}`;
  const fails = (because: string): ClaimResult => ({ claim, holds: false, because });
  const { verdict: said, reason } = await answerTo(policy, act);
  if (result === undefined) return fails("it was not tried");
  if (result.outcome === "failed") return fails(result.said);
  if (verdict === "allow") {
    if (result.outcome === "done") return { claim, holds: true, because: reason };
    return fails(
      said === "allow" ? `the policy allows it, and it failed: ${result.said}` : `${reason}: ${result.said}`,
    );
  }
  if (result.outcome === "done") return fails(`it happened: ${reason}`);
  if (said === "allow") return fails(`the policy allows it, and something else stood against it: ${result.said}`);
  if (counter?.outcome === "done") return { claim, holds: true, because: reason };
  return fails(`nothing is shown, for it fails without what denies it, too: ${counter?.said ?? "it was not tried"}`);
}
