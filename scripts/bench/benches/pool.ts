/** How long it takes to get a sandbox that is ready. */
import { createPool, type Pool, type PoolOptions, type Sandbox } from "../../../src/mod.ts";
import { atMost, interleave, timed } from "../measure.ts";
import { POLICY, runTrue } from "../ours.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

/** The bench. */
export const poolBench: Bench = {
  key: "pool",
  async *run(context) {
    yield await acquire(context, "local", { full: 60, quick: 6 }, [5, 5], { runtime: "local", size: 2 });
    const { image } = context;
    if (image === undefined) return;
    yield await acquire(context, "docker", { full: 25, quick: 3 }, [15], { runtime: "docker", image, size: 1 });
  },
};

async function acquire(
  context: BenchContext,
  where: string,
  rounds: { readonly full: number; readonly quick: number },
  [acquired, ran]: readonly number[],
  options: PoolOptions,
): Promise<Table> {
  await using pool = await createPool(POLICY, options);
  const contestants: Contestant[] = [
    { name: "cofferdam", target: atMost(acquired ?? 0, "ms"), run: () => once(pool, async () => undefined) },
    {
      name: "cofferdam, with the result of `true`",
      ...(ran === undefined ? {} : { target: atMost(ran, "ms") }),
      run: () => once(pool, runTrue),
    },
  ];
  const rows = await interleave(context, contestants, rounds);
  const notes = ["all sandboxes are ready before each sample; what makes the next one ready is not timed"];
  return { title: `acquire from a pool, ${where}`, unit: "ms", rows, notes };
}

async function once(pool: Pool, use: (sandbox: Sandbox) => Promise<void>): Promise<number> {
  await pool.ready();
  let sandbox: Sandbox | undefined;
  const took = await timed(async () => {
    sandbox = await pool.acquire();
    await use(sandbox);
  });
  await sandbox?.stop();
  return took;
}
