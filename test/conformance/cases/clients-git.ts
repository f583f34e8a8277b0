/**
 * git over HTTPS: who may only read clones, and is told why a push is not for it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { NetworkSection } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { commitsOf, makeRepository, serveGit } from "../git-server.ts";
import { shell } from "../help.ts";
import type { Scene } from "../scene.ts";
import { httpSandbox, requestRecord, type StandIn, standIn } from "../stand-in.ts";

const CLONE = 'git clone -q "$1" copy && git -C copy log --format=%s';
const PUSH = `cd copy && git config user.name Agent && git config user.email agent@example.invalid &&
  git commit -q --allow-empty -m "Agent's" && git push -q origin main`;

async function repository(scene: Scene): Promise<{ folder: string; server: StandIn }> {
  const folder = mkdtempSync(join(tmpdir(), "repositories-"));
  scene.defer(() => rmSync(folder, { recursive: true, force: true }));
  makeRepository(folder);
  return { folder, server: await standIn(scene, "git.test", serveGit(folder)) };
}

const network = ({ host, port }: StandIn, access: "git-read-only" | "git-read-write"): NetworkSection => ({
  allow: [{ id: "git", host, ports: [port], binaries: ["git*"], addresses: ["127.0.0.1"], http: { access } }],
});

export const clientGitCases: readonly Case[] = [
  {
    name: "git clones and fetches where it may read, and its push is denied with words that it shows",
    tools: true,
    async run(scene) {
      const { folder, server } = await repository(scene);
      const sandbox = await httpSandbox(scene, network(server, "git-read-only"));
      const url = `${server.url}/it.git`;
      expect(await shell(sandbox, CLONE, url)).toMatchObject({ stdout: "First\n", stderr: "", exitCode: 0 });
      expect((await shell(sandbox, "cd copy && git fetch -q && git ls-remote --heads")).stdout).toMatch(
        /refs\/heads\/main/,
      );
      const pushed = await shell(sandbox, PUSH);
      expect(pushed.exitCode).not.toBe(0);
      expect(pushed.stderr).toMatch(/remote: Denied: no rule of the policy allows the request/);
      expect(pushed.stderr).toMatch(/403/);
      expect(commitsOf(folder)).toEqual(["First"]);
      const { ruleId, subject } = await requestRecord(sandbox, `POST ${url}/git-upload-pack`, "allow");
      expect([ruleId, subject?.binary]).toEqual(["git", expect.stringMatching(/git-remote-http/)]);
      await requestRecord(sandbox, `GET ${url}/info/refs`, "deny");
      expect(server.requests.some((request) => request.includes("receive-pack"))).toBe(false);
    },
  },
  {
    name: "git pushes where it may write, and no other program of the sandbox does",
    tools: true,
    async run(scene) {
      const { folder, server } = await repository(scene);
      const sandbox = await httpSandbox(scene, network(server, "git-read-write"));
      const url = `${server.url}/it.git`;
      expect((await shell(sandbox, CLONE, url)).exitCode).toBe(0);
      expect(await shell(sandbox, PUSH)).toMatchObject({ exitCode: 0 });
      expect(commitsOf(folder)).toEqual(["Agent's", "First"]);
      expect((await requestRecord(sandbox, `POST ${url}/git-receive-pack`, "allow")).ruleId).toBe("git");
      const other = await shell(sandbox, 'curl -sS "$1/info/refs?service=git-upload-pack"', url);
      expect(other.exitCode).toBe(7);
    },
  },
];
