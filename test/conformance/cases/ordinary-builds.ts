/**
 * What developers do, without a network: git with hooks, npm with a native package, Python with pip, a C compiler.
 */
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { inEachMode, script } from "../ordinary.ts";

const GIT_FILES = {
  "notes.txt": "one\n",
  "hooks/pre-commit": "#!/bin/sh\necho ran > pre-commit.ran\n",
  "hooks/commit-msg": '#!/bin/bash\ngrep -q "^[A-Z]" "$1" || { echo "begin with a capital" >&2; exit 1; }\n',
};

const ADDON_FILES = {
  "native/package.json": JSON.stringify({ name: "native-add", version: "1.0.0", main: "index.js", gypfile: true }),
  "native/index.js": 'module.exports = require("./build/Release/add.node");\n',
  "native/binding.gyp": JSON.stringify({ targets: [{ target_name: "add", sources: ["add.c"] }] }),
  "native/add.c": `
#include <node_api.h>
static napi_value add(napi_env env, napi_callback_info info) {
    napi_value values[2], sum;
    size_t count = 2;
    double a = 0, b = 0;
    napi_get_cb_info(env, info, &count, values, NULL, NULL);
    napi_get_value_double(env, values[0], &a);
    napi_get_value_double(env, values[1], &b);
    napi_create_double(env, a + b, &sum);
    return sum;
}
NAPI_MODULE_INIT() {
    napi_value function;
    napi_create_function(env, "add", NAPI_AUTO_LENGTH, add, NULL, &function);
    napi_set_named_property(env, exports, "add", function);
    return exports;
}
`,
  "app/package.json": JSON.stringify({ name: "app", version: "1.0.0", private: true }),
};

/** A wheel is a zip of these. */
export const WHEEL = `
import zipfile
with zipfile.ZipFile("index/hello_case-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("hello_case.py", "answer = 42\\n")
    info = "hello_case-1.0.dist-info/"
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: hello-case\\nVersion: 1.0\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: case\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "hello_case.py,,\\n%sMETADATA,,\\n%sWHEEL,,\\n%sRECORD,,\\n" % (info, info, info))
`;

const C_FILES = {
  "main.c": '#include <stdio.h>\nint twice(int);\nint main(void) { printf("%d\\n", twice(21)); return 0; }\n',
  "twice.c": "int twice(int number) { return 2 * number; }\n",
  Makefile:
    "main: main.o libtwice.a\n\tgcc -o $@ $^\nlibtwice.a: twice.o\n\tar rcs $@ $^\nclean:\n\trm -f main *.o *.a\n",
};

export const ordinaryBuildCases: readonly Case[] = [
  ...inEachMode(
    "git makes a repository, runs its hooks, branches, merges, packs and clones",
    GIT_FILES,
    async (sandbox) => {
      const output = await script(
        sandbox,
        `
git init -q -b main . && git config user.name Agent && git config user.email agent@example.invalid
cp hooks/* .git/hooks/ && chmod +x .git/hooks/pre-commit .git/hooks/commit-msg
git add notes.txt
git commit -qm "no capital" && exit 1
git commit -qm "First notes"
cat pre-commit.ran
git checkout -qb side && echo two >> notes.txt && git commit -qam "Second line" && git checkout -q main
git merge -q --no-ff -m "Merge side" side
git stash list; git gc -q
git clone -q . copy && git -C copy log --oneline --no-decorate | wc -l
git -C copy fsck --no-progress && cat copy/notes.txt && git status --short`,
      );
      expect(output.replaceAll(" ", "")).toBe("ran\n3\none\ntwo\n??copy/\n??hooks/\n??pre-commit.ran\n");
    },
  ),
  ...inEachMode("npm installs a package that is compiled, and node loads it", ADDON_FILES, async (sandbox) => {
    const output = await script(
      sandbox,
      `
cd native && npm pack --silent && mv native-add-1.0.0.tgz ../app && cd ../app
npm install --offline --no-audit --no-fund --loglevel=error ./native-add-1.0.0.tgz >&2
test -f node_modules/native-add/build/Release/add.node
node -e 'console.log(require("native-add").add(40, 2))'
npm ci --offline --no-audit --no-fund --loglevel=error --ignore-scripts >&2 && npm ls --omit=dev --parseable | wc -l`,
      { npm_config_nodedir: "/usr", npm_config_update_notifier: "false", CI: "true" },
    );
    expect(output.trim().split(/\s+/).slice(-2)).toEqual(["42", "2"]);
  }),
  ...inEachMode(
    "python makes a venv, and pip installs from a local index",
    { "wheel.py": WHEEL, "index/": "" },
    async (sandbox) => {
      const output = await script(
        sandbox,
        `
python3 wheel.py && python3 -m venv environment
environment/bin/pip install -q --disable-pip-version-check --no-index --find-links index hello-case >&2
environment/bin/python -c 'import hello_case, sys; print(hello_case.answer, sys.prefix)'
environment/bin/pip --disable-pip-version-check list --format=freeze | grep hello`,
      );
      expect(output).toBe("42 /workspace/environment\nhello-case==1.0\n");
    },
  ),
  ...inEachMode("make and gcc compile, link and run, and again after a change", C_FILES, async (sandbox) => {
    const output = await script(
      sandbox,
      `
make -s main && ./main
sed -i 's/2 \\*/3 */' twice.c && make -s main && ./main
gcc -shared -fPIC -o libtwice.so twice.c && gcc -o shared main.c -L. -ltwice -Wl,-rpath,'$ORIGIN' && ./shared
gcc -static -O2 -pipe -o static main.c twice.c && ./static && make -s clean && ls`,
    );
    expect(output).toBe("42\n63\n63\n63\nMakefile\nlibtwice.so\nmain.c\nshared\nstatic\ntwice.c\n");
  }),
];
