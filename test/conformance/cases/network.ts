/**
 * Connections: those that the policy allows work for any program, everything else fails at once, and all is recorded.
 */
import { expect } from "vitest";
import type { NetworkConnect, NetworkSection } from "../../../src/mod.ts";
import { allow, ask, definePlugin, deny } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { Listener, shell, until, within } from "../help.ts";
import { BIN } from "../mediation.ts";
import { connection, net, networkSandbox, serveOutside } from "../network.ts";

const LOOPBACK = ["127.0.0.1"];
const HOWS = ["blocking", "nonblocking", "mapped"];

export const networkCases: readonly Case[] = [
  {
    name: "a host that a rule allows is reached by every kind of socket, and everything else is refused and recorded",
    async run(scene) {
      const { port } = await serveOutside(scene);
      const other = await serveOutside(scene);
      const { sandbox, asked } = await networkSandbox(scene, {
        allow: [{ id: "echo", host: "*.echo.test", ports: [port], addresses: LOOPBACK }],
        deny: [{ id: "not-this", host: "bad.echo.test" }],
      });
      expect(sandbox.enforcement.network).toBe("decided");
      for (const how of HOWS) {
        expect([how, await net(sandbox, "connect", how, "one.echo.test", port)]).toEqual([how, "connected"]);
        for (const [host, at] of [
          ["one.echo.test", other.port],
          ["echo.test", port],
          ["bad.echo.test", port],
          ["192.0.2.1", port],
          ["198.51.100.7", port],
        ] as const) {
          expect([how, host, await net(sandbox, "connect", how, host, at)]).toEqual([how, host, "ECONNREFUSED"]);
        }
      }
      expect(other.sockets).toHaveLength(0);
      expect(new Set(asked)).toEqual(new Set(["one.echo.test"]));
      expect(await connection(sandbox, `one.echo.test:${port}`, "allow")).toMatchObject({
        operation: "connect",
        ruleId: "echo",
        decidedBy: { kind: "policy" },
        subject: { binary: `${BIN}/net` },
      });
      expect((await connection(sandbox, `bad.echo.test:${port}`, "deny")).ruleId).toBe("not-this");
      expect((await connection(sandbox, `192.0.2.1:${port}`, "deny")).reason).toMatch(/no rule/);
    },
  },
  {
    name: "addresses that are no host fail as they do where there is no route, and IPv6 as where there is none",
    async run(scene) {
      const { sandbox, asked } = await networkSandbox(scene, { allow: [{ host: "**", ports: "all" }] });
      for (const how of ["blocking", "nonblocking", "only"]) {
        expect([how, await net(sandbox, "connect6", how, "2001:db8::1", 443)]).toEqual([how, "ENETUNREACH"]);
      }
      expect((await connection(sandbox, "[2001:db8::1]:443", "deny")).reason).toMatch(/no rule/);
      expect(await net(sandbox, "connect6", "blocking", "fe80::1", 443)).toBe("ENETUNREACH");
      expect((await connection(sandbox, "[fe80::1]:443", "deny")).reason).toMatch(/one link/);
      expect(await net(sandbox, "connect", "blocking", "198.19.255.1", 443)).toBe("EHOSTUNREACH");
      expect(await net(sandbox, "connect", "blocking", "224.0.0.1", 443)).toBe("ENETUNREACH");
      expect(await net(sandbox, "connect", "blocking", "192.0.2.1", 0)).toBe("ECONNREFUSED");
      // A pattern of names is no pattern of addresses.
      expect(await net(sandbox, "connect", "blocking", "192.0.2.1", 443)).toBe("ECONNREFUSED");
      for (const address of ["192.0.2.1", "198.18.0.1", "8.8.8.8"]) {
        expect(await net(sandbox, "udp", address, 53)).toBe("ENETUNREACH");
      }
      expect(asked).toEqual([]);
    },
  },
  {
    name: "a name that resolves to a private address is not dialed unless a rule lists that address",
    async run(scene) {
      const server = await serveOutside(scene);
      const { port } = server;
      const addresses = [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "169.254.169.254",
        "10.0.0.1",
        "fe80::1",
      ];
      for (const address of addresses) {
        const { sandbox } = await networkSandbox(
          scene,
          { allow: [{ host: "inside.test", ports: [port], addresses: ["192.168.0.0/16"] }] },
          { resolver: () => [address] },
        );
        expect([address, await net(sandbox, "connect", "blocking", "inside.test", port)]).toEqual([
          address,
          "ECONNREFUSED",
        ]);
        expect(await net(sandbox, "connect", "nonblocking", "inside.test", port)).toBe("ECONNRESET");
        expect((await connection(sandbox, `inside.test:${port}`, "deny")).reason).toContain(address);
        await sandbox.stop();
      }
      expect(server.sockets).toHaveLength(0);
    },
  },
  {
    name: "what a host does is what the program sees: refused, unknown, and slow ones",
    async run(scene) {
      const { port } = await serveOutside(scene);
      const { sandbox } = await networkSandbox(
        scene,
        { allow: [{ host: "**", ports: "all", addresses: ["127.0.0.0/8"] }] },
        {
          resolver: async (host) => {
            if (host === "slow.test") await new Promise((resolve) => setTimeout(resolve, 600));
            return host === "nobody.test" ? [] : ["127.0.0.1"];
          },
        },
      );
      // Port 1 of the host's loopback: nothing listens there.
      expect(await net(sandbox, "connect", "blocking", "a.test", 1)).toBe("ECONNREFUSED");
      expect(await net(sandbox, "connect", "blocking", "nobody.test", port)).toBe("EHOSTUNREACH");
      for (const how of HOWS) expect(await net(sandbox, "connect", how, "slow.test", port)).toBe("connected");
      expect(await net(sandbox, "again", "slow.test", port)).toBe("EINPROGRESS connected connected EISCONN");
      expect(await net(sandbox, "connect", "nonblocking", "a.test", 1)).toBe("ECONNRESET");
    },
  },
  {
    name: "bytes go both ways to the last, ends and resets with them",
    async run(scene) {
      const echo = await serveOutside(scene);
      const rude = await serveOutside(scene, (socket) => socket.once("data", () => socket.resetAndDestroy()));
      const { sandbox } = await networkSandbox(scene, {
        allow: [{ host: "echo.test", ports: [echo.port, rude.port], addresses: LOOPBACK }],
      });
      for (const size of [0, 1, 65_537, 12_345_678]) {
        expect(await net(sandbox, "echo", "echo.test", echo.port, size)).toBe(`${size} 0 end`);
      }
      expect(await net(sandbox, "echo", "echo.test", rude.port, 1_000)).toBe("0 0 ECONNRESET");
      expect(await net(sandbox, "reset", "echo.test", echo.port)).toBe("connected");
      await until(() => echo.ends.includes("ECONNRESET"), "the server hears of the reset");
      expect(echo.ends.filter((end) => end === "end")).toHaveLength(4);
    },
  },
  {
    name: "a socket that nobody may close without waiting holds up nobody else",
    async run(scene) {
      const resolver = async () => {
        await new Promise((resolve) => setTimeout(resolve, 800));
        return [];
      };
      const { sandbox } = await networkSandbox(scene, { allow: [{ host: "slow.test", ports: "all" }] }, { resolver });
      const trick = net(sandbox, "linger", "slow.test", 5000);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      for (let turn = 0; turn < 3; turn++)
        await within(5000, "another command", sandbox.exec(["true"], { check: true }));
      expect(await trick).toBe("connected");
      await connection(sandbox, "slow.test:5000", "allow");
    },
  },
  {
    name: "commands that wait at FIFOs keep nobody from connecting",
    async run(scene) {
      const { port } = await serveOutside(scene);
      const network = { allow: [{ host: "a.test", ports: [port], addresses: LOOPBACK }] };
      const { sandbox } = await networkSandbox(scene, network, { emulated: true });
      for (const turn of [1, 2, 3, 4, 5]) {
        const script = `for i in 1 2 3 4; do mkfifo /tmp/f${turn}$i; cat /tmp/f${turn}$i & done; echo waiting; wait`;
        await new Listener(await sandbox.spawn(["sh", "-c", script])).hear("waiting");
      }
      const connect = net(sandbox, "connect", "blocking", "a.test", port);
      expect(await within(20_000, "a connection", connect)).toBe("connected");
    },
  },
  {
    name: "hooks and approvers decide about connections",
    async run(scene) {
      const { port } = await serveOutside(scene);
      const seen: NetworkConnect[] = [];
      const plugin = definePlugin(() => ({
        name: "judge",
        hooks: {
          network: {
            connect: {
              hosts: ["*.hooked.test"],
              handler: (connect) => {
                seen.push(connect);
                if (connect.host.startsWith("no.")) return deny("not there");
                return connect.host.startsWith("ask.") ? ask("who knows") : allow();
              },
            },
          },
        },
      }))();
      const { sandbox } = await networkSandbox(
        scene,
        {
          allow: [{ id: "left", host: "left.hooked.test", ports: "all", addresses: LOOPBACK, defer: "judge" }],
          ask: [{ id: "asked", host: "asked.test", ports: "all", addresses: LOOPBACK }],
          unmatched: "ask",
          privateRanges: ["127.0.0.0/8"],
        },
        {
          plugins: [plugin],
          approve: (request) => request.domain === "network" && request.connect.host !== "never.test",
        },
      );
      const outcomes = {
        "left.hooked.test": "connected",
        "no.hooked.test": "ECONNREFUSED",
        "ask.hooked.test": "connected",
        "yes.hooked.test": "connected",
        "asked.test": "connected",
        "never.test": "ECONNREFUSED",
        "192.0.2.7": "ECONNREFUSED",
      };
      for (const [host, outcome] of Object.entries(outcomes).slice(0, 6)) {
        expect([host, await net(sandbox, "connect", "blocking", host, port)]).toEqual([host, outcome]);
      }
      expect((await connection(sandbox, `no.hooked.test:${port}`, "deny")).decidedBy).toMatchObject({ name: "judge" });
      expect((await connection(sandbox, `asked.test:${port}`, "allow")).decidedBy).toMatchObject({ kind: "approver" });
      expect(seen.map(({ host }) => host)).toEqual(Object.keys(outcomes).slice(0, 4));
      expect(seen[0]).toMatchObject({ port, binary: `${BIN}/net`, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    },
  },
  {
    name: "a rule is for the programs that it names",
    async run(scene) {
      const { port } = await serveOutside(scene);
      const rule = { host: "echo.test", ports: [port], addresses: LOOPBACK };
      for (const [binaries, outcome] of [
        [["net"], "connected"],
        [[`${BIN}/n*`], "connected"],
        [["curl", "/usr/bin/*"], "ECONNREFUSED"],
      ] as const) {
        const { sandbox } = await networkSandbox(scene, { allow: [{ ...rule, binaries }] });
        expect(await net(sandbox, "connect", "blocking", "echo.test", port)).toBe(outcome);
        await sandbox.stop();
      }
    },
  },
  {
    name: "a change of the policy opens what it allows, closes what it does not, and leaves the rest alone",
    async run(scene) {
      const { port } = await serveOutside(scene, (socket) => void socket);
      const rule = (host: string) => ({ host, ports: [port], addresses: LOOPBACK });
      const policy = (...hosts: string[]) => {
        return { version: 1, filesystem: { read: ["."] }, network: { allow: hosts.map(rule) } } as const;
      };
      const { sandbox } = await networkSandbox(scene, { allow: [rule("one.test"), rule("two.test")] });
      const one = new Listener(await sandbox.spawn([`${BIN}/net`, "hold", "one.test", String(port)]));
      const two = new Listener(await sandbox.spawn([`${BIN}/net`, "hold", "two.test", String(port)]));
      await one.hear("connected");
      await two.hear("connected");
      expect(await net(sandbox, "connect", "blocking", "three.test", port)).toBe("ECONNREFUSED");
      await sandbox.setPolicy(policy("two.test", "three.test"));
      await one.hear("ECONNRESET");
      expect((await connection(sandbox, `one.test:${port}`, "deny")).reason).toMatch(/change of the policy/);
      expect(await net(sandbox, "connect", "blocking", "one.test", port)).toBe("ECONNREFUSED");
      expect(await net(sandbox, "connect", "blocking", "three.test", port)).toBe("connected");
      expect(two.text).toBe("\n");
    },
  },
  {
    name: "a changed policy resets connections to addresses that it lists no more, or denies",
    async run(scene) {
      const { port } = await serveOutside(scene, (socket) => void socket);
      const listed = { host: "one.test", ports: [port], addresses: LOOPBACK };
      const changes: [NetworkSection, RegExp][] = [
        [{ allow: [{ host: "one.test", ports: [port] }] }, /change of the policy.*127\.0\.0\.1 \(loopback\)/],
        [{ allow: [listed], deny: [{ host: "127.0.0.1" }] }, /change of the policy.*denies/],
      ];
      for (const [network, reason] of changes) {
        const { sandbox } = await networkSandbox(scene, { allow: [listed] });
        const one = new Listener(await sandbox.spawn([`${BIN}/net`, "hold", "one.test", String(port)]));
        await one.hear("connected");
        await sandbox.setPolicy({ version: 1, filesystem: { read: ["."] }, network });
        await one.hear("ECONNRESET");
        expect((await connection(sandbox, `one.test:${port}`, "deny")).reason).toMatch(reason);
      }
    },
  },
  {
    name: "a host that says much in small pieces, to a program that is not connected yet, ends nothing",
    async run(scene) {
      let pieces = 0;
      const { port } = await serveOutside(scene, function send(socket) {
        if (++pieces <= 80_000) socket.write("x", () => setImmediate(send, socket));
      });
      const { sandbox } = await networkSandbox(scene, {
        allow: [{ host: "a.test", ports: [port], addresses: LOOPBACK }],
      });
      await using _ = await sandbox.spawn([`${BIN}/net`, "deaf", "a.test", String(port)]);
      await until(() => pieces > 80_000, "all of it sent", 60_000);
      expect((await shell(sandbox, "echo there")).stdout).toBe("there\n");
    },
  },
  {
    name: "five hundred connections at once",
    async run(scene) {
      const server = await serveOutside(scene);
      const { sandbox } = await networkSandbox(scene, {
        allow: [{ host: "echo.test", ports: [server.port], addresses: LOOPBACK }],
      });
      expect(await net(sandbox, "many", "echo.test", server.port, 500)).toBe("500");
      await until(() => server.ends.length === 500, "all of them ended");
    },
  },
  {
    name: "the sandbox's own loopback serves its programs, where files are emulated too",
    async run(scene) {
      for (const emulated of [false, true]) {
        const { sandbox } = await networkSandbox(scene, { allow: [{ host: "a.test" }] }, { emulated });
        const server = new Listener(await sandbox.spawn([`${BIN}/net`, "serve", "8123"]));
        await server.hear("listening");
        expect(await net(sandbox, "echo", "127.0.0.1", 8123, 5)).toBe("5 0 end");
        expect(await net(sandbox, "connect", "nonblocking", "127.0.0.1", 8124)).toBe("ECONNREFUSED");
        await sandbox.stop();
      }
    },
  },
  {
    name: "a program that is killed while it waits for its connection leaves nothing of it",
    async run(scene) {
      const aborted: string[] = [];
      const plugin = definePlugin(() => ({
        name: "slow",
        hooks: {
          network: {
            connect: ({ host }, { signal }) =>
              new Promise<undefined>((resolve) => {
                signal.addEventListener("abort", () => {
                  aborted.push(host);
                  resolve(undefined);
                });
              }),
          },
        },
      }))();
      const { sandbox } = await networkSandbox(
        scene,
        { allow: [{ host: "echo.test", ports: "all", addresses: LOOPBACK }] },
        { plugins: [plugin] },
      );
      const command = await sandbox.spawn([`${BIN}/net`, "connect", "blocking", "echo.test", "80"]);
      await new Promise((resolve) => setTimeout(resolve, 200));
      await within(20_000, "killing it", command.kill());
      await until(() => aborted.length === 1, "the hook is told");
      expect((await shell(sandbox, "echo alive")).stdout).toBe("alive\n");
    },
  },
];
