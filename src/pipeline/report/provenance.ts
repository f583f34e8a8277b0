/**
 * Where the outputs of a run come from: an in-toto statement (v1) with SLSA provenance (v1).
 *
 * @see https://in-toto.io/Statement/v1
 * @see https://slsa.dev/spec/v1.0/provenance
 * @module
 */
import { pathToFileURL } from "node:url";
import type { AttemptFacts, CheckFacts, PipelineResult, RootFacts, StageResult } from "../result-types.ts";
import type { ArtifactFile } from "../types.ts";

const BUILD_TYPE = "urn:cofferdam:pipeline:1";

/** Writes it. Only what has passed is a subject. It is not signed. */
export function provenanceReport(result: PipelineResult, version: string | undefined): string {
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: result.stages.filter(({ status }) => status === "passed").flatMap(subjectsOf),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { pipeline: result.pipeline, definition: digestSet(result.definitionDigest) },
        internalParameters: { stages: result.stages.map(({ name }) => name) },
        resolvedDependencies: [
          ...result.inputs.map((file) => ({ name: file.path, digest: { sha256: file.sha256 } })),
          ...policiesOf(result),
          ...programsOf(result),
        ],
      },
      runDetails: {
        builder: { id: "urn:cofferdam:builder", ...(version === undefined ? {} : { version: { cofferdam: version } }) },
        metadata: {
          invocationId: result.run,
          startedOn: result.startedAt,
          ...(result.endedAt === "" ? {} : { finishedOn: result.endedAt }),
        },
        byproducts: [{ name: "journal", digest: digestSet(result.journalHead) }, ...result.stages.flatMap(auditsOf)],
        cofferdam_status: result.status,
        cofferdam_stages: result.stages.map(stageFacts),
      },
    },
  };
  return `${JSON.stringify(statement, undefined, 2)}\n`;
}

function subjectsOf({ name, outputs }: StageResult): object[] {
  return outputs.flatMap((output) => {
    return output.files.map(({ path, sha256 }: ArtifactFile) => ({
      name: `${name}/${output.name}/${path}`,
      digest: { sha256 },
    }));
  });
}

function policiesOf({ stages }: PipelineResult): object[] {
  return stages.flatMap(({ name, attempts }) => {
    const digest = attempts.at(-1)?.policyDigest;
    return digest === undefined ? [] : [{ name: `policy of ${name}`, digest: digestSet(digest) }];
  });
}

/** Images and roots, of stages and of checks, each once. */
function programsOf({ stages }: PipelineResult): object[] {
  const sandboxes = stages.flatMap(({ attempts }) => attempts.flatMap((each) => [each, ...each.checks]));
  const found = new Map<string, object>();
  for (const { image, root } of sandboxes) {
    if (image !== undefined)
      found.set(`image ${image.id}`, { name: `image ${image.name}`, digest: digestSet(image.id) });
    if (root !== undefined) found.set(`root ${root.id ?? root.path}`, rootDescriptor(root));
  }
  return [...found.values()];
}

/** Of a folder that is no image only its place is known. */
function rootDescriptor({ name, path, id }: RootFacts): object {
  const known = id === undefined ? { uri: pathToFileURL(path).href } : { digest: digestSet(id) };
  return { name: `root ${name}`, ...known };
}

function auditsOf({ name, attempts }: StageResult): object[] {
  return attempts.flatMap(({ attempt, auditHead }) => {
    return auditHead === undefined
      ? []
      : [{ name: `audit of ${name}, attempt ${attempt}`, digest: digestSet(auditHead) }];
  });
}

function stageFacts({ name, status, attempts, gate, release }: StageResult): object {
  return {
    name,
    status,
    attempts: attempts.map(attemptFacts),
    ...(gate === undefined ? {} : { gate }),
    ...(release === undefined ? {} : { released: release.applied }),
  };
}

function attemptFacts({
  attempt,
  policyDigest,
  runtime,
  mode,
  image,
  root,
  decisions,
  auditHead,
  exitCode,
  checks,
}: AttemptFacts): object {
  return {
    attempt,
    policyDigest,
    runtime,
    mode,
    image,
    root,
    decisions,
    auditHead,
    exitCode,
    checks: checks.map(checkFacts),
  };
}

/** What it found wrong may be long, and is in the other reports. */
function checkFacts({ name, problem, policyDigest, image, root }: CheckFacts): object {
  return { name, passed: problem === undefined, policyDigest, image, root };
}

function digestSet(digest: string): { readonly sha256: string } {
  return { sha256: digest.replace(/^sha256:/, "") };
}
