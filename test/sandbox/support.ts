/** What the tests of the sandbox's parts share: a context on a fake warden. */
import type { ExecAudit } from "../../src/sandbox/audit.ts";
import type { RunningProgram, SandboxContext } from "../../src/sandbox/context.ts";
import { CONNECTIONS_MAX, Slots } from "../../src/sandbox/ports/slots.ts";
import { WATCHES_MAX } from "../../src/sandbox/watch.ts";
import type { FakeStream, FakeWarden, FakeWardenScript } from "../link/fake-warden.ts";
import { ready, settle } from "../link/support.ts";

export interface Harness {
  readonly context: SandboxContext;
  readonly warden: FakeWarden;
  /** What was reported, in order. */
  readonly reported: string[];
  /** The stream that was opened last. */
  last(): Promise<FakeStream>;
}

export async function harness(
  script: FakeWardenScript = {},
  change: Partial<Pick<SandboxContext, "timeoutMs" | "environment">> = {},
): Promise<Harness> {
  const { link, warden } = await ready(script);
  const reported: string[] = [];
  const audit: ExecAudit = {
    secrets: () => [],
    commandStarted: (argv, pid) => reported.push(`started ${argv[0]} ${pid}`),
    commandEnded: (argv, exit) => reported.push(`ended ${argv[0]} ${exit.signal ?? exit.exitCode}`),
    commandRefused: (argv, error) => reported.push(`refused ${argv[0]} ${error.details.errno}`),
    fileRefused: (operation, path) => reported.push(`refused ${operation} ${Buffer.from(path).toString()}`),
    portConnection: ({ port, via, errno }) => reported.push(`${via} ${port} ${errno ?? "connected"}`),
  };
  const context = {
    id: "test",
    link,
    environment: { PATH: "/bin" },
    timeoutMs: undefined,
    audit,
    running: new Set<RunningProgram>(),
    fileStreams: new Set<number>(),
    connections: new Slots(CONNECTIONS_MAX),
    watches: new Slots(WATCHES_MAX),
    ...change,
  };
  const last = async () => {
    await settle();
    const stream = [...warden.streams.values()].at(-1);
    if (stream === undefined) throw new Error("no stream is open");
    return stream;
  };
  return { context, warden, reported, last };
}
