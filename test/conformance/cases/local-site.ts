/**
 * `http://cofferdam.local`: programs read their policy and their denials there, and ask for more.
 */
import { expect } from "vitest";
import {
  type ApprovalRequest,
  allow,
  definePlugin,
  deny,
  type NetworkSection,
  type Sandbox,
} from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { refused } from "../help.ts";
import { sandboxWith } from "../mediation.ts";
import { connection, net, networkSandbox, serveOutside } from "../network.ts";
import { curl, httpSandbox, requestRecord, standIn } from "../stand-in.ts";

const HERE = "http://cofferdam.local";

/** Asks for access: the status, and what was said. */
async function ask(sandbox: Sandbox, body: object): Promise<[number, Record<string, unknown>]> {
  const answer = await curl(
    sandbox,
    "-H",
    "Content-Type: application/json",
    "-d",
    JSON.stringify(body),
    `${HERE}/requests`,
  );
  const [text = "", status] = answer.split("\n");
  return [Number(status), JSON.parse(text) as Record<string, unknown>];
}

const accessRecord = (sandbox: Sandbox, object: string) =>
  sandbox
    .decisions()
    .filter((each) => each.operation === "access" && each.object === object)
    .at(-1);

export const localSiteCases: readonly Case[] = [
  {
    name: "a program reads its policy and its denials at cofferdam.local, which is no host outside",
    async run(scene) {
      const { port } = await serveOutside(scene);
      const network: NetworkSection = {
        allow: [{ id: "echo", host: "*.test", ports: "all", addresses: ["127.0.0.1"] }],
      };
      const { sandbox, asked } = await networkSandbox(scene, network);
      const page = await net(sandbox, "get", "cofferdam.local", 80, "/");
      expect(page).toMatch(/^HTTP\/1\.1 200 /);
      expect(page).toContain("*.test, all ports");
      expect(await net(sandbox, "connect", "blocking", "other.example", port)).toBe("ECONNREFUSED");
      const denials = await net(sandbox, "get", "cofferdam.local", 80, "/denials");
      expect(denials).toContain(`other.example:${port}`);
      expect(denials).toContain("no rule of the policy allows it");
      expect(await net(sandbox, "get", "cofferdam.local", 80, "/etc/passwd")).toMatch(/^HTTP\/1\.1 404 /);
      expect(await net(sandbox, "connect", "blocking", "cofferdam.local", 22)).toBe("ECONNREFUSED");
      expect(asked).toEqual([]);
      expect((await connection(sandbox, "cofferdam.local:80", "allow")).reason).toMatch(/own page/);
      expect((await requestRecord(sandbox, `GET ${HERE}/denials`, "allow")).subject?.binary).toMatch(/net$/);
      expect((await connection(sandbox, "cofferdam.local:22", "deny")).ruleId).toBeUndefined();
    },
  },
  {
    name: "cofferdam.local is never granted to a host, is denied where the policy says so, and is not there without a network",
    async run(scene) {
      const rule = { host: "cofferdam.local", ports: "all", addresses: ["127.0.0.1"] } as const;
      const policy = { version: 1, filesystem: { read: ["."] } } as const;
      await refused(scene.create({ ...policy, network: { allow: [rule] } }), "POLICY_INVALID");
      const all: NetworkSection = { allow: [{ host: "**", ports: "all", addresses: ["127.0.0.1"] }] };
      const open = await networkSandbox(scene, all);
      expect(await net(open.sandbox, "get", "cofferdam.local", 80, "/")).toContain("Cofferdam sandbox");
      expect(await net(open.sandbox, "get", "x.cofferdam.local", 81, "/")).toBe("ECONNREFUSED");
      expect(open.asked).toEqual(["x.cofferdam.local"]);
      const closed = await networkSandbox(scene, { ...all, deny: [{ id: "quiet", host: "cofferdam.local" }] });
      expect(await net(closed.sandbox, "connect", "blocking", "cofferdam.local", 80)).toBe("ECONNREFUSED");
      expect((await connection(closed.sandbox, "cofferdam.local:80", "deny")).ruleId).toBe("quiet");
      const { sandbox: none } = await sandboxWith(scene, {}, { filesystem: { read: ["."] } });
      expect(await net(none, "get", "cofferdam.local", 80, "/")).toMatch(/^no address: /);
    },
  },
  {
    name: "access that a program asks for is the approver's to give: for that host and request, until the policy is changed",
    tools: true,
    async run(scene) {
      const api = await standIn(scene, "api.test", (request, response) => {
        request.resume().once("end", () => response.end(`${request.method} ${request.url}`));
      });
      const requests: ApprovalRequest[] = [];
      const network: NetworkSection = {
        allow: [{ id: "read", host: "api.test", ports: [api.port], http: { access: "read-only" } }],
        privateRanges: ["127.0.0.1"],
      };
      const approve = (request: ApprovalRequest) => {
        requests.push(request);
        return request.domain === "network" && request.connect.host !== "never.test";
      };
      const sandbox = await httpSandbox(scene, network, { approve });
      const status = async (...args: string[]) => (await curl(sandbox, ...args)).split("\n").at(-1);

      const post = {
        host: "api.test",
        port: api.port,
        method: "POST",
        path: "/search",
        reason: "the task says: search",
      };
      const denied = await curl(sandbox, "-d", "x", `${api.url}/search`);
      expect(denied).toContain("POST to http://cofferdam.local/requests");
      expect(await ask(sandbox, post)).toMatchObject([200, { status: "allowed", rule: "cofferdam:grant-1" }]);
      expect(requests).toMatchObject([
        {
          requested: "the task says: search",
          connect: { host: "api.test", port: api.port, binary: expect.stringMatching(/curl$/) },
          request: { method: "POST", path: "/search" },
        },
      ]);
      expect(await curl(sandbox, "-d", "x", `${api.url}/search`)).toBe("POST /search\n200");
      expect(await status("-d", "x", `${api.url}/other`)).toBe("403");
      expect(await status("-X", "DELETE", `${api.url}/search`)).toBe("403");
      expect((await requestRecord(sandbox, `POST ${api.url}/search`, "allow")).ruleId).toBe("cofferdam:grant-1");
      expect(accessRecord(sandbox, `POST api.test:${api.port}/search`)).toMatchObject({
        verdict: "allow",
        decidedBy: { kind: "approver" },
        ruleId: "cofferdam:grant-1",
        reason: expect.stringContaining("the task says: search"),
      });

      const other = await standIn(scene, "other.test", (_, response) => response.end("other"));
      expect(await ask(sandbox, { host: "other.test", port: other.port, reason: "x" })).toMatchObject([200, {}]);
      expect(await curl(sandbox, other.url)).toBe("other\n200");
      expect(await ask(sandbox, post)).toMatchObject([200, { reason: "the policy allows it already" }]);
      expect(await ask(sandbox, { host: "never.test", reason: "x" })).toMatchObject([
        403,
        { reason: "it was not approved" },
      ]);
      expect(accessRecord(sandbox, "never.test:443")).toMatchObject({
        verdict: "deny",
        decidedBy: { kind: "approver" },
      });
      const asked = requests.length;
      expect(await ask(sandbox, { host: "never.test", reason: "oh please" })).toMatchObject([403, { id: "r4" }]);
      expect(requests).toHaveLength(asked);

      await sandbox.setPolicy({ version: 1, filesystem: { write: ["."] }, network });
      expect(await status("-d", "x", `${api.url}/search`)).toBe("403");
      expect(await curl(sandbox, other.url)).toMatch(/^curl 7:|403$/);
    },
  },
  {
    name: "asking opens nothing that is denied, private, or no host, and no hook can give what only the approver may",
    tools: true,
    async run(scene) {
      const approvals: string[] = [];
      const plugin = definePlugin(() => ({
        name: "judge",
        hooks: { network: { connect: ({ host }) => (host === "hooked.test" ? deny("not there") : allow("anything")) } },
      }))();
      const network: NetworkSection = {
        allow: [{ host: "api.test" }],
        deny: [{ id: "never", host: "*.denied.test" }],
        ask: [{ id: "each-time", host: "asked.test" }],
      };
      const approve = (request: ApprovalRequest) => {
        approvals.push(request.domain === "network" ? request.connect.host : request.domain);
        return false;
      };
      const sandbox = await httpSandbox(scene, network, { approve, plugins: [plugin] });
      const outcomes: [object, number, string][] = [
        [{ host: "x.denied.test" }, 403, "rule never denies it"],
        [{ host: "169.254.169.254", port: 80 }, 403, "listed in the policy"],
        [{ host: "cofferdam.local" }, 403, "own page"],
        [{ host: "hooked.test" }, 403, "not there"],
        [{ host: "free.test" }, 403, "it was not approved"],
        [{ host: "asked.test" }, 200, "whenever it is used"],
        [{ host: "api.test" }, 200, "already"],
        [{ path: "/etc/shadow" }, 403, "cannot be widened while it runs"],
        [{ program: "gh" }, 403, "cannot be widened while it runs"],
      ];
      for (const [body, status, reason] of outcomes) {
        const [seen, answer] = await ask(sandbox, { ...body, reason: "because" });
        expect([body, seen, answer.reason]).toEqual([body, status, expect.stringContaining(reason)]);
      }
      expect((await ask(sandbox, { host: "**", reason: "x" }))[0]).toBe(400);
      expect((await ask(sandbox, { host: "a.test", reason: "x".repeat(9000) }))[0]).toBe(413);
      expect(approvals).toEqual(["free.test"]);
      expect(accessRecord(sandbox, "x.denied.test:443")).toMatchObject({ verdict: "deny", ruleId: "never" });
      expect(accessRecord(sandbox, "hooked.test:443")?.decidedBy).toMatchObject({ kind: "plugin", name: "judge" });
      expect(accessRecord(sandbox, "/etc/shadow")).toMatchObject({ verdict: "deny", domain: "filesystem" });
      expect(await curl(sandbox, "https://free.test/")).toMatch(/403$/);

      const silent = await httpSandbox(scene, network);
      expect((await ask(silent, { host: "a.test", reason: "x" }))[1].reason).toMatch(/no approver/);
    },
  },
  {
    name: "a request that nobody has answered is pending, and is looked up later",
    tools: true,
    async run(scene) {
      let answer: (yes: boolean) => void = () => undefined;
      const approve = () =>
        new Promise<boolean>((resolve) => {
          answer = resolve;
        });
      const sandbox = await httpSandbox(scene, { allow: [{ host: "api.test" }] }, { approve });
      const body = JSON.stringify({ host: "slow.test", reason: "x" });
      const asked = await curl(sandbox, "-H", "Prefer: wait=0", "-d", body, `${HERE}/requests`);
      expect(asked).toMatch(/"status":"pending".*\n202$/);
      const later = curl(sandbox, "-H", "Prefer: wait=15", `${HERE}/requests/r1`);
      answer(true);
      expect(await later).toMatch(/"status":"allowed".*\n200$/);
    },
  },
  {
    name: "rules on HTTP are refused in a sandbox that was made without a network, and connections are not",
    async run(scene) {
      const policy = { version: 1, filesystem: { read: ["."] } } as const;
      const sandbox = await scene.create(policy, { workspace: scene.furnished(), resolver: () => ["127.0.0.1"] });
      const rule = { host: "api.test", ports: [443] };
      const http = { access: "full" } as const;
      const changed = sandbox.setPolicy({ ...policy, network: { allow: [{ ...rule, http }] } });
      expect((await refused(changed, "POLICY_UNSUPPORTED")).message).toMatch(/made without a network section/);
      expect(sandbox.policy.generation).toBe(1);
      await sandbox.setPolicy({ ...policy, network: { allow: [rule] } });
      expect(sandbox.policy.generation).toBe(2);
      // A hook of requests that saw none would be a guard who is not there.
      const watcher = definePlugin(() => ({ name: "watcher", hooks: { network: { request: () => deny("no") } } }))();
      const watched = await scene.create(policy, { workspace: scene.furnished(), plugins: [watcher] });
      await refused(watched.setPolicy({ ...policy, network: { allow: [rule] } }), "POLICY_UNSUPPORTED");
    },
  },
];
