/**
 * From a file to a pipeline.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { builtInRecipes, definePipeline, type Pipeline, type PipelineDefinition, SandboxError } from "../../mod.ts";
import { UsageError } from "../failure.ts";

/** A pipeline, and what its file was. */
export interface LoadedPipeline {
  readonly pipeline: Pipeline;
  /** Absolute. */
  readonly file: string;
  /** Of the file: a change of it is a change of the pipeline. */
  readonly digest: string;
}

/** Loads it. A module runs in this process. */
export async function loadPipeline(path: string): Promise<LoadedPipeline> {
  const file = resolve(path);
  const content = await readFile(file).catch((cause: Error) => {
    throw new UsageError(`Cannot read the pipeline "${path}": ${cause.message}`);
  });
  const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
  const definition = /\.(?:ya?ml|json)$/i.test(file)
    ? await withRecipes(readData(path, content.toString()))
    : await importModule(path, file);
  return { pipeline: definePipeline(definition as PipelineDefinition), file, digest };
}

function readData(path: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw new UsageError(`Cannot read the pipeline "${path}": ${(error as Error).message.split("\n")[0]}`);
  }
}

/**
 * `recipe: { use, params }` of a stage: data cannot call a recipe by itself. And data runs nothing on this machine, so that it can be
 * read as data: neither the module of a recipe nor a program that prints a credential.
 */
async function withRecipes(definition: unknown): Promise<unknown> {
  if (!isRecord(definition)) return definition;
  refuseCommands("sandbox", definition.sandbox);
  if (!isRecord(definition.stages)) return definition;
  const builtIn = await builtInRecipes();
  const stages = Object.entries(definition.stages).map(([name, stage]): [string, unknown] => {
    if (!isRecord(stage)) return [name, stage];
    refuseCommands(`stages.${name}.sandbox`, stage.sandbox);
    const { recipe } = stage;
    if (!isRecord(recipe) || typeof recipe.use !== "string") return [name, stage];
    const found = builtIn.find((each) => each.name === recipe.use);
    if (found === undefined) {
      throw runsCode(
        `stages.${name}.recipe.use`,
        `no recipe ${JSON.stringify(recipe.use)} is built in; others are code`,
      );
    }
    return [name, { ...stage, recipe: found.build(isRecord(recipe.params) ? recipe.params : {}) }];
  });
  return { ...definition, stages: Object.fromEntries(stages) };
}

function refuseCommands(place: string, sandbox: unknown): void {
  const sources = isRecord(sandbox) && isRecord(sandbox.credentials) ? sandbox.credentials : {};
  for (const [name, source] of Object.entries(sources)) {
    if (!isRecord(source) || !("command" in source)) continue;
    throw runsCode(`${place}.credentials.${name}`, "a command would run on this machine");
  }
}

function runsCode(path: string, message: string): SandboxError<"PIPELINE_INVALID"> {
  return new SandboxError("PIPELINE_INVALID", `Cannot use the pipeline: ${path}: ${message}`, {
    details: { issues: [{ path, message }] },
    hint: "YAML and JSON run nothing here: write the pipeline as a module, whose code does",
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function importModule(path: string, file: string): Promise<unknown> {
  const module = await importFile(path, file);
  // What was compiled to CommonJS has its own default in the default.
  const found = module.default ?? module.pipeline;
  if (typeof found === "object" && found !== null) return "default" in found ? found.default : found;
  throw new UsageError(`Cannot use "${path}": it exports no pipeline: export default definePipeline({ ... })`);
}

type Module = Readonly<Record<string, unknown>>;

async function importFile(path: string, file: string): Promise<Module> {
  const url = pathToFileURL(file).href;
  try {
    return (await import(url)) as Module;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_UNKNOWN_FILE_EXTENSION") throw error;
  }
  // Node 20 reads no TypeScript by itself; the project may have somebody who does.
  const tsx = await tsxOf(file);
  if (tsx === undefined) {
    throw new UsageError(
      `Cannot load "${path}": this Node does not run TypeScript. Use Node 22.18 and later, or install tsx in the project`,
    );
  }
  return (await tsx.tsImport(url, import.meta.url)) as Module;
}

interface Tsx {
  tsImport(url: string, parent: string): Promise<unknown>;
}

async function tsxOf(file: string): Promise<Tsx | undefined> {
  let found: string;
  try {
    found = createRequire(file).resolve("tsx/esm/api");
  } catch {
    return undefined;
  }
  // What is found by `require` is CommonJS; the module that can import lies beside it.
  return (await import(pathToFileURL(found.replace(/\.cjs$/, ".mjs")).href)) as Tsx;
}
