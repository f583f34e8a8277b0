/**
 * Signing a request anew: the sandbox has signed it with placeholders, and the host knows those. What they have signed is
 * found out by verifying that, whatever the service's rules; then the real keys sign the same.
 *
 * Libraries that sign make the request, too, from a URL in a form of their own: here every byte of it has been decided about.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import { Readable } from "node:stream";
import type { UpstreamRequest } from "../../egress/http/exchange.ts";
import { type HeaderLines, valuesOf } from "../../egress/http/headers.ts";
import type { AwsKeys } from "./keys.ts";
import {
  type Authorization,
  authorizationHeader,
  PATH_STYLES,
  type SignedParts,
  sha256,
  signatureOf,
} from "./sigv4.ts";

/** A request that is signed, or why it cannot be, as the end of a sentence. */
export type Resigned = { readonly request: UpstreamRequest } | { readonly problem: string };

/** The longest body that is held to be hashed, where the request does not say its hash. In bytes. */
const BODY_MAX = 16_777_216;

const CONTENT = "x-amz-content-sha256";
const SESSION = "x-amz-security-token";

/** Says it anew. `held`: the keys of the sandbox. */
export async function resign(
  request: UpstreamRequest,
  authorization: Authorization,
  keys: { readonly held: AwsKeys; readonly real: AwsKeys },
): Promise<Resigned> {
  const { real } = keys;
  const [date, ...dates] = valuesOf(request.headers, "x-amz-date");
  if (date === undefined || dates.length > 0 || !/^\d{8}T\d{6}Z$/.test(date)) {
    return { problem: "it has no x-amz-date" };
  }
  // Else it would be good for any host.
  if (!authorization.signed.includes("host")) return { problem: "its signature does not name its host" };
  const [said, ...others] = valuesOf(request.headers, CONTENT);
  if (others.length > 0) return { problem: `it has more than one ${CONTENT}` };
  if (said?.startsWith("STREAMING-AWS4-")) {
    return { problem: "each of its chunks is signed: let the client sign no chunks (over TLS they need not be)" };
  }
  const held = said === undefined ? await readWhole(request) : undefined;
  if (typeof held === "string") return { problem: held };
  const payload = said ?? sha256(held ?? "");
  const { method, path, headers } = request;
  const { scope, signed } = authorization;
  const asSent: SignedParts = { method, path, headers, signed, payload };
  const style = PATH_STYLES.find((each) => {
    const expected = signatureOf(asSent, { secret: keys.held.secret, scope, date }, each);
    return timingSafeEqual(Buffer.from(expected), Buffer.from(authorization.signature));
  });
  if (style === undefined) return { problem: "its signature is not one of the sandbox's keys over what is sent" };
  const next = withSession(headers, signed, real.session);
  const signature = signatureOf({ ...asSent, ...next }, { secret: real.secret, scope, date }, style);
  const line = authorizationHeader({ id: real.id, scope, signed: next.signed, signature });
  const lines = next.headers.map(([name, value]): HeaderLines[number] => {
    return [name, name.toLowerCase() === "authorization" ? line : value];
  });
  if (held === undefined) return { request: { ...request, headers: lines } };
  const body = request.body === undefined ? undefined : Readable.from([held], { objectMode: false });
  return { request: { ...request, headers: lines, body, expectsContinue: false } };
}

/**
 * Why an object that S3 is to copy from is none that the request could be for itself; undefined where it is, or there is none. The
 * header names a bucket and a key, whatever host and path the request has.
 */
export function copyProblem(
  headers: HeaderLines,
  host: string,
  problem: (path: string) => string | undefined,
): string | undefined {
  for (const value of valuesOf(headers, "x-amz-copy-source")) {
    const source = value.trim().replace(/^\/?/, "/");
    // Where the host names the bucket, paths are keys.
    const bucket = /^(.+)\.s3(?:[.-]|express)/.exec(host)?.[1];
    const isInside = bucket === undefined || source.startsWith(`/${bucket}/`);
    const path = bucket === undefined ? source : source.slice(bucket.length + 1);
    const why = isInside ? problem(path) : `it is for the bucket ${bucket} only`;
    if (why !== undefined) return `it copies from another place: ${why}`;
  }
  return undefined;
}

/** The real session in the place of the sandbox's, which may have one where the host has none any more, or none where it has. */
function withSession(
  headers: HeaderLines,
  signed: readonly string[],
  session: string | undefined,
): Pick<SignedParts, "headers" | "signed"> {
  const others = headers.filter(([name]) => name.toLowerCase() !== SESSION);
  const names = signed.filter((name) => name !== SESSION);
  if (session === undefined) return { headers: others, signed: names };
  return { headers: [...others, ["X-Amz-Security-Token", session]], signed: [...names, SESSION].sort() };
}

/** The body; a text says why it cannot be had. */
async function readWhole({ body, expectsContinue, onContinue }: UpstreamRequest): Promise<Buffer | string> {
  if (body === undefined) return Buffer.alloc(0);
  if (expectsContinue) onContinue();
  const chunks: Buffer[] = [];
  let length = 0;
  // To its end in any case, so that the program can still be answered.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= BODY_MAX) chunks.push(chunk);
  }
  if (length <= BODY_MAX) return Buffer.concat(chunks);
  return `its body is longer than ${BODY_MAX} bytes, and ${CONTENT} is not there`;
}
