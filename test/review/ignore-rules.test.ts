import { execFileSync, spawnSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HostFolder } from "../../src/review/host-folder.ts";
import { IgnoreRules } from "../../src/review/ignore-rules.ts";

const folder = mkdtempSync(join(tmpdir(), "cofferdam-ignore-"));
let host: HostFolder;

const RULES: Readonly<Record<string, string>> = {
  ".gitignore":
    "*.log\n!keep.log\n/build/\nnode_modules/\ndocs/*.tmp\n\\#odd\nsp\\ ace\nn\xc3\xa9*\n**/deep/x\na[bc]d\nq?\n",
  "sub/.gitignore": "!*.log\n/local\n*.out\n!build/\n",
  "sub/inner/.gitignore": "*\n!kept\n",
  "node_modules/.gitignore": "!*\n",
  ".git/info/exclude": "excluded\n",
};
const PATHS = [
  ..."a.log keep.log build/x sub/build/x node_modules/p/index.js docs/a.tmp docs/d/a.tmp #odd sub/b.log sub/local".split(
    " ",
  ),
  ..."sub/x/local sub/c.out sub/inner/any sub/inner/kept sub/inner/d/kept excluded sub/excluded deep/x a/b/deep/x".split(
    " ",
  ),
  ..."abd acd aed qq q QQ A.LOG build sub/build node_modules/p/a.log née nEE plain".split(" "),
  "sp ace",
];

beforeAll(() => {
  for (const [name, text] of Object.entries(RULES)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), Buffer.from(text, "latin1"));
  }
  execFileSync("git", ["init", "-q", folder]);
  writeFileSync(join(folder, ".git/info/exclude"), RULES[".git/info/exclude"] ?? "");
  const { dev: device, ino: inode } = lstatSync(folder);
  host = HostFolder.open({ path: folder, device, inode });
});
afterAll(() => {
  host.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("IgnoreRules", () => {
  test("ignore what git ignores", async () => {
    const input = PATHS.join("\0");
    const { stdout } = spawnSync("git", ["check-ignore", "--no-index", "-z", "--stdin"], { cwd: folder, input });
    const wanted = stdout.toString().split("\0").filter(Boolean);
    const rules = new IgnoreRules(host);
    const found: string[] = [];
    for (const path of PATHS) if (await rules.ignores(Buffer.from(path).toString("latin1"))) found.push(path);
    expect(found.sort()).toEqual(wanted.sort());
    expect(found.length).toBeGreaterThan(12);
  });
});
