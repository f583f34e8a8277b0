/**
 * Requests whose content is judged: held back until they are read, and sent as they were read.
 *
 * @module
 */
import { Readable } from "node:stream";
import { type Content, type ContentNeeds, type HttpFacts, readContent } from "../../policy/http/mod.ts";
import type { Exchange } from "./exchange.ts";
import type { HeaderLines } from "./headers.ts";

/** The longest body that is judged, in bytes. */
export const CONTENT_MAX: number = 1_048_576;

/** What all requests of a sandbox may be held back with at one time, in bytes. */
const HELD_MAX = 16 * CONTENT_MAX;

/** Bounds what is held back. */
export class ContentBudget {
  #held = 0;

  /** Whether there is room. */
  take(bytes: number): boolean {
    if (this.#held + bytes > HELD_MAX) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/** What one of those who hold something back holds at a time. */
export class Holding {
  readonly #budget: ContentBudget | undefined;
  #bytes = 0;

  constructor(budget: ContentBudget | undefined) {
    this.#budget = budget;
  }

  /** Whether it may be so much. */
  be(bytes: number): boolean {
    const more = bytes - this.#bytes;
    if (more > 0 && this.#budget?.take(more) === false) return false;
    if (more < 0) this.#budget?.give(-more);
    this.#bytes = bytes;
    return true;
  }
}

/** A request that was read. */
export interface HeldExchange {
  readonly exchange: Exchange;
  readonly content: Content;
  /** Nobody holds it any more. */
  release(): void;
}

/** Reads a request's content. Rejects where the program breaks off. */
export async function holdContent(
  exchange: Exchange,
  { target, override }: HttpFacts,
  needs: ContentNeeds,
  budget: ContentBudget,
): Promise<HeldExchange> {
  const { method, headers, body } = exchange;
  const source = { method, overridden: override !== undefined, query: target.query, headers };
  if (body === undefined) {
    return { exchange, content: await readContent({ ...source, body: undefined }, needs), release: () => undefined };
  }
  const held = isTooLong(headers) ? unread : await collect(exchange, body, budget);
  try {
    const bytes = Buffer.concat(held.chunks);
    const given = held.problem === undefined ? bytes : { problem: held.problem };
    const content = await readContent({ ...source, body: given }, needs);
    const release = () => budget.give(held.bytes);
    // What was too long is sent as it comes, where rules do without it.
    const sent = held.problem === undefined ? whole(bytes, headers) : rest(held.chunks, body, headers);
    const expectsContinue = held.problem !== undefined && held.bytes === 0 && exchange.expectsContinue;
    return { exchange: { ...exchange, ...sent, expectsContinue }, content, release };
  } catch (error) {
    budget.give(held.bytes);
    throw error;
  }
}

interface Held {
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
  readonly problem?: string;
}

const TOO_LONG = `its body has more than ${CONTENT_MAX} bytes`;

const unread: Held = { chunks: [], bytes: 0, problem: TOO_LONG };

function isTooLong(headers: HeaderLines): boolean {
  return headers.some(([name, value]) => name.toLowerCase() === "content-length" && Number(value) > CONTENT_MAX);
}

function collect(exchange: Exchange, body: Readable, budget: ContentBudget): Promise<Held> {
  if (exchange.expectsContinue) exchange.proceed();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (problem?: string): void => {
      body.pause();
      body.off("data", take).off("end", finish).off("error", fail).off("close", fail);
      resolve({ chunks, bytes, ...(typeof problem === "string" ? { problem } : {}) });
    };
    const fail = (): void => {
      budget.give(bytes);
      reject(new Error("the program broke off its request"));
    };
    const take = (chunk: Buffer): void => {
      // It is not given back to the stream: two readers would see it twice.
      chunks.push(chunk);
      if (!budget.take(chunk.length)) {
        finish("too many requests wait to be judged");
        return;
      }
      bytes += chunk.length;
      if (bytes > CONTENT_MAX) finish(TOO_LONG);
    };
    body.on("data", take).once("end", finish).once("error", fail).once("close", fail);
  });
}

type Sent = Partial<Pick<Exchange, "trailers">> & Pick<Exchange, "body" | "headers">;

/** What was judged, and its length. Trailers were not. */
function whole(bytes: Buffer, headers: HeaderLines): Sent {
  const kept = headers.filter(([name]) => !/^(?:content-length|transfer-encoding)$/i.test(name));
  const trailers = () => [];
  if (bytes.length === 0) return { body: undefined, headers: kept, trailers };
  const length = ["Content-Length", String(bytes.length)] as const;
  return { body: Readable.from([bytes], { objectMode: false }), headers: [...kept, length], trailers };
}

function rest(chunks: readonly Buffer[], body: Readable, headers: HeaderLines): Sent {
  if (chunks.length === 0) return { body, headers };
  async function* all(): AsyncGenerator<Buffer> {
    yield* chunks;
    yield* body;
  }
  return { body: Readable.from(all(), { objectMode: false }), headers };
}

/** Reads what a hook has made of a request; it is sent as it was read. */
export async function holdRequest(
  request: Request,
  facts: HttpFacts,
  needs: ContentNeeds,
): Promise<{ readonly request: Request; readonly facts: HttpFacts }> {
  const body = request.body === null ? undefined : await bytesOf(request.body);
  const { method, target } = facts;
  const source = {
    method,
    overridden: facts.override !== undefined,
    query: target.query,
    headers: [...request.headers],
  };
  const content = await readContent({ ...source, body }, needs);
  const isRead = body !== undefined && !("problem" in body);
  return { request: isRead ? new Request(request, { body }) : request, facts: { ...facts, content } };
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer | { readonly problem: string }> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    bytes += next.value.length;
    chunks.push(next.value);
    if (bytes > CONTENT_MAX) {
      // It settles when the other copies are read, too.
      void reader.cancel().catch(() => undefined);
      return { problem: TOO_LONG };
    }
  }
  return Buffer.concat(chunks);
}
