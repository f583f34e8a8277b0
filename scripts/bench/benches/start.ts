/** What starting a program takes in a sandbox that decides which ones may start, and how much of that is added. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createSandbox, type Policy } from "../../../src/mod.ts";
import { BARE_NOTE, underBareSupervisor } from "../bare.ts";
import { runCommand } from "../command.ts";
import { addedTo, atMost, interleave } from "../measure.ts";
import { buildInto, microseconds, PROCESSOR } from "../native.ts";
import { createPinned } from "../pinned.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

const DECIDED = "cofferdam, decided in the warden";
const UNDECIDED = "cofferdam, whatever may be read";
const BARE = "bare supervisor";
const OUTSIDE = "outside, no sandbox";
const LIMIT_US = 80;

const FLOOR: Policy = { version: 1, filesystem: { write: ["."] }, audit: { files: "off" } };
const POLICY: Policy = { ...FLOOR, process: { allow: ["/workspace/start_programs", "/workspace/nothing"] } };

/** The bench. */
export const startBench: Bench = {
  key: "start",
  async *run(context) {
    const folder = join(context.scratch, "start");
    await mkdir(folder);
    await buildInto(folder, "start_programs", "nothing", "bare_supervisor");
    yield await compare(context, folder, PROCESSOR);
    yield await compare(context, folder, "any");
  },
};

async function compare(context: BenchContext, folder: string, processor: string): Promise<Table> {
  const pinned = processor !== "any";
  const open = (policy: Policy) => {
    const create = () => createSandbox(policy, { runtime: "local", workspace: folder });
    return pinned ? createPinned(create) : create();
  };
  await using decided = await open(POLICY);
  await using undecided = await open(FLOOR);
  const argv = ["./start_programs", processor, String(context.quick ? 200 : 1000), "./nothing"] as const;
  const bare = underBareSupervisor({ path: "./bare_supervisor", processor }, "start", argv);
  const contestants: Contestant[] = [
    { name: DECIDED, run: async () => microseconds((await decided.exec(argv, { check: true })).stdout) },
    { name: UNDECIDED, run: async () => microseconds((await undecided.exec(argv, { check: true })).stdout) },
    { name: BARE, run: async () => microseconds((await runCommand(bare, { cwd: folder })).toString()) },
    { name: OUTSIDE, run: async () => microseconds((await runCommand(argv, { cwd: folder })).toString()) },
  ];
  const rows = await interleave(context, contestants, { full: 20, quick: 5, warmUp: 2 });
  const added = [
    {
      ...addedTo(rows, DECIDED, OUTSIDE, "cofferdam adds"),
      target: { ...atMost(LIMIT_US, "µs"), text: `≤ +${LIMIT_US} µs` },
    },
    addedTo(rows, DECIDED, UNDECIDED, "cofferdam's decision adds"),
    addedTo(rows, BARE, OUTSIDE, "bare supervisor, adds"),
  ];
  const notes = [
    "a static program that ends at once, by vfork, exec and wait; each sample is the median of one program's starts",
    pinned ? "the sandbox, its warden included, is on one processor" : "the kernel chooses the processors",
    BARE_NOTE,
  ];
  return { title: `start a program, ${pinned ? "pinned" : "unpinned"}`, unit: "µs", rows: [...rows, ...added], notes };
}
