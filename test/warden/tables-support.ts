/**
 * What the tests of the warden's globs and tables share: a small C program, compiled with the sanitizers, that is asked
 * and answers line by line, and arbitraries over few letters, so that patterns and paths meet.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect } from "vitest";
import { encodeMessage } from "../../src/link/codec.ts";
import { CODES, HEADER_BYTES, type MessageName, type MessageValues } from "../../src/link/protocol.ts";
import { globProblem } from "../../src/policy/glob.ts";
import { removeFolder, scratchFolder } from "../faults/support.ts";

const native = fileURLToPath(new URL("../../src/warden/native/", import.meta.url));
const source = fileURLToPath(new URL("./native/drive_tables.c", import.meta.url));
const parts = ["glob", "glob_rename", "tables", "path_rulings", "program_rulings", "bytes", "die"];

/** Bytes, as text or as they are; undefined: none at all. */
export type Word = string | Uint8Array | undefined;

/** A ruling as the warden gives it. */
export interface NativeRuling {
  readonly verdict: string;
  readonly reason: string;
  readonly rule: number;
  readonly hooked: boolean;
}

/** The C program. */
export class Driver {
  readonly #folder = scratchFolder("tables");
  readonly #process: ChildProcess;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  readonly #ended: Promise<unknown>;
  #code: number | null | undefined;
  #errors = "";

  constructor() {
    const program = join(this.#folder, "drive_tables");
    const flags = ["-std=c17", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-I", native];
    const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    const sources = [source, ...parts.map((name) => join(native, `${name}.c`))];
    execFileSync("cc", [...flags, ...sanitizers, "-o", program, ...sources], { stdio: "pipe" });
    this.#process = spawn(program, { stdio: "pipe" });
    this.#process.stderr?.on("data", (data) => {
      this.#errors += data;
    });
    // It may have died: then its end says so.
    this.#process.stdin?.on("error", () => undefined);
    if (this.#process.stdout === null) throw new Error("no output");
    createInterface(this.#process.stdout).on("line", (line) => this.#waiting.shift()?.resolve(line));
    this.#ended = new Promise((resolve) => {
      this.#process.on("close", (code) => {
        this.#code = code;
        for (const { reject } of this.#waiting.splice(0)) reject(this.#end());
        resolve(code);
      });
    });
  }

  ask(command: string, ...words: readonly Word[]): Promise<string> {
    const line = [
      command,
      ...words.map((word) => (word === undefined ? "-" : `=${Buffer.from(word).toString("hex")}`)),
    ];
    return this.askRaw(line.join(" "));
  }

  askRaw(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#code !== undefined) return reject(this.#end());
      this.#waiting.push({ resolve, reject });
      this.#process.stdin?.write(`${line}\n`);
    });
  }

  async asks(command: string, ...words: readonly Word[]): Promise<boolean> {
    const answer = await this.ask(command, ...words);
    expect(answer).toMatch(/^(yes|no)$/);
    return answer === "yes";
  }

  /** Whether the tables take a message. */
  async takes<N extends MessageName>(name: N, values: MessageValues<N>): Promise<boolean> {
    return (await this.ask(name, encodeMessage(name, values).subarray(HEADER_BYTES))) === "taken";
  }

  async rulePath(path: string, action: keyof typeof CODES.action, binary?: string): Promise<NativeRuling> {
    const [command, first, second] = ["path", hex(path), binary === undefined ? "-" : hex(binary)];
    return read(await this.askRaw(`${command} ${first} ${second} ${CODES.action[action]}`));
  }

  async ruleProgram(start: {
    readonly path: string;
    readonly requested: string;
    readonly argv: readonly string[];
    readonly sha256?: string;
  }): Promise<NativeRuling> {
    const hash = Buffer.from(start.sha256 ?? "", "hex");
    return read(await this.ask("program", start.path, start.requested, hash, ...start.argv));
  }

  /** Ends it: no sanitizer may have complained, and nothing be left in memory. */
  async close(): Promise<void> {
    this.#process.stdin?.end();
    await this.#ended;
    removeFolder(this.#folder);
    expect(this.#errors).toBe("");
    expect(this.#code).toBe(0);
  }

  #end(): Error {
    return new Error(`the driver ended with ${this.#code}: ${this.#errors}`);
  }
}

/** A text as the driver reads it. */
export function hex(text: string): string {
  return `=${Buffer.from(text).toString("hex")}`;
}

function read(line: string): NativeRuling {
  const [verdict, reason, rule, hooked] = line.split(" ");
  const name = (codes: Readonly<Record<string, number>>, value: string | undefined) => {
    return Object.keys(codes).find((key) => String(codes[key]) === value) ?? "none";
  };
  return {
    verdict: name(CODES.verdict, verdict),
    reason: name(CODES.reason, reason),
    rule: Number(rule),
    hooked: hooked === "yes",
  };
}

const segment = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("a", "b", "ab", ".a", "é") },
  { weight: 2, arbitrary: fc.constantFrom("*", "**", "a*", "*b", "*a*", "a*b", "\\*") },
  { weight: 1, arbitrary: fc.stringMatching(/^[ab*]{0,4}$/) },
);

/** Sound patterns, often with stars. */
export const globs: fc.Arbitrary<string> = fc
  .array(segment, { minLength: 1, maxLength: 6 })
  .map((segments) => segments.join("/"))
  .filter((pattern) => globProblem(pattern) === undefined);

/** Sound absolute patterns as the policy's canonical ones: without empty segments or a `**` at the end. */
export const trees: fc.Arbitrary<string> = fc.oneof(
  { weight: 20, arbitrary: globs.map((glob) => `/${glob.split("/").filter(Boolean).join("/")}`) },
  { weight: 1, arbitrary: fc.constant("/") },
);

const names = fc.constantFrom("a", "b", "ab", "ba", "aab", ".a", "é", "*");

/** What lies below a directory: names. */
export const below: fc.Arbitrary<string> = fc.array(names, { minLength: 1, maxLength: 4 }).map((all) => all.join("/"));

/** Absolute paths that are not the root. */
export const paths: fc.Arbitrary<string> = below.map((names) => `/${names}`);
