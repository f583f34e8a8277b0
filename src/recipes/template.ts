/**
 * What `cofferdam recipe new` writes: a package that has one recipe, and needs no build.
 *
 * @module
 */

/** The files of the package, by their paths. `name` is the package's and the recipe's; `version` is Cofferdam's. */
export function templateFiles(name: string, version: string): Readonly<Record<string, string>> {
  return { "package.json": manifest(name, version), "recipe.js": recipe(name), "README.md": readme(name) };
}

function manifest(name: string, version: string): string {
  const data = {
    name,
    version: "1.0.0",
    description: "A recipe for Cofferdam",
    keywords: ["cofferdam-recipe"],
    type: "module",
    exports: "./recipe.js",
    files: ["recipe.js"],
    scripts: { test: "cofferdam recipe test ." },
    // Whoever runs the recipe has it, and zod with it.
    peerDependencies: { cofferdam: `^${version}`, zod: "^4" },
  };
  return `${JSON.stringify(data, undefined, 2)}\n`;
}

function recipe(name: string): string {
  return `import { defineRecipe, param } from "cofferdam";
import { z } from "zod";

export default defineRecipe({
  name: ${JSON.stringify(name)},
  version: "1.0.0",
  description: "Reads a project, writes one folder of it, and reaches nothing.",
  params: z.object({
    folder: param.path().default("./docs").describe("the folder that is written"),
  }),
  build: ({ folder }) => ({
    policy: {
      version: 1,
      filesystem: { read: ["."], write: [folder], deny: ["**/.env"] },
      locked: ["filesystem", "network"],
    },
  }),
  tests: {
    params: {},
    claims: ({ allows, denies }) => [
      allows.read("src/main.js"),
      allows.write("docs/index.md"),
      denies.write("src/main.js"),
      denies.read(".env"),
      denies.http("GET https://example.com/"),
    ],
  },
});
`;
}

function readme(name: string): string {
  return `# ${name}

A recipe for Cofferdam.

    npm install ${name}
    npx cofferdam recipe show npm:${name}
    npx cofferdam run --recipe npm:${name} -- your-agent

\`npm test\` tries what it claims in a sandbox; \`npm publish\` publishes it.
`;
}
