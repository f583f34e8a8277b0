/**
 * The image of a recipe as a Dockerfile.
 *
 * @module
 */
import type { RecipeImage } from "./types.ts";

/**
 * Writes it: the base, and a step for each package manager. Names of packages were checked when the recipe was built, so none is
 * an option or means anything to a shell.
 *
 * @returns undefined where there is nothing to build: the image is one that exists.
 */
export function dockerfileOf({ name, dockerfile, packages = {} }: RecipeImage): string | undefined {
  const { apt = [], npm = [], pip = [] } = packages;
  const steps = [
    apt.length === 0
      ? ""
      : `RUN apt-get update && apt-get install -y --no-install-recommends ${apt.join(" ")} && rm -rf /var/lib/apt/lists/*`,
    npm.length === 0 ? "" : `RUN npm install --global --no-audit --no-fund ${npm.join(" ")}`,
    pip.length === 0 ? "" : `RUN pip install --no-cache-dir ${pip.join(" ")}`,
  ].filter((step) => step !== "");
  if (dockerfile === undefined && steps.length === 0) return undefined;
  const base = dockerfile?.trimEnd() ?? `FROM ${name}`;
  // Steps of a Dockerfile of the recipe's own may have left another user.
  const asRoot = steps.length > 0 && dockerfile !== undefined ? ["USER 0"] : [];
  return `${[base, ...asRoot, ...steps].join("\n")}\n`;
}
