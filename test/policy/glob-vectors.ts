/**
 * What both implementations of the glob dialect are held to: `src/policy/glob.ts` and `src/warden/native/glob.c`.
 */

/** A pattern, a text, the separator, and whether it matches. */
export const MATCHES: readonly (readonly [string, string, "/" | ".", boolean])[] = [
  ["*.example.com", "api.example.com", ".", true],
  ["*.example.com", "example.com", ".", false],
  ["*.example.com", "a.b.example.com", ".", false],
  ["**.example.com", "a.b.example.com", ".", true],
  ["**.example.com", "example.com", ".", true],
  ["**.example.com", "badexample.com", ".", false],
  ["*.**.example.com", "example.com", ".", false],
  ["API.example.COM", "api.EXAMPLE.com", ".", true],
  ["**/.env", ".env", "/", true],
  ["**/.env", "a/b/.env", "/", true],
  ["**/.env", "a/b.env", "/", false],
  ["./docs/legal/**", "./docs/legal", "/", true],
  ["./docs/legal/**", "./docs/legal/a/b", "/", true],
  ["./docs/legal/**", "./docs/legalese", "/", false],
  ["/repos/*/*/contents/**", "/repos/o/r/contents/a/b", "/", true],
  ["/repos/*/*/contents/**", "/repos//r/contents/a", "/", false],
  ["/usr/local/bin/*", "/usr/local/bin/.hidden", "/", true],
  ["/usr/local/bin/*", "/usr/local/bin/a/b", "/", false],
  ["claude-*", "claude-", "/", true],
  ["README.md", "readme.md", "/", false],
  ["a\\*b", "a*b", "/", true],
  ["a\\*b", "axb", "/", false],
  ["app/\\[id\\]", "app/[id]", "/", true],
  ["*", "line\nbreak", "/", true],
  ["**", "", "/", true],
  ["*", "", "/", false],
];

/** A pattern that is not of the dialect, and what is said about it. */
export const REFUSED: readonly (readonly [string, string])[] = [
  ["a?b", '"?" is reserved'],
  ["a.{ts,js}", '"{" is reserved'],
  ["[ab]", '"[" is reserved'],
  ["!a", 'a leading "!" is reserved'],
  ["a**", '"**" must stand alone'],
  ["a/***/b", '"**" must stand alone'],
  ["a\\b", "a backslash may only stand before"],
  ["a\\.\\./b", "a backslash may only stand before"],
  ["a\\/b", "a backslash may only stand before"],
  ["a\\", "a backslash may only stand before"],
];
