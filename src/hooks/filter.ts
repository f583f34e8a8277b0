/**
 * Which decisions a hook cares about: as patterns for the warden, and matched again on the host, for a decision may cross
 * the link for the sake of another hook.
 *
 * @module
 */
import {
  absolutePattern,
  compileGlob,
  type GlobMatcher,
  HOME_PATH,
  hostRange,
  type Places,
  rangeMatcher,
  WORKSPACE_PATH,
} from "../policy/core.ts";
import { canonicalBinary, canonicalPath } from "../policy/paths.ts";
import type { InferenceAbout } from "./inference-types.ts";
import type { FilesystemAccess, FilesystemOperation, NetworkConnect, ProcessStart } from "./subjects.ts";

/**
 * How far a hook's filter covers what is decided. A denial and an ask count from `PARTLY` on. An `allow` is for all that
 * happens, so it takes `FULLY`: a hook that knows only one end of a rename, or only a script and not the interpreter that
 * the script chooses, cannot speak for the other. Where a rule defers to the hook, `SCRIPT` is enough: a rule about the
 * interpreter would have come first.
 */
export const MATCH = { NONE: 0, PARTLY: 1, SCRIPT: 2, FULLY: 3 } as const;

/** One of {@link MATCH}. */
export type Match = (typeof MATCH)[keyof typeof MATCH];

const PLACES: Places = { workspace: WORKSPACE_PATH, home: HOME_PATH };

/** The absolute patterns of paths as in a policy. What one matches stands for its tree. */
export function pathPatterns(paths: readonly string[]): readonly string[] {
  return paths.map((path) => absolutePattern(canonicalPath(path), PLACES));
}

/** The absolute patterns of programs. A name matches in every directory. */
export function binaryPatterns(binaries: readonly string[]): readonly string[] {
  return binaries.map((binary) => {
    const canonical = canonicalBinary(binary);
    return canonical.includes("/") || canonical === "~" ? absolutePattern(canonical, PLACES) : `/**/${canonical}`;
  });
}

/** What matches operations on paths: patterns as {@link pathPatterns} and {@link binaryPatterns} give them; none: all. */
export function accessMatcher(
  paths: readonly string[],
  binaries: readonly string[],
  operations: readonly FilesystemOperation[],
): (access: FilesystemAccess) => Match {
  const inPaths = anyOf(paths.map((pattern) => (pattern === "/" ? "/**" : `${pattern}/**`)));
  const inBinaries = anyOf(binaries);
  const isMeant = (path: string, operation: FilesystemOperation) => {
    return (operations.length === 0 || operations.includes(operation)) && inPaths(path);
  };
  return ({ operation, path, target, binary }) => {
    if (binaries.length > 0 && binary !== "" && !inBinaries(binary)) return MATCH.NONE;
    const first = isMeant(path, operation);
    const second = target === undefined ? first : isMeant(target, operation) || isMeant(target, "create");
    if (!first && !second) return MATCH.NONE;
    // A program that is not known may be one of those that are meant.
    return first && second && (binaries.length === 0 || binary !== "") ? MATCH.FULLY : MATCH.PARTLY;
  };
}

/** What matches starts of programs. */
export function startMatcher(binaries: readonly string[]): (start: ProcessStart) => Match {
  if (binaries.length === 0) return () => MATCH.FULLY;
  const matches = anyOf(binaries);
  return ({ path, script, argv }) => {
    if (matches(path)) return MATCH.FULLY;
    if (script !== undefined && matches(script)) return MATCH.SCRIPT;
    // A program of many names (busybox) does what it is called; but anything can call itself anything.
    const name = argv[0] ?? "";
    return matches(name.startsWith("/") ? name : `/${name.replace(/^-/, "")}`) ? MATCH.PARTLY : MATCH.NONE;
  };
}

/** What matches connections. */
export function connectMatcher(
  hosts: readonly string[],
  ports: readonly number[],
  binaries: readonly string[],
): (connect: NetworkConnect) => Match {
  const matchers = hosts.map((host) => {
    const range = hostRange(host);
    return range === undefined ? compileGlob(host, ".") : rangeMatcher(range);
  });
  const inBinaries = anyOf(binaries);
  return ({ host, port, binary }) => {
    if (matchers.length > 0 && !matchers.some((matches) => matches(host))) return MATCH.NONE;
    if (ports.length > 0 && !ports.includes(port)) return MATCH.NONE;
    if (binaries.length === 0) return MATCH.FULLY;
    // A program that is not known may be one of those that are meant.
    if (binary === "") return MATCH.PARTLY;
    return inBinaries(binary) ? MATCH.FULLY : MATCH.NONE;
  };
}

/** What matches calls to models. */
export function callMatcher(
  models: readonly string[],
  binaries: readonly string[],
): (call: Pick<InferenceAbout, "model" | "binary">) => Match {
  const inModels = anyOf(models);
  const inBinaries = anyOf(binaries);
  return ({ model, binary }) => {
    if (!inModels(model)) return MATCH.NONE;
    if (binaries.length === 0) return MATCH.FULLY;
    // A program that is not known may be one of those that are meant.
    if (binary === "") return MATCH.PARTLY;
    return inBinaries(binary) ? MATCH.FULLY : MATCH.NONE;
  };
}

function anyOf(patterns: readonly string[]): GlobMatcher {
  if (patterns.length === 0) return () => true;
  const matchers = patterns.map((pattern) => compileGlob(pattern));
  const [only] = matchers;
  return only !== undefined && matchers.length === 1 ? only : (text) => matchers.some((matches) => matches(text));
}
