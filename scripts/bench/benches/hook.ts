/** What a decision of a hook in TypeScript adds to an operation: the way to the host and back, and the chain there. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createSandbox, definePlugin, type Policy, type Sandbox, type SandboxOptions } from "../../../src/mod.ts";
import { addedTo, atMost, interleave } from "../measure.ts";
import { buildInto, microseconds } from "../native.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

/**
 * A denial inside a grant: opens are emulated with and without a hook, and programs are decided. Of a program that the
 * sandbox cannot change the hash, which a hook gets, is known.
 */
const POLICY: Policy = {
  version: 1,
  filesystem: { read: ["./programs"], write: ["./files"], deny: ["**/.env"] },
};

/** Cares about one file of each kind, and abstains: nothing but the way of a decision is measured. */
const hooks = definePlugin(({ asked }: { readonly asked: () => undefined }) => ({
  name: "bench",
  hooks: {
    filesystem: { access: { handler: asked, paths: ["./files/hooked/file"] } },
    process: { start: { handler: asked, binaries: ["/workspace/*/hooked/nothing"] } },
  },
}));

/** What is done with a hook, and without. */
interface Operation {
  readonly what: string;
  readonly program: "open_close" | "start_programs";
  /** Has it in `hooked` and in `unhooked`. */
  readonly folder: "files" | "programs";
  readonly name: "file" | "nothing";
  /** Why the target is not about it. */
  readonly apart?: string;
}

const OPERATIONS: readonly Operation[] = [
  { what: "an open", program: "open_close", folder: "files", name: "file" },
  { what: "a start", program: "start_programs", folder: "programs", name: "nothing" },
  {
    what: "a start of a writable program",
    program: "start_programs",
    folder: "files",
    name: "nothing",
    apart: "the program, 0.8 MB, is hashed for the hook at each start, for the sandbox could have changed it",
  },
];
const HOOKED = "cofferdam, a hook decides";
const UNHOOKED = "cofferdam, the warden decides";

/** The bench. */
export const hookBench: Bench = {
  key: "hook",
  async *run(context) {
    const folder = join(context.scratch, "hook");
    for (const kind of ["files", "programs"]) {
      for (const half of ["hooked", "unhooked"]) {
        await mkdir(join(folder, kind, half), { recursive: true });
        await buildInto(join(folder, kind, half), "nothing");
        await writeFile(join(folder, kind, half, "file"), `${half}\n`);
      }
    }
    await buildInto(join(folder, "programs"), "open_close", "start_programs");
    const { image } = context;
    yield* inRuntime(context, "local", 250, { runtime: "local", workspace: folder });
    if (image !== undefined) yield* inRuntime(context, "docker", 450, { runtime: "docker", image, workspace: folder });
  },
};

async function* inRuntime(
  context: BenchContext,
  name: string,
  limitUs: number,
  options: SandboxOptions,
): AsyncIterable<Table> {
  let calls = 0;
  const asked = () => {
    calls++;
    return undefined;
  };
  await using sandbox = await createSandbox(POLICY, { ...options, plugins: [hooks({ asked })] });
  for (const operation of OPERATIONS) {
    calls = 0;
    const table = await compare(context, sandbox, operation, name, limitUs);
    if (calls === 0) throw new Error(`no hook was asked about ${operation.what}`);
    yield table;
  }
}

async function compare(
  context: BenchContext,
  sandbox: Sandbox,
  { what, program, folder, name, apart }: Operation,
  runtime: string,
  limitUs: number,
): Promise<Table> {
  const count = String(context.quick ? 200 : 1000);
  const contestant = (as: string, half: "hooked" | "unhooked"): Contestant => ({
    name: as,
    run: async () => {
      const argv = [`programs/${program}`, "any", count, `${folder}/${half}/${name}`] as const;
      return microseconds((await sandbox.exec(argv, { check: true })).stdout);
    },
  });
  const contestants = [contestant(HOOKED, "hooked"), contestant(UNHOOKED, "unhooked")];
  const rows = await interleave(context, contestants, { full: 20, quick: 5, warmUp: 2 });
  const target = { ...atMost(limitUs, "µs"), text: `≤ ${limitUs / 1000} ms` };
  const added = {
    ...addedTo(rows, HOOKED, UNHOOKED, "cofferdam's hook adds"),
    ...(apart === undefined ? { target } : {}),
  };
  const notes = [
    "emulated; each sample is the median of one program's operations; what the hook adds is taken round by round",
    ...(apart === undefined ? [] : [apart]),
  ];
  return { title: `${what} that a hook decides, ${runtime}`, unit: "µs", rows: [...rows, added], notes };
}
