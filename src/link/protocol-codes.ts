/**
 * Flags and numbers with a name: the vocabulary of the protocol.
 *
 * @module
 */

/** Bit flags, by the field that carries them. */
export const FLAGS = {
  /** `namespace.flags` */
  namespace: { rootful: 1 },
  /**
   * `mount.flags`. `owner`: who owns the source is the sandbox's user inside. `shared`: the lock of a volume, whose file is
   * the `data` of its bind, is held with others.
   */
  mount: { readOnly: 1, noExec: 2, workspace: 4, optional: 8, device: 16, owner: 32, shared: 64 },
  /**
   * `copy.flags`. `chown`: owners are set, so that what may only be read belongs to root. `survey`: nothing is copied, only told; there is
   * no target, and each entry's copy is itself.
   */
  copy: { chown: 1, survey: 2 },
  /** `config.flags` */
  config: { unixSockets: 1 },
  /**
   * `policy.flags`. `decidePrograms`: starts are judged and verified. `allowList`: `process.allow` is set. `liveMounts`:
   * FIFOs and sockets of the host may be in reach. `tellAgent`: denials are also told in a file of the agent's `/tmp`.
   * `decideNetwork`: connections are carried out of the sandbox. `hashConnectors`: with the hash of who connects.
   */
  policy: {
    decidePrograms: 1,
    allowList: 2,
    recordAllows: 4,
    recordDenials: 8,
    unmatchedPathAsk: 16,
    unmatchedProgramAsk: 32,
    liveMounts: 64,
    tellAgent: 128,
    decideNetwork: 256,
    hashConnectors: 512,
  },
  /** `programRule.flags`: any arguments match; the pattern is a name that `policy.search` resolves. */
  programRule: { anyArguments: 1, name: 2 },
  /** `answer.flags`: the operation gets the bytes of the `content` frames before it. */
  answer: { substitute: 1 },
  /** `flow.flags`: the program does not wait, so that it fails with less of a reason. */
  flow: { nonBlocking: 1 },
  /** `rule.flags` */
  rule: { optional: 1, workspace: 2 },
  /** `exec.flags` */
  exec: { pty: 1, stdin: 2 },
  /** `file.flags`. `review`: the host looks at the workspace, or puts it back: no rule is asked, and no link followed. */
  file: { append: 1, exclusive: 2, recursive: 4, noFollow: 8, force: 16, review: 32 },
  /** `exited.flags` */
  exited: { timedOut: 1, killed: 2 },
} as const;

/** Numbers with a name, by the field that carries them. */
export const CODES = {
  /** `mount.kind` */
  mount: { bind: 1, tmpfs: 2, proc: 3, devpts: 4, symlink: 5, file: 6, directory: 7, mask: 8, freeze: 9, overlay: 10 },
  /** `owned.kind` */
  owned: { folder: 1, cgroup: 2, volume: 3 },
  /** `rule.access` */
  access: { read: 1, write: 2, device: 3 },
  /** `policy.mode` */
  mode: { floor: 1, trapped: 2, emulated: 3 },
  /** Verdicts, wherever one is. A rule that defers to a hook asks. */
  verdict: { allow: 1, ask: 2, deny: 3 },
  /** `subscription.domain`, `decided.domain` */
  domain: { filesystem: 1, process: 2, network: 3 },
  /** What an agent does to a path, and (start) a program that it starts. */
  action: {
    read: 1,
    write: 2,
    create: 3,
    delete: 4,
    rename: 5,
    link: 6,
    list: 7,
    metadata: 8,
    connect: 9,
    start: 10,
  },
  /** `decided.reason`: why, beside the rule. */
  reason: {
    rule: 1,
    unmatched: 2,
    floor: 3,
    answer: 4,
    deadline: 5,
    crowded: 6,
    hostFifo: 7,
    hostSocket: 8,
    kernelFile: 9,
    aroundRule: 10,
    loader: 11,
    memoryFile: 12,
    unreadable: 13,
    loaderVariable: 14,
    interpreter: 15,
    changed: 16,
    tooLong: 17,
    noIpv6: 18,
    noName: 19,
    setId: 20,
  },
  /** `file.operation` */
  operation: {
    read: 1,
    write: 2,
    list: 3,
    stat: 4,
    remove: 5,
    rename: 6,
    mkdir: 7,
    scan: 8,
    symlink: 9,
    pack: 10,
    unpack: 11,
    watch: 12,
  },
  /** `change.kind` */
  change: { ready: 1, created: 2, modified: 3, deleted: 4, renamed: 5, overflow: 6 },
  /** `entry.kind`, `treeEntry.kind` */
  kind: { file: 1, directory: 2, symlink: 3, other: 4 },
  /** `scanned.problem`: why a file has no hash, or a directory no entries */
  problem: { none: 0, unreadable: 1, tooLarge: 2, tooDeep: 3 },
  /** `failed.stage` and `fatal.stage`: where it failed */
  stage: {
    protocol: 1,
    namespace: 2,
    mount: 3,
    root: 4,
    user: 5,
    cgroup: 6,
    selfTest: 7,
    landlock: 8,
    rule: 9,
    fork: 10,
    terminal: 11,
    limits: 12,
    capabilities: 13,
    seccomp: 14,
    directory: 15,
    exec: 16,
    file: 17,
    connect: 18,
    volume: 19,
  },
} as const;
