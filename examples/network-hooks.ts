/**
 * Hooks that see what an agent sends and gets: one blacks out what looks like a key, in requests and in answers, one answers
 * in a host's place, one says no.
 * A server of this process stands in for the real host.
 *
 * Run it with `npx tsx examples/network-hooks.ts`.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createSandbox, definePlugin, deny, peekText } from "../src/mod.ts";

const received: string[] = [];
const pastes = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  received.push(`${request.method} ${request.url} ${body}`);
  response.end(request.url === "/key" ? "the host's key is sk-abcdefgh99999\n" : "stored\n");
});
await new Promise<void>((resolve) => pastes.listen(0, "127.0.0.1", resolve));
const { port } = pastes.address() as AddressInfo;

const KEY = /\bsk-[A-Za-z0-9]{8,}/g;

/** Passes on a text without what looks like a key. */
const blackOut = definePlugin(() => ({
  name: "black-out",
  hooks: {
    network: {
      request: async (request, { about }) => {
        if (about.method !== "POST") return undefined;
        const text = await peekText(request);
        const clean = text.replace(KEY, "[key]");
        return clean === text ? undefined : new Request(request, { body: clean });
      },
      response: async (response) => {
        const text = await peekText(response);
        const clean = text.replace(KEY, "[key]");
        return clean === text ? undefined : new Response(clean, response);
      },
    },
  },
}));

/** Knows the answer itself, or says no. */
const atHome = definePlugin(() => ({
  name: "at-home",
  hooks: {
    network: {
      request: (_, { about }) => {
        if (about.path === "/time") return Response.json({ time: "high noon" });
        return about.path.startsWith("/public") ? deny("nothing is published from here") : undefined;
      },
    },
  },
}));

try {
  await using sandbox = await createSandbox(
    {
      version: 1,
      network: {
        allow: [
          {
            id: "pastes",
            host: "pastes.test",
            ports: [port],
            addresses: ["127.0.0.1"],
            http: { access: "read-write" },
          },
        ],
      },
    },
    { runtime: "local", resolver: () => ["127.0.0.1"], plugins: [blackOut(), atHome()] },
  );
  const curl = async (...args: string[]): Promise<string> => {
    return (await sandbox.exec(["curl", "-sS", "--max-time", "20", ...args])).stdout;
  };
  const url = `http://pastes.test:${port}`;

  assert.equal(await curl("-d", "my key is sk-abcdefgh12345", `${url}/notes`), "stored\n");
  assert.equal(await curl(`${url}/key`), "the host's key is [key]\n");
  assert.equal(await curl(`${url}/time`), '{"time":"high noon"}');
  assert.equal(JSON.parse(await curl("-d", "hello", `${url}/public/hello`)).reason, "nothing is published from here");
  assert.deepEqual(received, ["POST /notes my key is [key]", "GET /key "]);

  console.log("Received:", received);
  for (const { operation, object, verdict, reason } of sandbox.decisions()) {
    if (operation === "request") console.log(verdict.padEnd(5), object, "-", reason);
  }
} finally {
  pastes.closeAllConnections();
  pastes.close();
}
