/**
 * Repositories over HTTP: git's own backend behind a server of Node, as gitprotocol-http describes.
 */
import { execFileSync, spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";

/** A folder with one bare repository, `it.git`, that anybody may push to, and one commit in it. */
export function makeRepository(folder: string): void {
  const run = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=Host", "-c", "user.email=host@example.invalid", ...args], {
      cwd: folder,
      stdio: "pipe",
    });
  run("init", "-q", "--bare", "-b", "main", "it.git");
  run("--git-dir=it.git", "config", "http.receivepack", "true");
  const tree = run("--git-dir=it.git", "write-tree").toString().trim();
  const commit = run("--git-dir=it.git", "commit-tree", tree, "-m", "First").toString().trim();
  run("--git-dir=it.git", "update-ref", "refs/heads/main", commit);
}

/** The commits of its branch, the newest first. */
export function commitsOf(folder: string): string[] {
  const log = execFileSync("git", ["--git-dir", join(folder, "it.git"), "log", "--format=%s", "main"], {
    encoding: "utf8",
  });
  return log.trim().split("\n");
}

/** Answers requests for repositories in a folder. */
export function serveGit(folder: string): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const [path = "", query = ""] = (request.url ?? "").split("?");
    const { headers, method = "" } = request;
    const backend = spawn("git", ["http-backend"], {
      env: {
        PATH: process.env.PATH ?? "",
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: "1",
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "safe.directory",
        GIT_CONFIG_VALUE_0: "*",
        PATH_INFO: path,
        QUERY_STRING: query,
        REQUEST_METHOD: method,
        CONTENT_TYPE: headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: headers["content-encoding"] ?? "",
        HTTP_GIT_PROTOCOL: String(headers["git-protocol"] ?? ""),
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    request.pipe(backend.stdin);
    backend.stdin.on("error", () => undefined);
    const chunks: Buffer[] = [];
    backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    backend.on("close", () => answer(Buffer.concat(chunks), response));
  };
}

/** Headers, an empty line, the body: RFC 3875. */
function answer(output: Buffer, response: ServerResponse): void {
  const end = output.indexOf("\r\n\r\n");
  for (const line of output.subarray(0, Math.max(end, 0)).toString().split("\r\n")) {
    const [name = "", value = ""] = line.split(": ");
    if (name === "Status") response.statusCode = Number(value.slice(0, 3));
    else if (name !== "") response.setHeader(name, value);
  }
  response.end(output.subarray(end + 4));
}
