/**
 * Real hosts that are reached through a proxy of the owner's network; and addresses as hosts, which only a proxy can make
 * anything of on a machine that has no network.
 */
import { expect } from "vitest";
import { createAuthority } from "../../../src/egress/tls/certificate-authority.ts";
import type { Case } from "../case.ts";
import { connection, net, networkSandbox, serveOutside } from "../network.ts";
import { serveProxy } from "../proxy.ts";
import { curl, httpSandbox, requestRecord, standIn, WORLD } from "../stand-in.ts";

/** Of the ranges that are for documentation (RFC 5737): nobody is there. */
const SOMEWHERE = "203.0.113.9";

export const networkProxyCases: readonly Case[] = [
  {
    name: "rules name addresses, ranges and IPv6, which are carried to a host by every kind of socket",
    async run(scene) {
      const echo = await serveOutside(scene);
      const proxy = await serveProxy(scene, echo.port);
      const { sandbox, asked } = await networkSandbox(
        scene,
        {
          allow: [
            { id: "one", host: "192.0.2.1", ports: [7] },
            { id: "range", host: "198.51.100.0/24", ports: [7] },
            { id: "six", host: "2001:db8::/32", ports: [7] },
            { id: "any", host: "0.0.0.0/0", ports: [8] },
          ],
          deny: [{ id: "not-this", host: "198.51.100.128/25" }],
        },
        { proxy: `http://127.0.0.1:${proxy.port}` },
      );
      for (const how of ["blocking", "nonblocking", "mapped"]) {
        expect([how, await net(sandbox, "connect", how, "192.0.2.1", 7)]).toEqual([how, "connected"]);
      }
      expect(await net(sandbox, "echo", "198.51.100.7", 7, 100_000)).toBe("100000 0 end");
      for (const how of ["blocking", "nonblocking", "only"]) {
        expect([how, await net(sandbox, "connect6", how, "2001:db8::7", 7)]).toEqual([how, "connected"]);
      }
      expect(await net(sandbox, "connect", "blocking", "198.51.100.200", 7)).toBe("ECONNREFUSED");
      expect(await net(sandbox, "connect6", "blocking", "2001:db9::7", 7)).toBe("ENETUNREACH");
      // A range that holds public addresses does not open what clouds and companies keep inside.
      for (const address of ["169.254.169.254", "10.0.0.1"]) {
        expect([address, await net(sandbox, "connect", "blocking", address, 8)]).toEqual([address, "ECONNREFUSED"]);
        expect((await connection(sandbox, `${address}:8`, "deny")).reason).toContain("which no rule lists");
      }
      expect(new Set(proxy.asked)).toEqual(new Set(["192.0.2.1:7 -", "198.51.100.7:7 -", "[2001:db8::7]:7 -"]));
      expect(asked).toEqual([]);
      expect((await connection(sandbox, "198.51.100.7:7", "allow")).ruleId).toBe("range");
      expect((await connection(sandbox, "[2001:db8::7]:7", "allow")).ruleId).toBe("six");
      expect((await connection(sandbox, "198.51.100.200:7", "deny")).ruleId).toBe("not-this");
      expect((await connection(sandbox, "[2001:db9::7]:7", "deny")).ruleId).toBeUndefined();
    },
  },
  {
    name: "a denial of addresses holds for names that resolve to them",
    async run(scene) {
      const { port, sockets } = await serveOutside(scene);
      const { sandbox } = await networkSandbox(scene, {
        allow: [{ id: "all", host: "**", ports: [port] }],
        deny: [{ id: "not-here", host: "127.0.0.0/8" }],
        privateRanges: ["127.0.0.0/8"],
      });
      expect(await net(sandbox, "connect", "blocking", "a.test", port)).toBe("ECONNREFUSED");
      expect((await connection(sandbox, `a.test:${port}`, "deny")).reason).toMatch(/127\.0\.0\.1, which rule not-here/);
      expect(sockets).toHaveLength(0);
    },
  },
  {
    name: "a proxy gets the address that was checked, and its login stays with the host",
    tools: true,
    async run(scene) {
      const api = await standIn(scene, "api.test", (request, response) => response.end(`${request.method} ok`));
      const proxy = await serveProxy(scene, api.port);
      const address = `http://someone:hunter2@127.0.0.1:${proxy.port}`;
      const network = {
        allow: [{ id: "it", host: "*.test", addresses: [SOMEWHERE], http: { access: "read-only" } as const }],
      };
      const sandbox = await httpSandbox(scene, network, {
        proxy: { https: address },
        resolver: (host) => (host === "inside.test" ? ["10.0.0.5"] : [SOMEWHERE]),
      });
      expect(await curl(sandbox, "https://api.test/x")).toBe("GET ok\n200");
      expect((await curl(sandbox, "-d", "x", "https://api.test/x")).split("\n").at(-1)).toBe("403");
      // Private names stay private: the proxy is not asked.
      const [refused = "", status] = (await curl(sandbox, "https://inside.test/")).split("\n");
      expect([status, JSON.parse(refused).reason]).toEqual(["403", expect.stringContaining("10.0.0.5 (private)")]);
      expect(new Set(proxy.asked)).toEqual(new Set([`${SOMEWHERE}:443 Basic ${btoa("someone:hunter2")}`]));
      await requestRecord(sandbox, "GET https://api.test/x", "allow");
      await requestRecord(sandbox, "POST https://api.test/x", "deny");
      await connection(sandbox, "inside.test:443", "deny");
      const told = JSON.stringify([sandbox.decisions(), sandbox.enforcement, await sandbox.exec(["env"])]);
      expect(told).not.toMatch(/hunter2|aHVudGVy/);
    },
  },
  {
    name: "a proxy that does not connect is told of, without its name",
    tools: true,
    async run(scene) {
      const proxy = await serveProxy(scene, 1, { answer: "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n" });
      const network = {
        allow: [{ host: "api.test", ports: "all", addresses: [SOMEWHERE], http: { access: "full" } as const }],
      } as const;
      const options = { proxy: `http://127.0.0.1:${proxy.port}`, resolver: () => [SOMEWHERE] };
      const sandbox = await httpSandbox(scene, network, options);
      const [body = "", status] = (await curl(sandbox, "https://api.test/")).split("\n");
      expect([status, JSON.parse(body)]).toMatchObject(["502", { reason: "the proxy on the way wants a login" }]);
      expect(body).not.toContain("127.0.0.1");
    },
  },
  {
    name: "a proxy that opens TLS is trusted where the owner says so, by programs too",
    tools: true,
    async run(scene) {
      const company = createAuthority("a company");
      const api = await standIn(scene, "api.test", (_, response) => response.end("ok"));
      const proxy = await serveProxy(scene, api.port, { opens: { with: company, trusting: WORLD.certificate } });
      const rule = { host: "api.test", addresses: [SOMEWHERE] };
      const common = { proxy: `http://127.0.0.1:${proxy.port}`, resolver: () => [SOMEWHERE] };
      const inspected = { allow: [{ ...rule, http: { access: "read-only" } as const }] };
      const certificates = [company.certificate];
      for (const network of [inspected, { allow: [{ ...rule, tls: "passthrough" } as const] }]) {
        const sandbox = await httpSandbox(scene, network, { ...common, certificates });
        expect(await curl(sandbox, "https://api.test/")).toBe("ok\n200");
        await sandbox.stop();
      }
      const strict = await httpSandbox(scene, inspected, { ...common, certificates: [] });
      const [body = "", status] = (await curl(strict, "https://api.test/")).split("\n");
      expect([status, JSON.parse(body).error]).toEqual(["502", "upstream_untrusted"]);
    },
  },
  {
    name: "proxies come from the environment of the host, with what is reached without them",
    tools: true,
    async run(scene) {
      const api = await standIn(scene, "api.test", (_, response) => response.end("ok"));
      const proxy = await serveProxy(scene, api.port);
      const before = { ...process.env };
      scene.defer(() => {
        for (const name of ["https_proxy", "no_proxy"]) {
          delete process.env[name];
          if (before[name] !== undefined) process.env[name] = before[name];
        }
      });
      process.env.https_proxy = `http://127.0.0.1:${proxy.port}`;
      process.env.no_proxy = ".direct.test";
      const network = {
        allow: [{ host: "**", ports: "all", addresses: [SOMEWHERE, "127.0.0.2"], http: { access: "full" } as const }],
      } as const;
      const resolver = (host: string) => [host.endsWith("direct.test") ? "127.0.0.2" : SOMEWHERE];
      const sandbox = await httpSandbox(scene, network, { resolver });
      expect(await curl(sandbox, "https://api.test/")).toBe("ok\n200");
      expect((await curl(sandbox, "https://x.direct.test:1/")).split("\n").at(-1)).toBe("502");
      expect(proxy.asked).toEqual([`${SOMEWHERE}:443 -`]);
      // What the host has in its environment is no affair of programs.
      expect((await sandbox.exec(["env"])).stdout).not.toMatch(/proxy/i);
    },
  },
];
