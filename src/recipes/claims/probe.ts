/**
 * What runs in the sandbox and acts as claims say: a program of Node under the name of another one, or of the memory runtime.
 *
 * @module
 */
import { once } from "node:events";
import type { GuestProcess, GuestProgram } from "../../runtimes/memory/mod.ts";
import { STAND_IN_HEADER, STAND_IN_WORD } from "./outside.ts";

/** What a program is to do, as it reads it. */
export type ProbeTask =
  | { readonly kind: "connect"; readonly host: string; readonly port: number }
  | {
      readonly kind: "http";
      readonly method: string;
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: string;
    };

/** What came of it: whether a stand-in answered, and what was said otherwise. */
export interface ProbeResult {
  readonly reached: boolean;
  readonly said: string;
}

/** How long one thing may take, in milliseconds. What waits for nobody is not allowed either. */
export const TASK_MS = 20_000;

/**
 * The program of Node that acts in the names of others: it does what a line of its input says, prints a line of results, and goes on.
 * Without the variable it ends at once, so that it can be started in the place of any program. It is of the old kind, and loads
 * what it needs, because Node starts faster so.
 */
export const PROBE_SOURCE: string = `
if (process.env.COFFERDAM_CLAIMS === undefined) process.exit(0);
const connect = ({ host, port }) => new Promise((resolve) => {
  const socket = require("node:net").connect({ host, port });
  let said = "";
  const end = () => resolve({ reached: said.startsWith(${JSON.stringify(STAND_IN_WORD)}), said: said.slice(0, 200) });
  socket.on("connect", () => socket.write("claim\\n"));
  socket.on("data", (data) => { said += data; if (said.includes("\\n")) { end(); socket.destroy(); } });
  socket.on("end", end).on("close", end);
  socket.on("error", (error) => resolve({ reached: false, said: error.code ?? error.message }));
});
const request = ({ method, url, headers, body }) => new Promise((resolve) => {
  const { request } = require(url.startsWith("https:") ? "node:https" : "node:http");
  const sent = request(url, { method, headers, agent: false }, (response) => {
    let text = "";
    const end = () => {
      const isModel = url.includes("//inference.local/") && response.statusCode === 200;
      const reached = response.headers[${JSON.stringify(STAND_IN_HEADER)}] === "1" || isModel;
      resolve({ reached, said: response.statusCode + " " + text.slice(0, 200) });
    };
    response.setEncoding("utf8").on("data", (data) => { text += data; }).on("end", end);
    response.on("error", (error) => { text = error.message; end(); });
  });
  sent.on("error", (error) => resolve({ reached: false, said: error.code ?? error.message }));
  sent.end(body);
});
const late = () => new Promise((resolve) => setTimeout(resolve, ${TASK_MS}, { reached: false, said: "it took too long" }).unref());
const tried = (task) => Promise.race([task.kind === "connect" ? connect(task) : request(task), late()]);
const lines = require("node:readline").createInterface({ input: process.stdin });
lines.on("close", () => process.exit(0)).on("line", async (line) => {
  const results = await Promise.all(JSON.parse(line).map(tried));
  process.stdout.write(JSON.stringify(results) + "\\n");
});
`;

/** The same for the memory runtime. */
export const memoryProbe: GuestProgram = async (self) => {
  const tasks = JSON.parse(self.env.COFFERDAM_CLAIMS ?? "[]") as readonly ProbeTask[];
  const results: ProbeResult[] = [];
  for (const task of tasks) {
    results.push(
      await (task.kind === "connect" ? connected(self, task) : fetched(self, task)).catch((error: unknown) => ({
        reached: false,
        said: error instanceof Error ? error.message : String(error),
      })),
    );
  }
  await self.print(JSON.stringify(results));
  return 0;
};

async function connected(
  self: GuestProcess,
  { host, port }: ProbeTask & { readonly kind: "connect" },
): Promise<ProbeResult> {
  const stream = await self.connect(host, port);
  try {
    stream.write("claim\n");
    const [data] = (await once(stream, "data", { signal: AbortSignal.timeout(TASK_MS) })) as [Buffer];
    return { reached: data.toString() === STAND_IN_WORD, said: data.toString().slice(0, 200) };
  } finally {
    stream.destroy();
  }
}

async function fetched(self: GuestProcess, task: ProbeTask & { readonly kind: "http" }): Promise<ProbeResult> {
  const { method, url, headers, body } = task;
  const response = await self.fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  const isModel = url.includes("//inference.local/") && response.status === 200;
  const said = `${response.status} ${(await response.text()).slice(0, 200)}`;
  return { reached: isModel || response.headers.get(STAND_IN_HEADER) === "1", said };
}
