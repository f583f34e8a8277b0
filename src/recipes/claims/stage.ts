/**
 * Where claims are tried, and what stands in there for the programs that they are about.
 *
 * @module
 */

import type { DerivedImage } from "../../runtimes/docker/derive-image.ts";
import { DEFAULT_IMAGE } from "../../runtimes/docker/options.ts";
import { nameOfImage } from "../image.ts";
import type { BuiltRecipe } from "../types.ts";
import { PROBE_SOURCE } from "./probe.ts";
import type { ClaimRuntime, TrialResult } from "./results.ts";
import { makeStandIns, type StandIns } from "./stand-ins.ts";

/** What a stage is made from. */
export interface StageOptions {
  readonly runtime: ClaimRuntime;
  /** In the place of the recipes' own images. */
  readonly image?: string;
  /** Every program that claims are about: an image is made once for all of them. */
  readonly programs: readonly string[];
}

/** Of one run of claims. */
export class Stage implements AsyncDisposable {
  readonly runtime: ClaimRuntime;
  readonly #image: string | undefined;
  readonly #programs: readonly string[];
  /** By what they are made from. */
  readonly #images = new Map<string, Promise<DerivedImage>>();

  readonly #known = new Map<string, Promise<readonly TrialResult[]>>();

  constructor({ runtime, image, programs }: StageOptions) {
    this.runtime = runtime;
    this.#image = image;
    this.#programs = [...new Set(programs)];
  }

  /** The programs for some acts. Undefined: there is nothing to stand in for. */
  async standIns({ image }: BuiltRecipe, doers: readonly string[]): Promise<StandIns | undefined> {
    if (this.runtime === "memory") return undefined;
    if (this.runtime === "local") return doers.length === 0 ? undefined : makeStandIns(doers);
    const base = this.#image ?? (image === undefined ? undefined : await nameOfImage(image)) ?? DEFAULT_IMAGE;
    const known = this.#images.get(base);
    const made = known ?? this.#make(base);
    this.#images.set(base, made);
    return { ...PLACES, image: (await made).id };
  }

  /** Those for every act. */
  allStandIns(built: BuiltRecipe): Promise<StandIns | undefined> {
    return this.standIns(built, this.#programs);
  }

  /** Tries something, or gives what came of the same before. Without a key it is like nothing else. */
  once(key: string | undefined, run: () => Promise<readonly TrialResult[]>): Promise<readonly TrialResult[]> {
    if (key === undefined) return run();
    const known = this.#known.get(key) ?? run();
    this.#known.set(key, known);
    return known;
  }

  async #make(base: string): Promise<DerivedImage> {
    const { deriveImage } = await import("../../runtimes/docker/derive-image.ts");
    return deriveImage(base, ["node", "-e", MAKE, FOLDER, PROBE_SOURCE, ...this.#programs]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const made = await Promise.allSettled(this.#images.values());
    for (const each of made) if (each.status === "fulfilled") await each.value[Symbol.asyncDispose]();
  }
}

const FOLDER = "/opt/cofferdam-claims";
const PLACES = { folder: FOLDER, programs: `${FOLDER}/bin`, module: `${FOLDER}/probe.cjs` };

/** What the image's Node does. */
const MAKE = `
const { copyFileSync, linkSync, mkdirSync, realpathSync, writeFileSync } = require("node:fs");
const [folder, source, ...names] = process.argv.slice(1);
mkdirSync(folder + "/bin", { recursive: true });
writeFileSync(folder + "/probe.cjs", source);
const [node, own] = [realpathSync(process.execPath), folder + "/program"];
try { linkSync(node, own); } catch { copyFileSync(node, own); }
for (const name of names) linkSync(own, folder + "/bin/" + name);
`;
