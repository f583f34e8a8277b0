/**
 * The types of a pipeline as its author writes it: stages, what goes in, what may come out, and who is asked before it does.
 *
 * @module
 */
import type { Awaitable } from "../hooks/types.ts";
import type { Policy } from "../policy/mod.ts";
import type { SandboxOptions } from "../sandbox/options.ts";
import type { Sandbox } from "../sandbox/running.ts";
import type { ExecResult } from "../sandbox/types.ts";
import type { Gate } from "./gate-types.ts";

/** What a pipeline is. Names are lower-case letters, digits and `-`, at most 63. */
export interface PipelineDefinition {
  readonly name: string;
  /** By their names. A stage runs when all that it needs has passed. At most 64. */
  readonly stages: Readonly<Record<string, Stage>>;
  /** Options of every stage's sandbox. */
  readonly sandbox?: StageSandbox;
  /** How many stages run at one time, from 1 to 16. @default 2 */
  readonly parallel?: number;
}

/** A pipeline that was checked: see `definePipeline`. */
export interface Pipeline extends PipelineDefinition {
  /** The names of the stages, each after those that it needs. */
  readonly order: readonly string[];
}

/** The options of a stage's sandbox. Its workspace, its audit log and its end are the pipeline's. */
export type StageSandbox = Omit<SandboxOptions, "workspace" | "audit" | "signal" | "snapshot" | "guest">;

/** One sandbox, one command, and what leaves it. */
export interface Stage {
  /** Stages that must have passed before. Those whose outputs it takes are needed by themselves. */
  readonly needs?: readonly string[];
  /**
   * What its command may do beside reading its inputs and writing its outputs: a policy, its text, or the path of its file.
   *
   * @default nothing
   */
  readonly policy?: Policy | string;
  /** What a recipe has built: its policy, which `policy` is composed with, its image, variables and volumes. */
  readonly recipe?: StageRecipe;
  /** Options of its sandbox, over the pipeline's. */
  readonly sandbox?: StageSandbox;
  /** A program with its arguments, which must succeed; or a function that drives the sandbox. */
  readonly command: readonly string[] | StageFunction;
  /** Copies of the project's files and folders, and of what earlier stages made. A string is a path of the project. */
  readonly inputs?: readonly (string | ProjectInput | ArtifactInput)[];
  /** What may leave it, by name. Everything else that it changes makes it fail. */
  readonly outputs?: Readonly<Record<string, PathOutput | StdoutOutput>>;
  /** Paths that it may write and whose content is thrown away. */
  readonly scratch?: readonly string[];
  /** What must hold of its outputs, in this order. */
  readonly checks?: readonly (FunctionCheck | CommandCheck)[];
  /** Who must agree before anything leaves it. */
  readonly gate?: Gate;
  /** How long its command may take, in milliseconds. @default 600000 */
  readonly timeoutMs?: number;
  /** Whether it begins again, in a new sandbox, when it failed. @default never */
  readonly retries?: StageRetries;
}

/** What a stage takes of a recipe: what `recipe.build()` gives has it. */
export interface StageRecipe {
  readonly policy: Policy;
  /** One that is yet to be built is refused: build it, and name it. */
  readonly image?: { readonly name?: string; readonly dockerfile?: string; readonly packages?: object };
  readonly env?: Readonly<Record<string, string>>;
  readonly volumes?: SandboxOptions["volumes"];
  /** Plugins by name are refused: pass them in `sandbox.plugins`. */
  readonly plugins?: readonly unknown[];
}

/** A file or folder of the project. */
export interface ProjectInput {
  /** Below the project. */
  readonly project: string;
  /** Where the stage has it, below its workspace. @default the same path */
  readonly to?: string;
}

/** What an earlier stage made, after it has passed. */
export interface ArtifactInput {
  readonly stage: string;
  readonly output: string;
  /** Where the stage has it, below its workspace. @default the path where it was made */
  readonly to?: string;
}

/** A file or folder that a stage makes or changes. */
export interface PathOutput {
  /** Below the workspace. The folder of a file must hold nothing else that is new. */
  readonly path: string;
  /** @default "folder" */
  readonly kind?: "file" | "folder";
  /** Whether it is written to the project, at the same path, when the stage's gate has let it. @default false */
  readonly release?: boolean;
  /** Whether it may be missing. @default false */
  readonly optional?: boolean;
  /** The most that its files may hold together, in bytes. @default 67108864 */
  readonly maxBytes?: number;
  /** The most files. @default 10000 */
  readonly maxFiles?: number;
}

/** What the command prints, or what the function returns. */
export interface StdoutOutput {
  readonly stdout: true;
  /** Printing more makes the stage fail, in bytes, at most 16777216. @default 1048576 */
  readonly maxBytes?: number;
}

/** Drives the sandbox. What it returns is the stage's standard output. A throw makes the stage fail. */
export type StageFunction =
  | ((context: StageContext) => Awaitable<string | Uint8Array | ExecResult>)
  | ((context: StageContext) => Awaitable<void>);

/** What a stage's function has. */
export interface StageContext {
  readonly sandbox: Sandbox;
  /** The stage's name. */
  readonly stage: string;
  /** 1, and one more with each retry. */
  readonly attempt: number;
  /** Aborted when the stage takes too long or the pipeline is ended. */
  readonly signal: AbortSignal;
}

/** Why an attempt failed. `smuggled`: something that was not declared, or is no plain file, would have left it. */
export type FailureCode =
  | "exit"
  | "timeout"
  | "sandbox"
  | "function"
  | "missing"
  | "smuggled"
  | "too-large"
  | "check"
  | "artifact"
  | "release";

/** When a stage begins again. */
export interface StageRetries {
  /** How often, from 1 to 10. */
  readonly count: number;
  /** After which failures. What was smuggled is never tried again. @default ["exit", "timeout", "sandbox"] */
  readonly on?: readonly ("exit" | "timeout" | "sandbox" | "function" | "missing" | "too-large" | "check")[];
  /** How long to wait before each, in milliseconds. @default 0 */
  readonly delayMs?: number;
}

/** A check that runs in this process. */
export interface FunctionCheck {
  readonly name: string;
  /** Throws, or returns what is wrong. Nothing: it is well. */
  readonly run:
    | ((outputs: StageOutputs) => Awaitable<string | undefined>)
    | ((outputs: StageOutputs) => Awaitable<void>);
}

/** A check that runs in a sandbox of its own, which can read the outputs and write nothing. It must exit with 0. */
export interface CommandCheck {
  readonly name: string;
  readonly command: readonly string[];
  /** What it may do beside reading the outputs. @default nothing */
  readonly policy?: Policy | string;
  /** In milliseconds. @default 60000 */
  readonly timeoutMs?: number;
}

/** A file of an artifact. */
export interface ArtifactFile {
  /** Below the workspace of the stage that made it; `stdout` for what was printed. Plain UTF-8 without control characters. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** In bytes. */
  readonly size: number;
  /** Of its content: 64 hexadecimal digits. */
  readonly sha256: string;
}

/** The outputs of a stage, for its checks. */
export interface StageOutputs {
  /** The files of an output. */
  list(output: string): readonly ArtifactFile[];
  /**
   * The content of an output that is one file, or of one of its files.
   *
   * @throws {SandboxError} ARTIFACT_CHANGED If it is no longer what it was.
   * @throws {SandboxError} ARGUMENT_INVALID If there is no such file.
   */
  read(output: string, path?: string): Promise<Uint8Array>;
  /** The same as UTF-8. */
  readText(output: string, path?: string): Promise<string>;
}
