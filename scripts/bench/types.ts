/** What a bench is made of, and what comes of one. */

/** What a number counts. Times, sizes and ratios are better low, rates high. */
export type Unit = "ms" | "µs" | "MB" | "MB/s" | "×";

/** A bound from DESIGN §12 for the median of a row. */
export interface Target {
  /** As people read it. */
  readonly text: string;
  /** The bound; `median` gives that of another row of the same table. */
  bound(median: (row: string) => number): number;
}

/** One way to do a thing. */
export interface Contestant {
  readonly name: string;
  readonly target?: Target;
  /** Does it once, and tells how much it took. What must be made before or undone after is left out of that. */
  run(): Promise<number>;
}

/** One line of the report. */
export interface Row {
  readonly name: string;
  readonly samples: readonly number[];
  readonly target?: Target;
}

/** One table of the report. */
export interface Table {
  readonly title: string;
  readonly unit: Unit;
  /** The first row is ours: the others are compared with it. */
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** What this machine has, and how thorough to be. */
export interface BenchContext {
  readonly quick: boolean;
  /** An empty folder that goes when the benches have ended. */
  readonly scratch: string;
  /** The image for docker, or undefined where no engine answers. */
  readonly image: string | undefined;
  /** A label for containers that are made here: whatever is left of them is removed by it. */
  readonly label: string;
  /** The folder of sandbox-runtime's package, or undefined where it is not installed. */
  readonly sandboxRuntime: string | undefined;
  /** Whether bubblewrap is installed. */
  readonly bubblewrap: boolean;
  /** Tells whoever watches how far a table is. */
  progress(done: number, of: number): void;
}

/** One bench: it yields tables as they are done. */
export interface Bench {
  readonly key: string;
  run(context: BenchContext): AsyncIterable<Table>;
}
