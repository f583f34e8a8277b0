import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GitGuardOptions, gitGuard } from "../../plugins/mod.ts";
import { start } from "../hooks/support.ts";
import { onRequest } from "./support.ts";

const guard = gitGuard();
const judge = (args: readonly string[], path = "/usr/bin/git", name = "git") => {
  const hook = guard.hooks?.process?.start;
  if (typeof hook !== "function") throw new Error("there is no hook");
  const { signal } = new AbortController();
  return hook(start([name, ...args], { path }), { sandbox: "x", plugin: "git-guard", hook: "process.start", signal });
};

describe("the arguments of git", () => {
  test.each([
    "push --force",
    "push -f origin topic",
    "push -uf origin topic",
    "push --force-with-lease=topic:abc origin topic",
    "push --force-w origin topic",
    "push --mir",
    "push origin +topic",
    "push origin main",
    "push origin HEAD:refs/heads/main",
    "push origin topic:heads/release/1.0",
    "push origin :topic",
    "push --delete origin topic",
    "push -d origin topic",
    "push --all",
    "push origin refs/heads/*:refs/heads/*",
    "push origin -- main",
    "-C /tmp -c a.b=push --git-dir x push --force",
    "send-pack --force x",
    "http-push --force http://x/",
    "--attr-source HEAD push origin +topic",
    "push origin @:main",
    "push -o x --prune origin",
  ])("git %s is denied", (args) => {
    expect(judge(args.split(" "))).toMatchObject({ verdict: "deny" });
  });

  test.each([
    "push origin topic",
    "push -u origin HEAD:refs/heads/main-fix",
    "push -o -f origin topic",
    "commit -m push --force",
    "-c push status",
    "fetch --force",
  ])("git %s is not", (args) => {
    expect(judge(args.split(" "))).toBeUndefined();
  });
});

test("git by its other names is git", () => {
  const denied = expect.objectContaining({ verdict: "deny" });
  expect(judge(["origin", "main"], "/usr/lib/git-core/git-push", "git-push")).toEqual(denied);
  expect(judge(["origin", "main"], "/usr/bin/git", "git-push")).toEqual(denied);
  expect(judge(["push", "--force"], "/usr/bin/git", "innocent")).toEqual(denied);
  expect(judge(["push", "--force"], "/usr/bin/widget", "widget")).toBeUndefined();
});

describe("a push over HTTP, by git itself", () => {
  let folder: string;
  let server: Server;
  let options: GitGuardOptions;
  const verdicts: unknown[] = [];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_TERMINAL_PROMPT: "0" };
  const git = (...args: string[]) => execFileSync("git", args, { cwd: join(folder, "work"), env, stdio: "pipe" });
  /** Not waiting synchronously: the server is in this process. */
  const gitLater = (...args: string[]): Promise<boolean> =>
    promisify(execFile)("git", args, { cwd: join(folder, "work"), env }).then(
      () => true,
      () => false,
    );
  const push = (...args: string[]): Promise<boolean> => {
    const { port } = server.address() as AddressInfo;
    return gitLater("push", `http://127.0.0.1:${port}/repo.git`, ...args);
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "guard-"));
    execFileSync("git", ["init", "-q", "--bare", join(folder, "repo.git")], { env });
    execFileSync("git", ["init", "-q", "-b", "topic", join(folder, "work")], { env });
    git("config", "user.name", "a");
    git("config", "user.email", "a@b.test");
    git("commit", "-q", "--allow-empty", "-m", "one");
    // The smart protocol, with the guard where a sandbox has it.
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const isPost = request.method === "POST";
      const body = Buffer.concat(chunks);
      if (isPost) {
        const sent = new Request(`http://git.test${request.url}`, { method: "POST", body });
        verdicts.push(await onRequest(gitGuard(options), sent));
        if (verdicts.at(-1) !== undefined) return void response.writeHead(403).end();
      }
      const advertise = isPost ? [] : ["--advertise-refs"];
      const kind = isPost ? "result" : "advertisement";
      response.writeHead(200, { "content-type": `application/x-git-receive-pack-${kind}` });
      if (!isPost) response.write("001f# service=git-receive-pack\n0000");
      const child = spawn("git", ["receive-pack", "--stateless-rpc", ...advertise, join(folder, "repo.git")], { env });
      // It may have gone before it is told that nothing comes.
      child.stdin.on("error", () => undefined).end(body);
      child.stdout.pipe(response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("makes branches, moves them as far as somebody vouches for it, and nothing else", async () => {
    options = {};
    expect(await push("topic")).toBe(true);
    expect(await push("topic:main")).toBe(false);
    expect(verdicts.at(-1)).toMatchObject({ verdict: "deny", reason: "the branch main is protected" });
    expect(await push(":topic")).toBe(false);
    expect(verdicts.at(-1)).toMatchObject({ reason: "refs/heads/topic is not to be removed" });
    git("commit", "-q", "--allow-empty", "-m", "two");
    expect(await push("topic")).toBe(false);
    expect(verdicts.at(-1)).toMatchObject({ verdict: "ask" });
    const repositories: string[] = [];
    options = {
      isFastForward: ({ before, after }, repository) => {
        repositories.push(repository);
        return gitLater("merge-base", "--is-ancestor", before, after);
      },
    };
    expect(await push("topic")).toBe(true);
    git("commit", "-q", "--amend", "--allow-empty", "-m", "three");
    expect(await push("--force", "topic")).toBe(false);
    expect(verdicts.at(-1)).toMatchObject({ reason: "it moves refs/heads/topic by force" });
    expect(await push("topic:refs/heads/other", "topic:refs/heads/release/2")).toBe(false);
    expect(verdicts.at(-1)).toMatchObject({ reason: "the branch release/2 is protected" });
    options = { allowDelete: true };
    expect(await push(":topic")).toBe(true);
    expect(new Set(repositories)).toEqual(new Set(["http://git.test/repo.git"]));
  });
});

describe("a push that is none", () => {
  const url = "https://git.test/r/git-receive-pack";
  const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, "0")}${text}`;
  const [zero, one] = ["0".repeat(40), "1".repeat(40)];
  const create = line(`${zero} ${one} refs/heads/a`);
  test.each<[string, string, Record<string, string>]>([
    ["no length", "zzzz", {}],
    ["an empty line", "0004", {}],
    ["one that ends too soon", create.slice(0, -3), {}],
    ["a ref with a newline", `${line(`${zero} ${one} refs/heads/a\nb`)}0000`, {}],
    ["a certificate", `${line("push-cert\0caps")}0000`, {}],
    ["compressed", `${create}0000`, { "content-encoding": "gzip" }],
    ["endless", create.repeat(6000), {}],
    ["empty", "", {}],
  ])("is denied: %s", async (_, body, headers) => {
    expect(await onRequest(guard, new Request(url, { method: "POST", body, headers }))).toMatchObject({
      verdict: "deny",
      reason: expect.stringContaining("cannot be read"),
    });
  });

  // How an agent that speaks HTTP itself could hope to be overlooked, by a server that takes it all the same.
  test.each<[string, Record<string, string>]>([
    ["https://git.test/r/git-receive-pack;v=1", {}],
    ["https://git.test/r/git-receive-pack/", {}],
    ["https://git.test/r/Git-Receive-Pack", {}],
    ["https://git.test/other", { "content-type": "application/x-git-receive-pack-request" }],
  ])("is a push all the same: %s", async (to, headers) => {
    const body = `${line(`${zero} ${one} refs/heads/main`)}0000`;
    const sent = new Request(to, { method: "POST", body, headers });
    expect(await onRequest(guard, sent)).toMatchObject({ verdict: "deny", reason: "the branch main is protected" });
  });

  test("may ask whether it may push at all; what is no push passes", async () => {
    expect(await onRequest(guard, new Request(url, { method: "POST", body: "0000" }))).toBeUndefined();
    const fetching = new Request("https://git.test/r/git-upload-pack", { method: "POST", body: "x" });
    expect(await onRequest(guard, fetching)).toBeUndefined();
  });
});
