/**
 * The words that claims are made with.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import type { Claim, ClaimedAct, ClaimMakers, ClaimWords } from "./types.ts";

/** What `tests` are given. */
export const CLAIM_WORDS: ClaimWords = { allows: makers("allow"), denies: makers("deny") };

function makers(verdict: Claim["verdict"]): ClaimMakers {
  const claim = (act: ClaimedAct): Claim => ({ verdict, act });
  return {
    read: (path) => claim({ kind: "read", path }),
    write: (path) => claim({ kind: "write", path }),
    start: (command) => claim({ kind: "start", argv: typeof command === "string" ? command.split(/ +/) : command }),
    connect: (address, options = {}) => {
      const [, host = "", port = "443"] = /^(.*?)(?::(\d{1,5}))?$/.exec(address) ?? [];
      return claim({ kind: "connect", host, port: Number(port), ...options });
    },
    http: (request, options = {}) => {
      const [method = "", url = "", more] = request.split(" ");
      if (!/^[A-Z]+$/.test(method) || !URL.canParse(url) || more !== undefined) throw malformed(request);
      return claim({ kind: "http", method, url, ...options });
    },
    model: (model) => claim({ kind: "model", model }),
  };
}

/** An act in the words of the claim: `write docs/x.md`. */
export function actText(act: ClaimedAct): string {
  switch (act.kind) {
    case "start":
      return `start ${act.argv.join(" ")}`;
    case "connect":
      return `connect ${act.host}:${act.port}${act.by === undefined ? "" : ` by ${act.by}`}`;
    case "http":
      return `http ${act.method} ${act.url}${act.by === undefined ? "" : ` by ${act.by}`}`;
    case "model":
      return `model ${act.model}`;
    default:
      return `${act.kind} ${act.path}`;
  }
}

function malformed(request: string): SandboxError<"ARGUMENT_INVALID"> {
  return new SandboxError("ARGUMENT_INVALID", `Cannot claim anything of the request ${JSON.stringify(request)}`, {
    details: { argument: "request", value: request },
    hint: "Write it as GET https://host/path",
  });
}
