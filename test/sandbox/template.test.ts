import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { type TemplateValue, templateArgv } from "../../src/sandbox/template.ts";
import type { Text } from "../../src/sandbox/types.ts";

function argv(strings: TemplateStringsArray, ...values: readonly TemplateValue[]): Text[] {
  return templateArgv(strings, values);
}

/** What the script prints, run by that shell. Bytes go through latin1, which node hands over as UTF-8. */
function run(shell: readonly string[], [, ...rest]: readonly Text[]): string {
  const [program = "", ...options] = shell;
  return execFileSync(program, [...options, ...rest.map(String)], {
    encoding: "utf8",
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

const SHELLS = [["/bin/sh"], ["/bin/bash", "--posix"], ["/usr/bin/busybox", "sh"]].filter(([path = ""]) =>
  existsSync(path),
);

/** Whatever execve takes, with the characters that matter to a shell more often than others. */
const anyValue = fc
  .array(
    fc.oneof(fc.constantFrom(..." \t\n'\"`$\\;&|<>(){}[]*?#~!=-a1é"), fc.string({ unit: "grapheme", maxLength: 3 })),
    {
      maxLength: 24,
    },
  )
  .map((parts) => parts.join("").replaceAll("\0", ""));

describe.skipIf(SHELLS.length === 0).each(SHELLS)("a template run by %s", (...shell) => {
  test("gives every value to the program byte by byte", () => {
    fc.assert(
      fc.property(anyValue, anyValue, (a, b) => {
        expect(run(shell, argv`printf %s ${a}; printf '|%s|' x${b}y`)).toBe(`${a}|x${b}y|`);
      }),
      { numRuns: 100 },
    );
  });

  test("makes one argument of each element, and none of no element", () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 14 }), (values) => {
        const expected = values.map((value) => `<${value}>`).join("");
        expect(run(shell, argv`for x in ${values}; do printf '<%s>' "$x"; done`)).toBe(expected);
      }),
      { numRuns: 50 },
    );
  });

  test("keeps values whole in the places where a word may stand", () => {
    const value = `a  *'"$(echo hacked)\`echo hacked\`\\`;
    expect(run(shell, argv`x=${value}; printf %s "$x"`)).toBe(value);
    expect(run(shell, argv`printf %s "$(printf %s ${value})"`)).toBe(value);
    expect(run(shell, argv`(printf %s ${value})`)).toBe(value);
    expect(
      run(
        shell,
        argv`{ printf %s ${value}; } # a ' comment
      printf %s ${value}`,
      ),
    ).toBe(value + value);
    expect(run(shell, argv`case ${value} in ${value}) printf same;; *) printf other;; esac`)).toBe("same");
    expect(run(shell, argv`if [ ${value} = ${value} ]; then printf same; fi`)).toBe("same");
    expect(run(shell, argv`printf %s 'it'"'"'s' "a \\" b" ${value} "cost 5$" ${1}`)).toBe(`it'sa " b${value}cost 5$1`);
    expect(run(shell, argv`echo $# $((1 + 2)) ls[0-9] ${"x"}`)).toBe("1 3 ls[0-9] x\n");
    expect(run(shell, argv`f() { printf %s "$1"; }; f ${value}`)).toBe(value);
  });

  test("no value is ever computed where a shell computes", () => {
    const value = "a[$(echo hacked >&2)]";
    expect(() => run(shell, argv`[ ${value} -eq 1 ]`)).toThrow(/^(?![\s\S]*\nhacked)/);
  });
});

describe("templateArgv()", () => {
  test("makes positional parameters", () => {
    expect(argv`grep ${"a b"} ${["x", 1]} ${2n} ${true}`).toEqual([
      "/bin/sh",
      "-c",
      `grep ${[1, 2, 3, 4, 5].map((n) => `"\${${n}}"`).join(" ")}`,
      "sh",
      "a b",
      "x",
      "1",
      "2",
      "true",
    ]);
  });

  test("takes bytes as they are", () => {
    const bytes = Buffer.from([0xff]);
    expect(argv`cat ${bytes}`.at(-1)).toBe(bytes);
  });

  test("takes what follows the last value as it is, whatever it has", () => {
    expect(argv`cat ${"x"} <<'EOF' # it's`[2]).toBe(`cat "\${1}" <<'EOF' # it's`);
    expect(argv`echo "it's`).toEqual(["/bin/sh", "-c", `echo "it's`, "sh"]);
  });
});

describe("templateArgv() refuses a value", () => {
  const v = "value";
  test.each<[string, () => unknown]>([
    ["in double quotes", () => argv`echo "${v}"`],
    ["in single quotes", () => argv`echo '${v}'`],
    ["in double quotes, after an escaped quote", () => argv`echo "a\\" ${v}"`],
    ["in double quotes that another value did not end", () => argv`echo ${v} "x ${v}"`],
    ["in quotes inside a substitution inside quotes", () => argv`echo "$(echo "${v}")"`],
    ["in quotes around a substitution that ended", () => argv`echo "$(echo a) ${v}"`],
    ["in backticks", () => argv`echo \`echo ${v}\``],
    ["in a comment", () => argv`echo # ${v}`],
    ["in a comment at the start", () => argv`#${v}`],
    ["in a here-document", () => argv`cat <<EOF\n${v}\nEOF`],
    ["in a here-string", () => argv`cat <<<${v}`],
    ["in arithmetic", () => argv`echo $((1 + ${v}))`],
    ["in an arithmetic command", () => argv`((x = ${v}))`],
    ["in nested arithmetic", () => argv`echo $(( (1 + 2) * ${v} ))`],
    ["in the old arithmetic", () => argv`echo $[1 + ${v}]`],
    ["in a subscript", () => argv`a[${v}]=1`],
    ["in a test of bash", () => argv`[[ ${v} -eq 1 ]]`],
    ["in a parameter expansion", () => argv`echo \${x:-${v}}`],
    ["in a parameter expansion inside quotes", () => argv`echo "\${x:-"${v}"}"`],
    ["after a $", () => argv`echo $${v}`],
    ["after a backslash", () => argv`echo \\${v}`],
    ["after $'...'", () => argv`echo $'it\\'s ${v}'`],
    ["after a case inside a substitution", () => argv`echo "$(case x in x) echo ${v};; esac)"`],
  ])("%s", (_where, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID", hint: expect.any(String) }));
  });

  test.each([null, undefined, {}, Symbol("x"), () => 1, [["nested"]]])("that is no value: %s", (value) => {
    expect(() => argv`echo ${value as never}`).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  });

  test("in a template with a malformed escape", () => {
    expect(() => argv`echo \u{} ${"x"}`).toThrow(/malformed escape/);
    expect(() => argv`echo ${"x"} \u{}`).toThrow(/malformed escape/);
  });
});

describe.skipIf(SHELLS.length === 0)("whatever source a value stands in", () => {
  const folder = mkdtempSync(join(tmpdir(), "template-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const piece = fc
    .array(
      fc.constantFrom(
        "'",
        '"',
        "`",
        "$",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "<",
        "#",
        "\\",
        "\n",
        " ",
        "x",
        ";",
        "case x in ",
        "x)",
      ),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join(""));

  // As source, or in arithmetic, this would write a line to the error output.
  const value = "a[$(echo HACKED >&2)]";

  function computed([program = "", ...options]: readonly string[], made: readonly Text[]): boolean {
    const { stderr } = spawnSync(program, [...options, ...made.slice(1).map(String)], { cwd: folder, timeout: 5000 });
    // A shell that complains may quote the value; it does not put the word on a line of its own.
    return stderr.toString().split("\n").includes("HACKED");
  }

  test("it is refused, or not computed", () => {
    fc.assert(
      fc.property(piece, piece, (before, after) => {
        let made: Text[];
        try {
          made = templateArgv([`: ${before}`, after], [value]);
        } catch {
          return;
        }
        for (const shell of SHELLS) expect(computed(shell, made)).toBe(false);
      }),
      { numRuns: 400 },
    );
  });

  test.runIf(existsSync("/bin/bash"))("this check finds what is computed", () => {
    expect(computed(["/bin/bash"], ["sh", "-c", `((x = "$1"))`, "sh", value])).toBe(true);
    expect(computed(["/bin/bash"], ["sh", "-c", `: ${value}`])).toBe(true);
  });
});
