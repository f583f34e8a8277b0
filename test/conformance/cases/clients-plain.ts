/**
 * Programs that speak no HTTP: their connections are relayed as they are.
 */
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { shell } from "../help.ts";
import { connection, networkSandbox, serveOutside } from "../network.ts";

/** As much of Redis as is asked for here: the inline end of RESP is not, for clients send arrays. */
function redis(): (socket: import("node:net").Socket) => void {
  const values = new Map<string, string>();
  return (socket) => {
    let text = "";
    socket.on("data", (data: Buffer) => {
      text += data.toString();
      for (let command = take(); command !== undefined; command = take()) socket.write(answer(command));
    });
    const take = (): string[] | undefined => {
      const count = Number(/^\*(\d+)\r\n/.exec(text)?.[1] ?? Number.NaN);
      const lines = text.split("\r\n");
      if (Number.isNaN(count) || lines.length < 2 * count + 2) return undefined;
      text = lines.slice(2 * count + 1).join("\r\n");
      return lines.slice(1, 2 * count + 1).filter((_, index) => index % 2 === 1);
    };
    const answer = ([name = "", key = "", value = ""]: string[]): string => {
      if (name.toUpperCase() === "SET") values.set(key, value);
      const found = values.get(key);
      if (name.toUpperCase() === "SET") return "+OK\r\n";
      if (name.toUpperCase() !== "GET") return "-ERR unknown command\r\n";
      return found === undefined ? "$-1\r\n" : `$${found.length}\r\n${found}\r\n`;
    };
  };
}

export const clientPlainCases: readonly Case[] = [
  {
    name: "redis-cli talks to the server that a rule allows, and to no other",
    tools: true,
    async run(scene) {
      const { port } = await serveOutside(scene, redis());
      const { sandbox } = await networkSandbox(scene, {
        allow: [{ id: "cache", host: "cache.test", ports: [port], binaries: ["redis-cli"], addresses: ["127.0.0.1"] }],
      });
      const ask = (host: string, ...words: string[]) =>
        shell(sandbox, 'host=$1; port=$2; shift 2; redis-cli -h "$host" -p "$port" "$@"', host, String(port), ...words);
      expect((await ask("cache.test", "SET", "greeting", "hello")).stdout).toBe("OK\n");
      expect((await ask("cache.test", "GET", "greeting")).stdout).toBe("hello\n");
      const other = await ask("other.test", "GET", "greeting");
      expect([other.exitCode, other.stderr]).toEqual([1, expect.stringMatching(/Connection refused/)]);
      expect(await connection(sandbox, `cache.test:${port}`, "allow")).toMatchObject({
        ruleId: "cache",
        subject: { binary: expect.stringMatching(/redis-cli$|redis-check-rdb$/) },
      });
      expect((await connection(sandbox, `other.test:${port}`, "deny")).ruleId).toBeUndefined();
    },
  },
];
