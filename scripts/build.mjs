/**
 * Builds `dist`: JavaScript by esbuild, declarations by tsc, and the warden's sources beside them.
 *
 * `--out FOLDER` builds somewhere else, `--no-types` leaves the declarations out, `--metafile FILE` says what became of what.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(root, "dist") },
    "no-types": { type: "boolean", default: false },
    metafile: { type: "string" },
  },
});
const { version, peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
rmSync(values.out, { recursive: true, force: true });

/** Stay packages of their own: one loads parts that were compiled for the machine, the others are the user's, or not there. */
const EXTERNAL = ["dockerode", ...Object.keys(peerDependencies)];

/** Folders beside `src` that are published. They know of it nothing but its barrel. */
const BUILT_IN = ["plugins", "recipes"];

/** Packages in CommonJS ask for what Node has in the way that they know. */
const REQUIRE = `import { createRequire as cofferdamRequire } from "node:module";
const require = cofferdamRequire(import.meta.url);`;

// One module takes some 0.3 ms to find and load, and the packages bring hundreds: what is loaded together is in one file. All
// of them lie in one folder, for the library looks for its warden's sources beside itself.
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: {
    mod: "src/mod.ts",
    "testing/mod": "src/testing/mod.ts",
    "cli/main": "src/cli/main.ts",
    ...Object.fromEntries(BUILT_IN.map((folder) => [`built-in/${folder}/mod`, `${folder}/mod.ts`])),
  },
  outdir: values.out,
  chunkNames: "part-[hash]",
  bundle: true,
  splitting: true,
  metafile: true,
  minifySyntax: true,
  format: "esm",
  platform: "node",
  target: "node20",
  external: EXTERNAL,
  define: { COFFERDAM_VERSION: JSON.stringify(version) },
  banner: { js: REQUIRE },
  legalComments: "none",
  logLevel: "warning",
});
if (values.metafile !== undefined) writeFileSync(values.metafile, JSON.stringify(metafile));
writeFileSync(join(values.out, "third-party.txt"), notices(Object.keys(metafile.inputs)));
cpSync(join(root, "src/warden/native"), join(values.out, "native"), { recursive: true });
if (!values["no-types"]) {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const options = ["-p", join(root, "tsconfig.build.json"), "--outDir", values.out];
  execFileSync(process.execPath, [tsc, ...options], { stdio: "inherit" });
  declareBuiltIn(tsc);
}

/** Writes the declarations of what lies beside `src`, and tells them where its barrel is now. */
function declareBuiltIn(tsc) {
  const beside = join(values.out, "beside");
  const options = ["-p", join(root, "tsconfig.built-in.json"), "--outDir", beside];
  execFileSync(process.execPath, [tsc, ...options], { stdio: "inherit" });
  for (const folder of BUILT_IN) {
    for (const path of readdirSync(join(beside, folder), { recursive: true, encoding: "utf8" })) {
      if (!path.endsWith(".d.ts")) continue;
      const text = readFileSync(join(beside, folder, path), "utf8");
      const target = join(values.out, "built-in", folder, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text.replaceAll(/((?:\.\.\/)+)src\/((?:testing\/)?mod\.[jt]s)/g, "$1../$2"));
    }
  }
  rmSync(beside, { recursive: true });
}

/** The licences of the packages that are in the files. */
function notices(inputs) {
  const packages = inputs.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(packages)].sort().map(notice).join("\n\n");
}

function notice(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  const file = readdirSync(join(root, folder)).find((each) => /^licen[cs]e(\.|$)/i.test(each));
  if (file === undefined && license === undefined) throw new Error(`${name} says nothing of its licence`);
  const text = file === undefined ? "" : `\n\n${readFileSync(join(root, folder, file), "utf8").trim()}`;
  return `${name} ${version} (${license})${text}\n`;
}
