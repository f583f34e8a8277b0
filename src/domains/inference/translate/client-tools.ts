/**
 * Tools of the Responses API that its clients run themselves and that are no functions, as functions, and their calls back.
 *
 * @module
 */
import { isList, type Json, type JsonObject, listOf, numberOf, objectOf, objectsOf, textOf } from "../router/json.ts";
import { given } from "./words.ts";

/** Their types. */
export type ClientToolType = "local_shell" | "shell" | "apply_patch";

/** One of them. */
export interface ClientTool {
  /** What the ids of its items begin with. */
  readonly prefix: string;
  readonly description: string;
  /** Of the function. */
  readonly parameters: JsonObject;
  /** What the item of a call has of its arguments. */
  called(input: JsonObject): JsonObject;
  /** The arguments again, of such an item. */
  arguments(item: JsonObject): JsonObject;
  /** What its output says. */
  said(item: JsonObject): Json | undefined;
}

/** Which of them an item is the call of. */
export const CLIENT_CALLS: Readonly<Record<string, ClientToolType>> = {
  local_shell_call: "local_shell",
  shell_call: "shell",
  apply_patch_call: "apply_patch",
};

/** Finds one by its type. */
export function clientTool(type: string): ClientTool | undefined {
  return isClientTool(type) ? CLIENT_TOOLS[type] : undefined;
}

/** Whether a type is of one of them. */
export function isClientTool(type: string): type is ClientToolType {
  return Object.hasOwn(CLIENT_TOOLS, type);
}

const text: JsonObject = { type: "string" };

function parameters(properties: JsonObject, ...required: readonly string[]): JsonObject {
  return { type: "object", properties, required, additionalProperties: false };
}

/** By type. */
export const CLIENT_TOOLS: Readonly<Record<ClientToolType, ClientTool>> = {
  local_shell: {
    prefix: "lsh_",
    description: "Runs a command, and gives its output",
    parameters: parameters(
      {
        command: { type: "array", items: text, description: "The program and its arguments" },
        working_directory: text,
        timeout_ms: { type: "number" },
      },
      "command",
    ),
    called: ({ command, working_directory, timeout_ms }) => ({
      action: {
        type: "exec",
        command: typeof command === "string" ? ["sh", "-c", command] : textsOf(command),
        env: {},
        ...given({ working_directory: textOf(working_directory), timeout_ms: numberOf(timeout_ms) }),
      },
    }),
    arguments: ({ action }) => {
      const { command, working_directory, timeout_ms } = objectOf(action) ?? {};
      return given({ command: command ?? [], working_directory, timeout_ms });
    },
    said: ({ output }) => output,
  },
  shell: {
    prefix: "sh_",
    description: "Runs commands in a shell, and gives what they print and how they exit",
    parameters: parameters(
      {
        commands: { type: "array", items: text, description: "Command lines, each for a shell of its own" },
        timeout_ms: { type: "number" },
        max_output_length: { type: "number", description: "In characters" },
      },
      "commands",
    ),
    called: ({ commands, timeout_ms, max_output_length }) => ({
      action: {
        commands: typeof commands === "string" ? [commands] : textsOf(commands),
        timeout_ms: numberOf(timeout_ms) ?? null,
        max_output_length: numberOf(max_output_length) ?? null,
      },
      environment: { type: "local" },
    }),
    arguments: ({ action }) => {
      const { commands, timeout_ms, max_output_length } = objectOf(action) ?? {};
      return given({ commands: commands ?? [], timeout_ms, max_output_length });
    },
    said: ({ output }) => (isList(output) ? objectsOf(output).map(printed).join("\n") : output),
  },
  apply_patch: {
    prefix: "apc_",
    description:
      "Creates, changes or deletes a file. A diff has lines that begin with a space (as they stand), with - (taken out) or with + (put in), in sections after a line @@ that may repeat a line before them; of a new file all lines begin with +",
    parameters: parameters(
      {
        type: { type: "string", enum: ["create_file", "update_file", "delete_file"] },
        path: text,
        diff: { type: "string", description: "Of a file that is created or changed" },
      },
      "type",
      "path",
    ),
    called: ({ type, path, diff }) => {
      const kind = type === "create_file" || type === "delete_file" ? type : "update_file";
      const change = kind === "delete_file" ? {} : { diff: textOf(diff) ?? "" };
      return { operation: { type: kind, path: textOf(path) ?? "", ...change } };
    },
    arguments: ({ operation }) => {
      const { type, path, diff } = objectOf(operation) ?? {};
      return given({ type, path, diff });
    },
    said: ({ output, status }) => [textOf(status), textOf(output)].filter((each) => each !== undefined).join("\n"),
  },
};

function textsOf(value: Json | undefined): readonly string[] {
  return listOf(value).flatMap((each) => textOf(each) ?? []);
}

/** What one command came to. */
function printed({ stdout, stderr, outcome }: JsonObject): string {
  const { type, exit_code: code } = objectOf(outcome) ?? {};
  const how = type === "timeout" ? "it took too long" : `exit code ${String(code ?? "unknown")}`;
  return [textOf(stdout), textOf(stderr), how].filter((each) => each !== undefined && each !== "").join("\n");
}
