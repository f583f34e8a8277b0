/**
 * One policy, one verdict: what the memory runtime says is what a local sandbox says, who decided and by which rule.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createAuthority } from "../../../src/egress/tls/certificate-authority.ts";
import { allow, ask, definePlugin, deny, type Policy, runtimeProblem, type SandboxOptions } from "../../../src/mod.ts";
import { forReal, inMemory, type Operation, type Outgoing, type Question } from "./twins.ts";

const FILES = {
  "top.txt": "top",
  ".env": "secret",
  "docs/a.md": "a",
  "docs/b.md": "b",
  "docs/legal/terms.md": "terms",
  "src/main.ts": "main",
  "src/.env": "secret",
};

const OPERATIONS: readonly Operation[] = [
  ["read", "top.txt"],
  ["read", ".env"],
  ["read", "src/.env"],
  ["read", "docs/legal/terms.md"],
  ["list", "docs"],
  ["list", "docs/legal"],
  ["write", "docs/a.md"],
  ["write", "docs/legal/terms.md"],
  ["write", "docs/new.md"],
  ["write", "docs/c.md"],
  ["write", "src/main.ts"],
  ["write", "src/new.ts"],
  ["mkdir", "docs/folder"],
  ["mkdir", "src/folder"],
  ["rename", "docs/b.md", "docs/c.md"],
  ["rename", "docs/a.md", "src/a.md"],
  ["rename", "src/main.ts", "docs/main.ts"],
  ["remove", "docs/new.md"],
  ["remove", "docs/folder"],
  ["remove", "top.txt"],
  ["read", "missing"],
  ["write", "missing/file"],
  ["mkdir", "docs"],
];

/** Each folder that a rule grants by itself is a mount of its own, which nothing is renamed out of and which stays. */
const WITHIN_MOUNTS = OPERATIONS.filter(([kind, path, target = ""]) => {
  if (kind === "rename") return path.split("/")[0] === target.split("/")[0];
  return path !== "top.txt" || kind === "read";
});

const problem = await runtimeProblem("local");
const compared = test.skipIf(problem !== undefined);

async function compare(question: Question): Promise<readonly string[]> {
  const [memory, real] = await Promise.all([inMemory(question), forReal(question)]);
  expect(memory).toEqual(real);
  return real.decisions;
}

const judge = definePlugin(() => ({
  name: "judge",
  hooks: {
    filesystem: {
      access: {
        paths: ["./docs", "**/*.ts"],
        handler: ({ path, operation }) => {
          if (operation === "delete") return deny("nothing is deleted");
          if (path.endsWith("b.md")) return ask("b is special");
          return path.endsWith("c.md") ? allow("c is fine") : undefined;
        },
      },
    },
  },
}));

const hooked = (): SandboxOptions => ({
  plugins: [judge()],
  approve: (request) => request.domain === "filesystem" && !request.access.path.includes("legal"),
});

const POLICIES: Readonly<Record<string, Policy["filesystem"]>> = {
  "denials and questions in a whole": { write: ["."], deny: ["**/.env", "./docs/legal"], ask: ["./src"] },
  "denials inside grants": { read: ["."], write: ["./docs"], deny: ["**/.env", "./docs/legal"] },
  "globs and names": { read: ["."], write: ["./docs/*.md", { path: "./src/*.ts", id: "sources" }], deny: ["**/a.md"] },
  questions: { read: ["."], write: ["./src"], ask: ["./docs", { path: "./top.txt", id: "top" }] },
  "a rule that defers": { read: ["."], write: [{ path: "./docs", defer: "judge" }, "./src"] },
  "questions about what nothing matches": { read: ["."], unmatched: "ask", deny: ["./src"] },
};

for (const [name, filesystem] of Object.entries(POLICIES)) {
  compared(`in memory as for real: ${name}`, { timeout: 60_000 }, async () => {
    const policy: Policy = { version: 1, ...(filesystem === undefined ? {} : { filesystem }), audit: { files: "all" } };
    const operations = filesystem?.write?.includes(".") ? OPERATIONS : WITHIN_MOUNTS;
    const question = { policy, files: FILES, operations };
    expect((await compare(question)).length).toBeGreaterThan(10);
    expect((await compare({ ...question, options: hooked })).some((line) => line.includes("plugin:judge"))).toBe(true);
  });
}

compared("in memory as for real: starts", { timeout: 60_000 }, async () => {
  const policy: Policy = {
    version: 1,
    process: {
      allow: ["node", { binary: "echo", args: ["a*", "**"] }, { binary: "/usr/bin/env", id: "env" }],
      deny: [{ binary: "echo", args: ["**", "--force"] }],
      ask: [{ binary: "true", args: ["please"] }],
    },
  };
  const starts = [["echo", "abc"], ["echo", "abc", "--force"], ["echo", "xyz"], ["env"], ["true"], ["true", "please"]];
  const decisions = await compare({ policy, files: {}, operations: [], starts });
  expect(decisions.filter((line) => line.includes("deny")).length).toBe(4);
  const starting = definePlugin(() => ({
    name: "starting",
    hooks: { process: { start: ({ argv }) => (argv.includes("abc") ? deny("no abc") : undefined) } },
  }));
  const options = (): SandboxOptions => ({ plugins: [starting()], approve: () => true });
  expect((await compare({ policy, files: {}, operations: [], starts, options })).join("\n")).toContain("starting");
});

compared("in memory as for real: connections and requests", { timeout: 60_000 }, async () => {
  const world = createAuthority("the world");
  const http = createServer((request, response) => response.end(request.url));
  const server = createTlsServer({ SNICallback: (name, done) => done(null, world.contextFor(name)) });
  server.on("secureConnection", (socket) => {
    socket.on("error", () => undefined);
    http.emit("connection", socket);
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const here = { ports: [port], addresses: ["127.0.0.1"] };
    const policy: Policy = {
      version: 1,
      network: {
        allow: [
          { id: "plain", host: "plain.test", ...here },
          { id: "api", host: "api.test", ...here, http: { access: "read-only" } },
          { id: "left", host: "left.test", ...here, defer: "judging" },
          { id: "inside", host: "inside.test", ports: [port] },
          { id: "gone", host: "gone.test", ports: [1], addresses: ["127.0.0.1"] },
        ],
        deny: [{ id: "no", host: "*.api.test" }],
        ask: [{ id: "asked", host: "asked.test", ...here }],
      },
    };
    const judging = definePlugin(() => ({
      name: "judging",
      hooks: {
        network: {
          connect: ({ host }) =>
            host === "plain.test" ? ask("who?") : host === "left.test" ? allow("mine") : undefined,
          request: (_, { about }) => (about.path === "/hooked" ? deny("not this one") : undefined),
        },
      },
    }));
    const options = (): SandboxOptions => ({
      plugins: [judging()],
      approve: (request) => request.domain === "network" && request.connect.host !== "asked.test",
      resolver: () => ["127.0.0.1"],
      certificates: [world.certificate],
      proxy: false,
    });
    const hosts = ["plain.test", "left.test", "asked.test", "inside.test", "x.api.test", "other.test", "192.0.2.1"];
    const outgoing: Outgoing[] = [
      ...hosts.map((host): Outgoing => [host, port]),
      ["gone.test", 1],
      ["127.0.0.1", 9],
      ["198.19.255.1", 443],
      ["2001:db8::1", 443],
      ["api.test", port, "GET", "/a"],
      ["api.test", port, "POST", "/a"],
      ["api.test", port, "GET", "/hooked"],
      ["other.test", 443, "GET", "/"],
    ];
    const question = { policy, files: {}, operations: [], outgoing };
    const decisions = await compare({ ...question, options });
    expect(decisions.filter((line) => line.includes("plugin:judging")).length).toBeGreaterThan(1);
    const addresses = outgoing.filter(([host]) => /^[\d.:a-f]+$/.test(host));
    await compare({ ...question, outgoing: addresses, policy: { version: 1 } });
  } finally {
    server.close();
    http.closeAllConnections();
  }
});

compared("in memory as for real: any policy", { timeout: 120_000 }, async () => {
  const path = fc.constantFrom(
    "./docs",
    "./docs/legal",
    "./src",
    "**/*.md",
    "**/.env",
    "./top.txt",
    "./docs/*.md",
    "./s*",
  );
  const paths = fc.uniqueArray(path, { maxLength: 3 });
  const filesystem = fc.record({
    write: fc.oneof(fc.constant(["."]), paths),
    deny: paths,
    ask: paths,
    unmatched: fc.constantFrom("deny", "ask"),
  });
  await fc.assert(
    fc.asyncProperty(filesystem, fc.boolean(), async (section, isHooked) => {
      const policy: Policy = { version: 1, filesystem: { ...section, read: ["."] }, audit: { files: "all" } };
      const operations = section.write[0] === "." ? OPERATIONS : WITHIN_MOUNTS;
      await compare({ policy, files: FILES, operations, ...(isHooked ? { options: hooked } : {}) });
    }),
    { numRuns: 15, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
  );
});
