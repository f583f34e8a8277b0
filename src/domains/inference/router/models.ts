/**
 * The models that a client can call, as it asks for their list.
 *
 * @module
 */

import { isLiteral, unescapeGlob } from "../../../policy/core.ts";
import type { ApiFamily } from "../../../policy/providers/kinds.ts";
import type { Provider } from "../../../policy/providers/read.ts";
import type { InferencePlan, Route } from "../plan.ts";
import type { AttemptSetting } from "./attempt.ts";
import { type HeldBytes, Hold } from "./body.ts";
import { CallFailure } from "./errors.ts";
import { requestHeaders } from "./headers.ts";
import { objectsOf, textOf } from "./json.ts";
import { readAnswer } from "./relay.ts";

/** Who is asked with, and what counts what they say. */
export interface ListSetting extends AttemptSetting {
  readonly held: HeldBytes;
}

/** How long a provider may take to list its models, in milliseconds. */
const LIST_MS = 5000;

/** The most models that are listed. */
const MODELS_MAX = 1000;

/**
 * The names that routes spell out, and those of their first providers that their globs match. A provider that does not
 * answer adds nothing.
 */
export async function listModels(setting: ListSetting, plan: InferencePlan): Promise<string[]> {
  if (plan.kind === "none") return [];
  const listed = new Map<Provider, Promise<readonly string[]>>();
  const namesOf = async ({ models, targets: [first] }: Route): Promise<readonly string[]> => {
    const spelled = models.filter(isLiteral).map(unescapeGlob);
    // Where the model is replaced, a glob means names that nobody lists.
    if (first === undefined || first.model !== undefined || models.every(isLiteral)) return spelled;
    const { provider } = first;
    const asked = listed.get(provider) ?? ask(setting, provider).catch(() => []);
    listed.set(provider, asked);
    return [...spelled, ...(await asked)];
  };
  const names = await Promise.all(
    plan.routes.map(async (route) => {
      const found = await namesOf(route);
      return found.filter((name) => plan.routes.find(({ matches }) => matches(name)) === route);
    }),
  );
  return [...new Set(names.flat())].slice(0, MODELS_MAX);
}

async function ask({ send, keyFor, held }: ListSetting, provider: Provider): Promise<readonly string[]> {
  const key = await keyFor(provider);
  const { family, local, baseUrl } = provider;
  if (key !== undefined && !local && new URL(baseUrl).protocol === "http:") return [];
  const headers = requestHeaders(family, { family, headers: new Headers() }, key, false);
  const path = family === "anthropic" ? "/v1/models?limit=1000" : "/models";
  const signal = AbortSignal.timeout(LIST_MS);
  const { status, body } = await send(provider, { method: "GET", path, headers, signal });
  if (status !== 200) {
    body.stream.destroy();
    return [];
  }
  const hold = new Hold(held);
  try {
    const answer = await readAnswer({ stream: body.stream, idleMs: LIST_MS }, hold);
    return objectsOf(answer.data)
      .flatMap(({ id }) => textOf(id) ?? [])
      .slice(0, MODELS_MAX);
  } finally {
    hold.release();
  }
}

/** The list as each family tells it. */
export function modelList(family: ApiFamily, names: readonly string[]): object {
  const data = names.map((name) => modelEntry(family, name));
  if (family === "openai") return { object: "list", data };
  return { data, has_more: false, first_id: names[0] ?? null, last_id: names.at(-1) ?? null };
}

/** One of them. @throws {CallFailure} If no route takes it. */
export function modelOf(family: ApiFamily, plan: InferencePlan, name: string): object {
  const isRouted = plan.kind === "routes" && plan.routes.some(({ matches }) => matches(name));
  if (isRouted) return modelEntry(family, name);
  throw new CallFailure("not_found", `There is no model ${JSON.stringify(name.slice(0, 256))} here`);
}

function modelEntry(family: ApiFamily, id: string): object {
  if (family === "openai") return { id, object: "model", created: 0, owned_by: "cofferdam" };
  return { type: "model", id, display_name: id, created_at: "1970-01-01T00:00:00Z" };
}
