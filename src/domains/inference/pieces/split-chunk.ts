/**
 * A chunk of a chat completion as several, with no more than one part of a choice in each: so what somebody held of a part can be
 * said before the next one begins.
 *
 * @module
 */
import { isList, type Json, type JsonObject, objectOf, objectsOf, textOf } from "../router/json.ts";

/** Everything that is said under a key of its own. */
const SAID = ["content", "refusal", "reasoning_content", "reasoning", "function_call"] as const;

/** The chunk itself where there is nothing to part. */
export function onePartEach(chunk: JsonObject): readonly JsonObject[] {
  const choices = objectsOf(chunk.choices);
  const parted = choices.map((choice) => partsOf(choice));
  if (choices.length < 2 && parted.every((parts) => parts.length < 2)) return [chunk];
  const { usage, ...frame } = chunk;
  const all = parted.flat().map((choice) => ({ ...frame, choices: [choice] }));
  const last = all.pop();
  return last === undefined ? [chunk] : [...all, { ...last, ...(usage === undefined ? {} : { usage }) }];
}

function partsOf(choice: JsonObject): readonly JsonObject[] {
  const { delta, finish_reason: finish, text, ...rest } = choice;
  const said = objectOf(delta);
  const isOver = textOf(finish) !== undefined;
  const parts: JsonObject[] = said === undefined ? [] : deltasOf(said).map((each) => ({ delta: each }));
  if (typeof text === "string" && text !== "") parts.push({ text });
  if (parts.length + (isOver ? 1 : 0) < 2) return [choice];
  const open = { ...rest, finish_reason: null };
  const over = { ...rest, finish_reason: finish ?? null, ...(said === undefined ? { text: "" } : { delta: {} }) };
  return [...parts.map((part) => ({ ...open, ...part })), ...(isOver ? [over] : [])];
}

/** What stands beside the words, such as the role, goes with the first of them. */
function deltasOf(delta: JsonObject): readonly JsonObject[] {
  const { tool_calls: calls, ...others } = delta;
  const keys = SAID.filter((key) => isSaid(others[key]));
  const beside = Object.fromEntries(Object.entries(others).filter(([key]) => !keys.includes(key as never)));
  const said: JsonObject[] = [
    ...keys.map((key) => ({ [key]: others[key] })),
    ...objectsOf(calls).map((call, index) => ({ tool_calls: [{ index, ...call }] })),
  ];
  return said.map((each, at) => (at === 0 ? { ...beside, ...each } : each));
}

function isSaid(value: Json | undefined): boolean {
  return (typeof value === "string" && value !== "") || isList(value) || objectOf(value) !== undefined;
}
