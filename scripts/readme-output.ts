/**
 * Puts into the README what its commands really print. `--check` only says whether it is still so: times, dates and made-up
 * names do not count.
 *
 *     npm run readme
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = join(root, "README.md");

/** By the name of their block: what is typed, in the order of the README. */
const SESSIONS: Readonly<Record<string, readonly string[]>> = {
  run: [
    "cat docs-stage.yaml",
    `cofferdam run -p docs-stage.yaml --patch draft.patch -- sh -c 'echo "# Draft" > docs/draft.md; cat .env'`,
  ],
  explain: [
    "cofferdam policy explain docs-stage.yaml read .env",
    "cofferdam policy explain docs-stage.yaml connect example.com:443",
  ],
  background: [
    "cofferdam run --detach --name helper --no-workspace -- sh -c 'echo started; sleep 1000'",
    "cofferdam ps",
    "cofferdam exec helper -- sh -c 'echo in the same sandbox'",
    "cofferdam logs helper",
    "cofferdam stop helper",
  ],
};

const FILES: Readonly<Record<string, string>> = {
  "docs-stage.yaml": 'version: 1\nname: docs-stage\nfilesystem:\n  write: [.]\n  deny: ["**/.env"]\n',
  ".env": "TOKEN=1\n",
  "docs/index.md": "# Documentation\n",
};

/** A folder of a project, with the command line as it is published. */
function prepare(): { readonly folder: string; readonly project: string; readonly env: NodeJS.ProcessEnv } {
  const folder = mkdtempSync(join(tmpdir(), "readme-"));
  const build = ["scripts/build.mjs", "--no-types", "--out", join(folder, "dist")];
  execFileSync(process.execPath, build, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  const project = join(folder, "project");
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(join(project, name, ".."), { recursive: true });
    writeFileSync(join(project, name), text);
  }
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const program = `#!/bin/sh\nexec "${process.execPath}" "${join(folder, "dist/cli/main.js")}" "$@"\n`;
  writeFileSync(join(bin, "cofferdam"), program, { mode: 0o755 });
  mkdirSync(join(folder, "run"), { mode: 0o700 });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const env = {
    ...process.env,
    NO_COLOR: "1",
    XDG_RUNTIME_DIR: join(folder, "run"),
    PATH: `${bin}:${process.env.PATH}`,
  };
  return { folder, project, env };
}

function play(commands: readonly string[], cwd: string, env: NodeJS.ProcessEnv): string {
  const lines = commands.map((command) => {
    // Both outputs in their order, as a terminal shows them.
    const { stdout } = spawnSync("sh", ["-c", `{ ${command}\n} 2>&1`], { cwd, env, encoding: "utf8" });
    return `$ ${command}\n${stdout.replaceAll("\r\n", "\n").trimEnd()}`.trimEnd();
  });
  return `\`\`\`console\n${lines.join("\n")}\n\`\`\``;
}

/** What is another one each time. */
function steady(text: string): string {
  return text
    .replace(/\d+(?:\.\d)? m?s\b/g, "N ms")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "DATE")
    .replace(/[0-9a-f]{16,}/g, "HEX");
}

const before = readFileSync(readme, "utf8");
const { folder, project, env } = prepare();
let after = before;
try {
  for (const [name, commands] of Object.entries(SESSIONS)) {
    const block = new RegExp(`(<!-- output: ${name} -->\\n)[\\s\\S]*?(\\n<!-- end -->)`);
    if (!block.test(after)) throw new Error(`README.md has no place for the output "${name}"`);
    const text = play(commands, project, env);
    after = after.replace(block, (_, begin: string, end: string) => `${begin}${text}${end}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (!process.argv.includes("--check")) writeFileSync(readme, after);
else if (steady(after) !== steady(before)) {
  const difference = after
    .split("\n")
    .filter((line, index) => steady(line) !== steady(before.split("\n")[index] ?? ""));
  console.error(
    `README.md shows another output than there is (npm run readme):\n${difference.slice(0, 20).join("\n")}`,
  );
  process.exitCode = 1;
}
