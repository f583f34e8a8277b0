/**
 * Claims: what a recipe says that it allows and denies.
 *
 * @module
 */

/** One thing that a program may try. */
export type ClaimedAct =
  | { readonly kind: "read" | "write"; readonly path: string }
  | { readonly kind: "start"; readonly argv: readonly string[] }
  | { readonly kind: "connect"; readonly host: string; readonly port: number; readonly by?: string }
  | {
      readonly kind: "http";
      readonly method: string;
      readonly url: string;
      readonly by?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  | { readonly kind: "model"; readonly model: string };

/** A claim. */
export interface Claim {
  readonly verdict: "allow" | "deny";
  readonly act: ClaimedAct;
}

/** Who does it, by the name of the program. */
export interface ClaimBy {
  /** @default a program that a rule about the host names, or one that may start */
  readonly by?: string;
}

/** What goes with a request. */
export interface HttpClaimOptions extends ClaimBy {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Makes claims of one verdict. */
export interface ClaimMakers {
  /** That a file may be read. In the workspace there is one, unless the tests bring their own. */
  read(path: string): Claim;
  /** That a file may be made, or changed. */
  write(path: string): Claim;
  /** That a program may start. A word with spaces is split at them. */
  start(command: string | readonly string[]): Claim;
  /** That a host may be connected to, as `host` or `host:port`. */
  connect(address: string, options?: ClaimBy): Claim;
  /** A request as `GET https://host/path`. */
  http(request: string, options?: HttpClaimOptions): Claim;
  /** That a model may be called. */
  model(name: string): Claim;
}

/** What `tests` of a recipe are made with. */
export interface ClaimWords {
  readonly allows: ClaimMakers;
  readonly denies: ClaimMakers;
}

/**
 * Claims about a recipe as it is built from some parameters.
 *
 * @example
 * ```ts
 * import type { RecipeTests } from "cofferdam";
 *
 * const tests: RecipeTests<{ readonly docs: string }> = {
 *   params: { docs: "./docs" },
 *   claims: ({ allows, denies }) => [
 *     allows.write("docs/index.md"),
 *     denies.write("src/main.ts"),
 *     denies.http("GET https://example.com/"),
 *   ],
 * };
 * ```
 */
export interface RecipeTests<Input extends object = object> {
  /** What it is built with. */
  readonly params: Input;
  /** Files of the workspace, by their paths. @default those that claims are about */
  readonly files?: Readonly<Record<string, string>>;
  claims(words: ClaimWords): readonly Claim[];
}
