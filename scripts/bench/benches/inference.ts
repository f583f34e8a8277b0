/** What calls to models cost: until the first piece, many streams at a time, and the way from one API to the other. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import type { EventRelay } from "../../../src/domains/inference/router/dialect.ts";
import { passThrough } from "../../../src/domains/inference/router/pass-through.ts";
import { relayEvents } from "../../../src/domains/inference/router/relay-events.ts";
import { ChunksToMessage } from "../../../src/domains/inference/translate/chat-answer.ts";
import { MessageToChunks } from "../../../src/domains/inference/translate/message-answer.ts";
import { ChunksToResponse, MessageToResponse } from "../../../src/domains/inference/translate/response-events.ts";
import { ContentBudget } from "../../../src/egress/http/content.ts";
import { createSandbox, type Sandbox, type SandboxOptions } from "../../../src/mod.ts";
import { runCommand } from "../command.ts";
import { addedTo, atMost, interleave, quantile, rate, timed } from "../measure.ts";
import { FIRST, STREAMS } from "../model-client.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

const INSIDE = "cofferdam, inference.local";
const OUTSIDE = "outside, the server itself";

/** Runs a program of `model-client.ts`. */
type Run = (source: string, count: number) => Promise<number[]>;

/** The bench. */
export const inferenceBench: Bench = {
  key: "inference",
  async *run(context) {
    for (const size of [65_536, EVENT_BYTES]) yield await translation(context, size);
    const script = new URL("../model-host.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--import", "tsx", script], {
      stdio: ["pipe", "pipe", "inherit"],
      // Where it is told to find its loader.
      cwd: new URL("../../..", import.meta.url).pathname,
    });
    try {
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      const { port } = JSON.parse(line.toString()) as { readonly port: number };
      yield* inRuntime(context, "local", port, { runtime: "local" });
      const { image } = context;
      if (image !== undefined) yield* inRuntime(context, "docker", port, { runtime: "docker", image });
    } finally {
      child.stdin.end();
      child.kill();
    }
  },
};

async function* inRuntime(
  context: BenchContext,
  where: string,
  port: number,
  options: SandboxOptions,
): AsyncIterable<Table> {
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  await using sandbox = await createSandbox(
    {
      version: 1,
      filesystem: { write: ["."] },
      inference: { routes: [{ models: ["**"], provider: "it" }], providers: { it: { kind: "vllm", baseUrl } } },
    },
    options,
  );
  const inside = insideOf(sandbox);
  const outside: Run = async (source, count) => {
    const argv = ["node", "-e", source, `${baseUrl}/chat/completions`, String(count)] as const;
    return JSON.parse((await runCommand(argv)).toString()) as number[];
  };
  yield await firstPiece(context, where, inside, outside);
  yield await streams(context, where, inside, outside);
}

function insideOf(sandbox: Sandbox): Run {
  return async (source, count) => {
    const argv = ["node", "-e", source, "https://inference.local/v1/chat/completions", String(count)] as const;
    return JSON.parse((await sandbox.exec(argv, { check: true, timeoutMs: 600_000 })).stdout) as number[];
  };
}

/** A round is one program; of its calls counts the middle one. */
async function firstPiece(context: BenchContext, where: string, inside: Run, outside: Run): Promise<Table> {
  const count = context.quick ? 50 : 200;
  const contestant = (name: string, run: Run): Contestant => ({
    name,
    run: async () => quantile(await run(FIRST, count), 0.5),
  });
  const rounds = { full: 10, quick: 3, warmUp: 1 };
  const rows = await interleave(context, [contestant(INSIDE, inside), contestant(OUTSIDE, outside)], rounds);
  const added = { ...addedTo(rows, INSIDE, OUTSIDE, "cofferdam adds, p50"), target: atMost(3, "ms") };
  const notes = [
    `each sample is of ${count} calls of one program, one after the other; inside over TLS, outside without`,
  ];
  return { title: `the first piece of an answer, ${where}`, unit: "ms", rows: [...rows, added], notes };
}

async function streams(context: BenchContext, where: string, inside: Run, outside: Run): Promise<Table> {
  const count = 200;
  const contestant = (name: string, run: Run): Contestant => ({
    name,
    run: async () => (await run(STREAMS, count))[0] ?? Number.NaN,
  });
  const contestants = [contestant(INSIDE, inside), contestant(OUTSIDE, outside)];
  const rows = await interleave(context, contestants, { full: 5, quick: 2, warmUp: 1 });
  const notes = ["200 pieces each, two milliseconds apart; the first connections of a program have their handshakes"];
  return { title: `${count} streams at one time, ${where}`, unit: "ms", rows, notes };
}

const WORDS = "some words as a model says them, a few at a time, ";

/** Whole streams, long enough that what begins and ends them does not count. */
function chunksOf(pieces: number): string {
  const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "bench" };
  const piece = (delta: object, finish_reason: string | null = null): string =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  return `${piece({ content: WORDS }).repeat(pieces)}${piece({}, "stop")}data: [DONE]\n\n`;
}

function messageOf(pieces: number): string {
  const event = (data: { readonly type: string } & object): string =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  return [
    event({ type: "message_start", message: { usage: { input_tokens: 1, output_tokens: 1 } } } as never),
    event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } } as never),
    event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: WORDS } } as never).repeat(
      pieces,
    ),
    event({ type: "content_block_stop", index: 0 } as never),
    event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: pieces } } as never),
    event({ type: "message_stop" }),
  ].join("");
}

/** About one event: how models that think while they talk send them. */
const EVENT_BYTES = 256;

/** In this process, from memory: as many bytes of the provider's stream as are read in a second. */
async function translation(context: BenchContext, size: number): Promise<Table> {
  const pieces = context.quick || size === EVENT_BYTES ? 20_000 : 100_000;
  const [chat, message] = [chunksOf(pieces), messageOf(pieces)];
  const ways: readonly (readonly [name: string, text: string, make: () => EventRelay])[] = [
    ["messages as chat completions", message, () => new MessageToChunks("bench", true)],
    ["chat completions as messages", chat, () => new ChunksToMessage("bench")],
    ["chat completions as responses", chat, () => new ChunksToResponse({}, "bench")],
    ["messages as responses", message, () => new MessageToResponse({}, "bench")],
    ["chat completions as they are", chat, () => passThrough("chat").events({})],
  ];
  const target = { text: "≥ 50 MB/s", bound: () => 50 };
  const contestants = ways.map(([name, text, make]): Contestant => {
    const bytes = Buffer.from(text);
    return { name, target, run: async () => rate(bytes.length, await timed(() => relayed(bytes, make(), size))) };
  });
  const rows = await interleave(context, contestants, { full: 10, quick: 3, warmUp: 2 });
  const notes = [`${pieces} events of about ${Math.round(chat.length / pieces)} bytes, in pieces of ${size} bytes`];
  return { title: "an answer in pieces, from one API to the other", unit: "MB/s", rows, notes };
}

async function relayed(bytes: Buffer, events: EventRelay, size: number): Promise<void> {
  let at = 0;
  const source = new Readable({
    read() {
      this.push(at < bytes.length ? bytes.subarray(at, at + size) : null);
      at += size;
    },
  });
  let problem: Error | undefined;
  const stream = relayEvents({
    stream: source,
    idleMs: 60_000,
    family: "openai",
    events,
    budget: new ContentBudget(),
    signal: new AbortController().signal,
    onEnd: (failure) => {
      problem = failure;
    },
  });
  stream.resume();
  await once(stream, "end");
  if (problem !== undefined) throw problem;
}
