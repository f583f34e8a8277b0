/**
 * What the cases about credentials have in common: a host that says what it was sent, and a sandbox that has a secret for it.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CredentialRule, NetworkRule, Policy, Sandbox, SandboxOptions } from "../../src/mod.ts";
import type { Scene } from "./scene.ts";
import { ruleFor, type StandIn, standIn, WORLD } from "./stand-in.ts";

/** A value that nothing else holds: never a literal, or the test's own source would hold it. */
export function secret(prefix = "ghp_"): string {
  return prefix + randomBytes(18).toString("hex");
}

/** A host that keeps what it was sent, and answers with `answer`, or its path. */
export async function witness(
  scene: Scene,
  host = "api.test",
  answer: (sent: Sent) => string = ({ path }) => path,
): Promise<StandIn & { readonly sent: Sent[] }> {
  const sent: Sent[] = [];
  const server = await standIn(scene, host, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      const one = {
        path: request.url ?? "",
        headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
        body: Buffer.concat(chunks).toString(),
      };
      sent.push(one);
      response.end(answer(one));
    });
  });
  return { ...server, sent };
}

/** A request as it reached a host. */
export interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A policy with credentials, whose hosts are this machine. */
export function policyWith(allow: readonly NetworkRule[], credentials: readonly CredentialRule[]): Policy {
  return { version: 1, filesystem: { write: ["."] }, network: { allow }, credentials };
}

/** A sandbox of it. */
export function credentialSandbox(scene: Scene, policy: Policy, options: SandboxOptions = {}): Promise<Sandbox> {
  return scene.create(policy, { resolver: () => ["127.0.0.1"], certificates: [WORLD.certificate], ...options });
}

/** A rule that lets everything go to a host. */
export function openRule(host: StandIn): NetworkRule {
  return ruleFor(host, undefined, { id: host.host });
}

/** Where in a sandbox, or in what the host keeps of it, a text is. The text reaches it by a pipe, so it is in no argv there. */
export async function traces(
  scene: { readonly place: Pick<Scene["place"], "docker"> },
  sandbox: Sandbox,
  text: string,
  logs: readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  // Not all roots can be listed; and /usr, which nobody writes, is long.
  const roots = "/workspace /home /tmp /var /etc /run /opt /srv /root /mnt /dev/shm /.cofferdam /.cofferdam-trust";
  const files = `grep -rlaF -f - ${roots}`;
  const { stdout } = await sandbox.exec(["sh", "-c", `${files} 2>/dev/null; true`], {
    stdin: `${text}\n`,
    timeoutMs: 50_000,
  });
  found.push(...stdout.split("\n").filter(Boolean));
  const environments =
    'read -r s; for f in /proc/[0-9]*/environ; do tr "\\0" "\\n" <"$f" 2>/dev/null | while read -r l; do case "$l" in *"$s"*) echo "$f";; esac; done; done';
  const running = await sandbox.spawn(["sleep", "60"]);
  const read = await sandbox.exec(["sh", "-c", environments], { stdin: `${text}\n`, timeoutMs: 50_000 });
  await running.kill();
  found.push(...read.stdout.split("\n").filter(Boolean));
  if (scene.place.docker) {
    const container = execFileSync("docker", ["inspect", `cofferdam-${sandbox.id}`], { encoding: "utf8" });
    if (container.includes(text)) found.push("docker inspect");
  }
  if (JSON.stringify([sandbox.decisions(), sandbox.policy, sandbox.enforcement]).includes(text)) found.push("records");
  for (const log of logs) if (readFileSync(log, "utf8").includes(text)) found.push(log);
  return found;
}

/** Where a case keeps an audit log. */
export function logIn(scene: Scene): string {
  return join(scene.folder(), "audit.jsonl");
}
