/**
 * The name server of the sandbox, attacks on it and on connections, and programs that people use.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { until } from "../help.ts";
import { net, networkSandbox, serveOutside } from "../network.ts";
import type { Scene } from "../scene.ts";

const LOOPBACK = ["127.0.0.1"];
const [A, AAAA, PTR, HTTPS, AXFR] = [1, 28, 12, 65, 252];
const [NO_ERROR, FORMAT_ERROR, NO_NAME, NOT_IMPLEMENTED, REFUSED] = [0, 1, 3, 4, 5];

async function website(scene: Scene): Promise<number> {
  const server = createServer((request, response) => response.end(`path ${request.url} of ${request.headers.host}\n`));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scene.defer(() => server.close());
  return (server.address() as AddressInfo).port;
}

const CLIENTS: Readonly<Record<string, (url: string) => readonly string[]>> = {
  curl: (url) => ["curl", "-sS", "--max-time", "20", url],
  python: (url) => ["python3", "-c", `import urllib.request; print(urllib.request.urlopen("${url}").read().decode())`],
  node: (url) => ["node", "-e", `fetch("${url}").then((r) => r.text()).then(console.log)`],
  git: (url) => ["git", "ls-remote", url],
};

export const networkNameCases: readonly Case[] = [
  {
    name: "every name has an address of its own, whatever is asked about it is answered, and nobody else is asked",
    async run(scene) {
      const { sandbox, asked } = await networkSandbox(scene, { allow: [{ host: "a.test" }] });
      const lookup = (name: string, type: number, how = "udp") => net(sandbox, "lookup", name, type, how);
      const first = await lookup("never.allowed.example", A);
      expect(first).toMatch(/^0 198\.1[89]\.\d+\.\d+$/);
      expect(await lookup("NEVER.allowed.EXAMPLE", A)).toBe(first);
      expect(await lookup("never.allowed.example", A, "tcp")).toBe(first);
      expect(await lookup("other.example", A)).not.toBe(first);
      for (const name of ["localhost", "a.localhost"]) expect(await lookup(name, A)).toBe("0 127.0.0.1");
      for (const type of [AAAA, HTTPS, PTR]) expect(await lookup("a.test", type)).toBe(`${NO_ERROR} -`);
      expect(await lookup("1.0.18.198.in-addr.arpa", PTR)).toBe(`${NO_NAME} -`);
      for (const name of ["10.0.0.1", "a b.test", "ü.test"]) expect(await lookup(name, A)).toBe(`${NO_NAME} -`);
      expect(await lookup("a.test", AXFR)).toBe(`${REFUSED} -`);
      expect(asked).toEqual([]);
    },
  },
  {
    name: "the name server answers malformed questions or is silent, and goes on",
    async run(scene) {
      const { sandbox } = await networkSandbox(scene, { allow: [{ host: "a.test" }] });
      const raw = (bytes: string) => net(sandbox, "raw", bytes.replaceAll(" ", ""));
      const code = (reply: string) => Number.parseInt(reply.slice(6, 8), 16) & 0xf;
      // Too short, and an answer.
      for (const bytes of ["00", "0001 8000 0001 0000 0000 0000 00 0001 0001"])
        expect(await raw(bytes)).toBe("silence");
      // No question, two, a name without an end, one that points, a label that is too long.
      for (const bytes of [
        "0001 0100 0000 0000 0000 0000",
        "0001 0100 0002 0000 0000 0000 00 0001 0001",
        "0001 0100 0001 0000 0000 0000 0161",
        "0001 0100 0001 0000 0000 0000 c00c 0001 0001",
        `0001 0100 0001 0000 0000 0000 40${"61".repeat(64)}00 0001 0001`,
      ]) {
        expect([bytes, code(await raw(bytes))]).toEqual([bytes, FORMAT_ERROR]);
      }
      expect(code(await raw("0001 2800 0001 0000 0000 0000 00 0001 0001"))).toBe(NOT_IMPLEMENTED);
      expect(code(await raw("0001 0100 0001 0000 0000 0000 0161 00 0001 0003"))).toBe(REFUSED);
      // EDNS: there, and of a version that does not exist (the upper bits of the code are in the record).
      const edns = (version: string) =>
        raw(`0001 0100 0001 0000 0000 0001 0161 00 0001 0001 00 0029 04d0 00 ${version} 0000 0000`);
      expect(await edns("00")).toMatch(/00002904d0000000000000$/);
      expect(await edns("01")).toMatch(/00002904d0010000000000$/);
      expect(await net(sandbox, "lookup", "a.test", A, "udp")).toMatch(/^0 198\./);
    },
  },
  {
    name: "names are bounded: what comes after the last place is a failure, and what has one keeps it",
    async run(scene) {
      const { sandbox } = await networkSandbox(scene, { allow: [{ host: "a.test" }] });
      const kept = await net(sandbox, "lookup", "a.test", A, "udp");
      expect(await net(sandbox, "names", 20_000)).toBe("16384 2");
      expect(await net(sandbox, "lookup", "a.test", A, "udp")).toBe(kept);
    },
  },
  {
    name: "without a network section names are refused at once, and nothing is reached",
    async run(scene) {
      const { sandbox, asked } = await networkSandbox(scene, {});
      expect(sandbox.enforcement.network).toBe("none");
      expect(await net(sandbox, "lookup", "a.test", A, "udp")).toMatch(/^(?:5|-1) -$/);
      expect(await net(sandbox, "connect", "blocking", "192.0.2.1", 443)).toBe("ENETUNREACH");
      expect(asked).toEqual([]);
    },
  },
  {
    name: "nobody gets into somebody else's connection by connecting to where it ends",
    async run(scene) {
      const server = await serveOutside(scene);
      const { sandbox } = await networkSandbox(scene, {
        allow: [{ host: "echo.test", ports: [server.port], addresses: LOOPBACK }],
      });
      expect(await net(sandbox, "forge", "echo.test", server.port, 300)).toBe("300");
      await until(() => server.ends.length === server.sockets.length, "all of them ended");
      expect(server.text()).toMatch(/^(?:honest){300}$/);
    },
  },
  {
    name: "an address that changes while it is looked at reaches nothing that the policy denies",
    async run(scene) {
      const allowed = await serveOutside(scene);
      const denied = await serveOutside(scene);
      const { sandbox } = await networkSandbox(scene, {
        allow: [{ host: "echo.test", ports: [allowed.port], addresses: LOOPBACK }],
      });
      const [made = 0, refused = 0] = (await net(sandbox, "flip", "echo.test", allowed.port, denied.port, 1500))
        .split(" ")
        .map(Number);
      expect(made + refused).toBe(1500);
      expect(Math.min(made, refused)).toBeGreaterThan(0);
      expect(denied.sockets).toHaveLength(0);
    },
  },
  ...Object.entries(CLIENTS).map(
    ([name, argv]): Case => ({
      name: `${name} connects without knowing of anything`,
      tools: true,
      async run(scene) {
        const port = await website(scene);
        const { sandbox } = await networkSandbox(scene, {
          allow: [{ host: "web.test", ports: [port], addresses: LOOPBACK }],
        });
        const good = await sandbox.exec(argv(`http://web.test:${port}/path`), { timeoutMs: 40_000 });
        if (name === "git") expect(good.stderr).toMatch(/not valid|repository/);
        else expect(good.stdout).toContain(`path /path of web.test:${port}`);
        const bad = await sandbox.exec(argv(`http://other.test:${port}/path`), { timeoutMs: 40_000 });
        expect(bad.exitCode).not.toBe(0);
        expect(bad.stderr).toMatch(/refused|connect to server/i);
      },
    }),
  ),
];
