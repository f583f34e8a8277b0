/**
 * npm and pip with registries of their own: what a rule for installing lets through installs, and nothing is published.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { HttpAccess } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { shell } from "../help.ts";
import type { Scene } from "../scene.ts";
import { httpSandbox, requestRecord, type StandIn, standIn } from "../stand-in.ts";
import { WHEEL } from "./ordinary-builds.ts";

const rules = ({ host, port }: StandIn, access: HttpAccess["access"]) => ({
  allow: [{ id: "install", host, ports: [port], addresses: ["127.0.0.1"], http: { access } }],
});

function hostFolder(scene: Scene): string {
  const folder = mkdtempSync(join(tmpdir(), "registry-"));
  scene.defer(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A registry of npm with one package. It would take whatever is published. */
async function npmRegistry(scene: Scene): Promise<StandIn> {
  const folder = hostFolder(scene);
  const manifest = { name: "hello-case", version: "1.0.0", main: "index.js" };
  mkdirSync(join(folder, "package"));
  writeFileSync(join(folder, "package/package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "package/index.js"), "module.exports = 42;\n");
  execFileSync("tar", ["-czf", "package.tgz", "package"], { cwd: folder });
  const archive = readFileSync(join(folder, "package.tgz"));
  const integrity = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  const registry: StandIn = await standIn(scene, "npm.test", (request, response) => {
    const answer = (body: object) => response.setHeader("Content-Type", "application/json").end(JSON.stringify(body));
    request.resume();
    if (request.method !== "GET") return void answer({});
    if (request.url?.endsWith(".tgz")) return void response.end(archive);
    if (request.url !== "/hello-case") response.statusCode = 404;
    const dist = { tarball: `${registry.url}/hello-case/-/hello-case-1.0.0.tgz`, integrity };
    const versions = { "1.0.0": { ...manifest, dist } };
    answer({ name: "hello-case", "dist-tags": { latest: "1.0.0" }, versions });
  });
  return registry;
}

/** An index of Python packages with one of them: the simple API, PEP 503. */
async function pythonIndex(scene: Scene): Promise<StandIn> {
  const folder = hostFolder(scene);
  mkdirSync(join(folder, "index"));
  execFileSync("python3", ["-c", WHEEL], { cwd: folder });
  const name = "hello_case-1.0-py3-none-any.whl";
  const wheel = readFileSync(join(folder, "index", name));
  return standIn(scene, "pypi.test", (request, response) => {
    request.resume();
    if (request.url?.endsWith(".whl")) return void response.end(wheel);
    const isThere = request.url === "/simple/hello-case/";
    response.writeHead(isThere ? 200 : 404, { "Content-Type": "text/html" });
    response.end(isThere ? `<!DOCTYPE html><a href="/files/${name}">${name}</a>` : "");
  });
}

const NPM = { npm_config_update_notifier: "false", npm_config_fetch_retries: "0", CI: "true" };

export const clientRegistryCases: readonly Case[] = [
  {
    name: "npm installs from a registry, audit included, and cannot publish there",
    tools: true,
    async run(scene) {
      const registry = await npmRegistry(scene);
      const sandbox = await httpSandbox(scene, rules(registry, "npm-install"), { env: NPM });
      const setting = `registry=${registry.url}/\n//npm.test:${registry.port}/:_authToken=nothing\n`;
      await sandbox.files.write(".npmrc", setting);
      await sandbox.files.write("package.json", JSON.stringify({ name: "agents-own", version: "1.0.0" }));
      const installed = await shell(
        sandbox,
        "npm install --no-fund hello-case >&2 && node -p 'require(\"hello-case\")'",
      );
      expect([installed.stdout, installed.exitCode, installed.stderr]).toEqual(["42\n", 0, expect.any(String)]);
      const published = await shell(sandbox, "npm publish --loglevel=error");
      expect(published.exitCode).not.toBe(0);
      expect(published.stderr).toMatch(/403[\s\S]*denied/);
      expect(registry.requests.some((request) => request.startsWith("PUT"))).toBe(false);
      expect((await requestRecord(sandbox, `GET ${registry.url}/hello-case`, "allow")).ruleId).toBe("install");
      await requestRecord(sandbox, `POST ${registry.url}/-/npm/v1/security/advisories/bulk`, "allow");
      await requestRecord(sandbox, `PUT ${registry.url}/agents-own`, "deny");
    },
  },
  {
    name: "pip installs from an index, and nothing is uploaded there",
    tools: true,
    async run(scene) {
      const index = await pythonIndex(scene);
      const sandbox = await httpSandbox(scene, rules(index, "pypi-install"));
      // The wheel that Debian makes environments with: making one takes much longer than installing.
      const install = `export PYTHONPATH=$(echo /usr/share/python-wheels/pip-*.whl) &&
        python3 -m pip install -q --disable-pip-version-check --retries 0 --target lib --index-url "$1/simple" hello-case >&2 &&
        PYTHONPATH=lib python3 -c 'import hello_case; print(hello_case.answer)'`;
      const installed = await sandbox.exec(["sh", "-c", install, "sh", index.url], { timeoutMs: 50_000 });
      expect([installed.stdout, installed.stderr]).toEqual(["42\n", ""]);
      // As twine uploads.
      const upload = 'curl -sS -F ":action=file_upload" -F content=@/etc/passwd "$1/legacy/"';
      expect(JSON.parse((await shell(sandbox, upload, index.url)).stdout)).toMatchObject({
        error: "denied",
        method: "POST",
      });
      expect(index.requests.every((request) => request.startsWith("GET"))).toBe(true);
      expect((await requestRecord(sandbox, `GET ${index.url}/simple/hello-case/`, "allow")).ruleId).toBe("install");
      await requestRecord(sandbox, `POST ${index.url}/legacy/`, "deny");
    },
  },
];
